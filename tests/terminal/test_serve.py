"""The real server of the console's pages: whom it answers, what becomes of the training, and how it ends."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyte
import pytest

from engine.lab import Lab
from tests.terminal.test_real_terminal import FAST, UNKNOWN_TO_PYTE
from tests.waiting import PATIENCE, until
from tui.words.shell_commands import COMMAND

pytestmark = pytest.mark.xdist_group("terminal")


class Served:
    """A server in a process of its own, and the address that it printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.told = b""
        self.read_until(b"ctrl+c")
        found = re.search(rb"(http://([^/]+))/\?token=(\S+)", self.told)
        assert found is not None, self.told
        self.origin, self.host, self.token = (part.decode() for part in found.groups())

    @property
    def page(self) -> str:
        return f"{self.origin}/?token={self.token}"

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    def read_until(self, words: bytes) -> None:
        assert self.process.stdout is not None
        while words not in self.told:
            assert select.select([self.process.stdout], [], [], PATIENCE)[0], self.told
            part = os.read(self.process.stdout.fileno(), 65_536)
            assert part, self.told
            self.told += part

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def consoles(self) -> list[int]:
        """The processes of its pages."""
        found = []
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = each.read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if int(parent) == self.process.pid:
                found.append(int(each.parent.name))
        return found

    def status(self, run: str) -> str:
        with Lab.open_existing(self.folder / "charrnn-lab") as lab:
            return lab.runs.get(run).status


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path, text: Path) -> Iterator[Serve]:
    servers: list[Served] = []

    def begin(*arguments: str) -> Served:
        servers.append(Served(tmp_path, "--port", "0", *(arguments or (text.name, *FAST))))
        return servers[-1]

    yield begin
    for each in servers:
        if each.process.poll() is None:
            each.end()
        assert each.process.stdout is not None
        each.process.stdout.close()


class Drawn:
    """The text that a console has drawn on a page."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self.screen)

    def draw(self, part: bytes) -> None:
        self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", part))

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)


class Page(Drawn):
    """A page without a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__()
        self.socket = socket

    async def until(self, condition: Callable[[str], Any]) -> str:
        end = time.monotonic() + PATIENCE
        while not condition(self.text):
            assert time.monotonic() < end, self.text
            message = await self.socket.receive(PATIENCE)
            assert message.type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), self.text
            if message.type is aiohttp.WSMsgType.BINARY:
                self.draw(message.data)
        return self.text

    async def press(self, keys: str) -> None:
        await self.socket.send_str(json.dumps(["stdin", keys]))

    async def ended(self) -> None:
        """Wait for the server to close the connection, as it does when the console has ended."""
        while (await self.socket.receive(PATIENCE)).type is not aiohttp.WSMsgType.CLOSED:
            continue


@asynccontextmanager
async def opened(served: Served) -> AsyncIterator[Page]:
    """A page in a browser of its own, that is closed at the end."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(served.page) as answer:
            assert answer.status == 200
        async with browser.ws_connect(f"{served.origin}/ws?width=120&height=40", origin=served.origin) as socket:
            yield Page(socket)


def is_training(text: str) -> bool:
    return "▶ training" in text and "loss " in text


def gone(process: int) -> bool:
    """Whether a process has ended, though nobody may have asked for its exit code yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


async def test_a_page_trains_obeys_keys_and_the_next_one_resumes(serve: Serve) -> None:
    served = serve()
    async with opened(served) as page:
        await page.until(is_training)
        await page.press("b")
        await page.until(lambda text: "bptt 20 → 10 — applied" in text)
        async with opened(served) as second:
            await second.until(lambda text: is_training(text) and "words-1" in text and "bptt 10" in text)
            assert len(served.consoles()) == 2
            await second.press("q")
            await second.ended()
        await page.press(" ")
        await page.until(lambda text: "‖ paused" in text)
        await page.press(" ")
        await page.until(is_training)
    served.read_until(b"continues it\n")
    assert re.search(rb"words-1 is saved at update [\d,]+: `charrnn-tui resume words-1` continues it", served.told)
    until(lambda: not served.consoles())
    async with opened(served) as page:
        await page.until(lambda text: is_training(text) and "words-1" in text and "bptt 10" in text)
        assert served.end() == 130
        await page.ended()
    with Lab.open_existing(served.folder / "charrnn-lab") as lab:
        assert [run.name for run in lab.runs.standalone()] == ["words-1"]
    assert b"Traceback" not in served.told


async def test_strangers_are_refused(serve: Serve) -> None:
    served = serve()
    async with aiohttp.ClientSession() as stranger:

        async def status(path: str, **headers: str) -> int:
            async with stranger.get(f"{served.origin}{path}", headers=headers) as answer:
                return answer.status

        right = f"/?token={served.token}"
        assert await status("/") == 403
        assert await status("/?token=wrong") == 403
        assert await status("/static/js/textual.js") == 403
        assert await status(right, Host="evil.example") == 421
        assert await status(right, Host=f"evil.example:{served.port}") == 421
        assert await status(right, Origin="http://evil.example") == 403
        assert await status(right, Origin="null") == 403
        assert await status(right, Host=f"localhost:{served.port}") == 200
        assert await status(right, Host="localhost:9000", Origin="http://localhost:9000") == 200
        for path, headers in (
            ("/ws", {}),
            ("/ws?token=wrong", {}),
            (f"/ws{right[1:]}", {"Origin": "http://evil.example"}),
            (f"/ws{right[1:]}", {"Host": "evil.example"}),
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await stranger.ws_connect(f"{served.origin}{path}", headers=headers)
            assert refused.value.status in (403, 421)
    assert not served.consoles()
    assert served.end(signal.SIGTERM) == 143


async def test_the_cookie_is_for_this_page_alone_and_no_script_reads_it(serve: Serve) -> None:
    served = serve()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(served.page) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert served.token not in cookie
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert served.token not in await answer.text()
        async with browser.get(f"{served.origin}/static/js/textual.js") as answer:
            assert answer.status == 200


async def test_no_console_survives_a_server_that_is_killed(serve: Serve) -> None:
    served = serve()
    async with opened(served) as page:
        await page.until(is_training)
        (console,) = served.consoles()
        assert served.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: gone(console))
    assert served.status("words-1") == "sighup"
    assert (served.folder / "charrnn-lab" / "checkpoints" / "words-1" / "latest.safetensors").exists()


async def test_a_console_that_is_killed_closes_its_page_and_leaves_a_whole_lab(serve: Serve) -> None:
    served = serve("words.txt", *FAST, "--checkpoint-every", "1")
    saved = served.folder / "charrnn-lab" / "checkpoints" / "words-1" / "latest.safetensors"
    async with opened(served) as page:
        await page.until(lambda text: is_training(text) and saved.exists())
        (console,) = served.consoles()
        os.kill(console, signal.SIGKILL)
        await page.ended()
    async with opened(served) as page:
        await page.until(lambda text: is_training(text) and "words-1" in text)
    until(lambda: not served.consoles())
    assert served.status("words-1") == "sighup"


@pytest.mark.soak
async def test_messages_that_no_page_sends_end_their_console_alone(serve: Serve) -> None:
    served = serve()
    async with opened(served) as page:
        await page.socket.send_str('["stdin", 5]')
        await page.ended()
    async with opened(served) as page:
        await page.until(is_training)
        await page.press("\x1b[99999999999u")
        await page.press("b")
        await page.until(lambda text: "bptt 20 → 10 — applied" in text)


@pytest.mark.soak
async def test_a_name_of_a_text_is_no_command(serve: Serve, text: Path) -> None:
    name = "-a; touch 'broken' $(touch broken) `touch broken` \"&.txt"
    text.rename(text.with_name(name))
    served = serve(*FAST, "--", name)
    async with opened(served) as page:
        await page.until(lambda shown: is_training(shown) and "touch" in shown)
    assert served.end() == 130
    assert not (text.parent / "broken").exists()


@pytest.mark.soak
async def test_what_runs_elsewhere_is_shown_without_a_text(serve: Serve, text: Path) -> None:
    training = subprocess.Popen([*COMMAND, "train", text.name, *FAST], cwd=text.parent, stderr=subprocess.DEVNULL)
    served = serve("--lab", "charrnn-lab")
    async with opened(served) as page:
        await page.until(lambda shown: is_training(shown) and "words-1" in shown)
    assert served.end() == 130
    assert training.poll() is None
    training.send_signal(signal.SIGTERM)
    assert training.wait(PATIENCE) == 143
