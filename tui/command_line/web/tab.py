"""The console of one open page: a process, whose drawing goes to the browser and whose keys come from there."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from tui.words.safe_text import visible
from tui.words.shell_commands import COMMAND

PRELUDE = b"__GANGLION__\n"
"""Textual's driver prints this line before its first packet."""

PACKET = struct.Struct(">cI")
"""The head of a packet: its kind, and the bytes that follow."""


class Tab(AppService):
    """The console behind one page. It ends with the page, and the page says so when the console has ended first.

    Args:
        websocket: the connection to the page.
        downloads: files that the page asks for.

    Attributes:
        run_name: the run that the console trains; empty until it has said so.
        leaving: whether the console was told to end, or has said that it ends.
        told: set once `run_name` is known, or the console is leaving.
        ended: set once the process has ended.
    """

    def __init__(self, websocket: web.WebSocketResponse, downloads: DownloadManager) -> None:
        async def close() -> None:
            await websocket.close()

        super().__init__(
            "",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=downloads,
        )
        self.run_name = ""
        self.leaving = False
        self.told, self.ended = asyncio.Event(), asyncio.Event()
        self._arguments: Sequence[str] = ()

    async def begin(self, arguments: Sequence[str], columns: int, rows: int) -> None:
        """Start `charrnn-tui` with these arguments."""
        self._arguments = arguments
        await self.start(columns, rows)

    async def stop(self) -> None:
        """Have the console save and end, and wait for that."""
        self._leave()
        await super().stop()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> asyncio.subprocess.Process:
        # Textual's own way is a shell, which a text's name could give commands to. A session of its own, so that ctrl+c
        # in the server's terminal ends the server, which then ends this process in good order.
        self._process = process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Pass on what the console draws until its process has ended, then close the page's connection."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await process.stdout.readuntil(PRELUDE)
            while True:
                kind, size = PACKET.unpack(await process.stdout.readexactly(PACKET.size))
                await self._pass_on(kind, await process.stdout.readexactly(size))
        await process.wait()
        self._leave()
        self.ended.set()
        await self.remote_close()

    async def _pass_on(self, kind: bytes, payload: bytes) -> None:
        # The page may be gone while the console still saves, and says what it has saved.
        with suppress(ConnectionError):
            match kind:
                case b"D":
                    await self.on_data(payload)
                case b"M":
                    await self.on_meta(payload)
                case b"P":
                    await self.on_packed(payload)

    async def on_meta(self, data: bytes) -> None:
        """Take what the console says of itself; everything else is Textual's."""
        said = json.loads(data)
        match said["type"]:
            case "run":
                self.run_name = said["run"]
                self.told.set()
            case "says":
                print(visible(said["text"], lines=False), flush=True)
            case kind:
                if kind == "exit":
                    self._leave()
                await super().on_meta(data)

    def _leave(self) -> None:
        self.leaving = True
        self.told.set()
