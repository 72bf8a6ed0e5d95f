"""Textual's driver for Linux and macOS, made to survive any input of a keyboard, a paste or a dying terminal."""

from __future__ import annotations

import os
import select
import signal
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterable
from typing import Any

from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

LOOK_SECONDS = 0.1
"""Seconds after which the thread checks again whether it should end."""

AT_ONCE = 4096


class TolerantDriver(Driver):
    """A driver that drops keys that mean nothing, and treats the end of its input as a closed terminal."""

    _parser: XTermParser

    def _pass_on(self, parsed: Iterable[Message]) -> None:
        try:
            for message in parsed:
                self.process_message(message)
        except (ValueError, OverflowError):
            self._parser = XTermParser(self._debug)

    def _hang_up(self) -> None:
        """Have the console save and end, as a terminal that closes does."""
        # There need not have been a signal: the terminal may not be the one that controls this process.
        os.kill(os.getpid(), signal.SIGHUP)


class TerminalDriver(TolerantDriver, LinuxDriver):
    """Shows invalid UTF-8 as U+FFFD, drops sequences that mean nothing, and treats a closed terminal as a hangup.

    Textual 8.2 decodes strictly inside `run_input_thread`, and its parser raises on numbers that are too large. Either
    ends the application with a traceback, and the shell then runs the rest of a paste. The decoder cannot be replaced
    alone, so the whole method is.

    Textual draws on standard error, so that standard output can be piped. The console needs standard output to be a
    terminal and draws there; standard error may be a file.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__

    def run_input_thread(self) -> None:
        """Read and pass on events until told to end."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser(self._debug)
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], LOOK_SECONDS)[0]:
                part = self._read()
                if not part:
                    self._hang_up()
                    return
                if text := decode(part):
                    self._pass_on(self._parser.feed(text))
            self._pass_on(self._parser.tick())

    def _read(self) -> bytes:
        """The bytes that were typed; empty where the terminal is closed."""
        try:
            return os.read(self.fileno, AT_ONCE)
        except OSError:
            return b""
