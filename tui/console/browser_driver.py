"""Textual's driver for a browser, made to survive any input, and to end with its page."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from codecs import getincrementaldecoder
from contextlib import suppress
from functools import partial
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers._byte_stream import ByteStream
from textual.drivers.web_driver import WebDriver

from tui.console.driver import TolerantDriver


class BrowserDriver(TolerantDriver, WebDriver):
    """Shows invalid UTF-8 as U+FFFD, drops keys that mean nothing, and treats a page that is closed as a hangup.

    Textual 8.2 reads no more after a key that it cannot decode, and a console goes on for ever whose server has died.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._writing = threading.Lock()
        self._write = partial(self._send)

    def _send(self, packet: bytes) -> int:
        """Write a packet whole: the engine's thread sends some too. One that nobody reads any more is dropped."""
        with self._writing, suppress(OSError):
            rest = memoryview(packet)
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        return len(packet)

    def start_application_mode(self) -> None:
        """Start, and leave signals to the console."""
        super().start_application_mode()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)

    def run_input_thread(self) -> None:
        """Read and pass on events until told to end, or until the server or its page is gone."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser(self._debug)
        packets = ByteStream()
        for part in self._input_reader:
            for kind, payload in packets.feed(part) if part else ():
                if kind == "D":
                    self._pass_on(self._parser.feed(decode(payload)))
                else:
                    self._on_meta(kind, payload)
            self._pass_on(self._parser.tick())
        if not self.exit_event.is_set():
            self._hang_up()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Take what the server says; everything but the page's end is Textual's."""
        if packet_type == "quit":
            self._hang_up()
        else:
            super().on_meta(packet_type, payload)
