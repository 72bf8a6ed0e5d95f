"""Textual's driver for Linux and macOS, for whatever a keyboard, a paste or a dying terminal sends."""

from __future__ import annotations

import os
import select
import signal
from codecs import getincrementaldecoder
from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

LOOK_SECONDS = 0.1
"""How often the thread looks whether it should end."""

AT_ONCE = 4096


class TerminalDriver(LinuxDriver):
    """Shows what is not UTF-8 as U+FFFD, drops sequences that mean nothing, and takes a closed terminal for a hangup.

    Textual 8.2 decodes strictly inside this one method and its parser raises on numbers that are too large: either
    ends the application with a traceback, and the shell behind it runs the rest of a paste. There is no seam around the
    decoder but the name of the codec's factory in Textual's own module, so the method is written anew.
    """

    def run_input_thread(self) -> None:
        """Read and pass on events until told to end."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser(self._debug)
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], LOOK_SECONDS)[0]:
                part = self._read()
                if not part:
                    # There need not have been a signal: the terminal may not be this process' own.
                    os.kill(os.getpid(), signal.SIGHUP)
                    return
                if text := decode(part):
                    self._pass_on(self._parser.feed(text))
            self._pass_on(self._parser.tick())

    def _read(self) -> bytes:
        """What was typed; nothing where the terminal is closed."""
        try:
            return os.read(self.fileno, AT_ONCE)
        except OSError:
            return b""

    def _pass_on(self, parsed: Iterable[Message]) -> None:
        try:
            for message in parsed:
                self.process_message(message)
        except (ValueError, OverflowError):
            self._parser = XTermParser(self._debug)
