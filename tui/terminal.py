"""The terminal and the standard streams outside the console."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

from engine.errors import UserError
from engine.events import RunStatus
from tui.words.safe_text import visible


def open_standard_streams() -> None:
    """Make all three standard streams usable.

    A closed stream is opened on the null device, and a character that an encoding lacks is replaced.
    """
    # In this order, each null device takes the descriptor of the closed stream, which a file could take otherwise.
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


WEB_DRIVER = "textual.drivers.web_driver:WebDriver"
"""Textual's driver for a console in a browser, as the environment names it for the process behind a page."""


def in_browser() -> bool:
    """Whether this process is the console behind a page in a browser, to which its standard streams lead."""
    return os.environ.get("TEXTUAL_DRIVER") == WEB_DRIVER


def assume_simple_terminal() -> None:
    """Where nothing says which terminal this is, take it for one that only prints lines, called `dumb`."""
    if sys.platform != "win32" and not os.environ.get("TERM"):
        os.environ["TERM"] = "dumb"


def only_prints_lines() -> bool:
    """Whether the terminal obeys no control sequences."""
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def wants_no_colours() -> bool:
    """Whether the user wants no colours, as https://no-color.org says."""
    return bool(os.environ.get("NO_COLOR"))


def has_few_colours(system: str | None) -> bool:
    """Whether a terminal has sixteen colours at most, which are the user's own; `system` as rich names it."""
    return system in (None, "standard")


def is_utf8(encoding: str) -> bool:
    """Whether an encoding's name stands for UTF-8."""
    return codecs.lookup(encoding).name == "utf-8"


def need_terminal(instead: str, *, keyboard: bool = True) -> None:
    """Raise UserError where the console has no screen, no keyboard or no UTF-8; it names a command to use `instead`."""
    if in_browser():
        return
    if not sys.stdout.isatty():
        raise UserError(f"standard output is not a terminal: the console needs one; use `{instead}`")
    if keyboard and not sys.stdin.isatty():
        raise UserError(f"standard input is not a terminal: the console needs one; use `{instead}`")
    if only_prints_lines():
        raise UserError(
            "TERM is dumb or not set: the console needs a terminal that moves its cursor; set TERM to its name, such "
            f"as xterm-256color, or use `{instead}`"
        )
    if not is_utf8(encoding := sys.stdout.encoding):
        raise UserError(
            f"the console draws in UTF-8, but standard output is in {encoding}: set LC_ALL to a UTF-8 locale, "
            f"such as C.UTF-8, and unset PYTHONIOENCODING; or use `{instead}`"
        )


SIGNALS = {RunStatus.SIGINT: signal.SIGINT, RunStatus.SIGTERM: signal.SIGTERM} | (
    {RunStatus.SIGHUP: signal.SIGHUP} if hasattr(signal, "SIGHUP") else {}
)
"""The signals that save and end a run, by the reason that is recorded."""


def reason_of(number: int) -> RunStatus:
    """The reason that is recorded where this signal ended a run."""
    return next(reason for reason, known in SIGNALS.items() if known == number)


@contextmanager
def on_signals(do: Callable[[int], object], *, interrupt: bool = True) -> Iterator[list[int]]:
    """Within this context, call `do` when one of `SIGNALS` arrives; a second one ends the process.

    Yields the list of the signals that have arrived. A signal that was ignored at the start stays ignored.

    Args:
        do: called with the signal's number; may raise an exception that ends the process.
        interrupt: whether SIGINT counts; otherwise Python raises KeyboardInterrupt for it.
    """
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        do(number)
        signal.signal(number, signal.SIG_DFL)

    wanted = [number for number in SIGNALS.values() if interrupt or number is not signal.SIGINT]
    # Whoever started the process with a signal ignored, as nohup does, wants the process to survive that signal.
    heeded = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def complain(message: str) -> None:
    """Print one line on standard error that says what is wrong."""
    print(f"charrnn-tui: {visible(' '.join(message.split()), lines=False)}", file=sys.stderr)


def terminal_message(text: str) -> str:
    """A bell, and the sequence (OSC 9) on which many terminals show a message outside their window."""
    return f"\a\x1b]9;{text}\x1b\\"


def ring(text: str) -> None:
    """Ring, and have the terminal show a line that is safe in it. Where there is no terminal, nothing rings."""
    stream = next((stream for stream in (sys.stderr, sys.stdout) if stream.isatty()), None)
    if stream is not None:
        with suppress(OSError):  # A terminal that is gone needs no bell, and its signal ends what has to end.
            stream.write(terminal_message(text))
            stream.flush()


def write_text(text: str, stream: TextIO) -> None:
    """Write text from outside; in a terminal, control characters are made visible."""
    stream.write(visible(text, lines=True) if stream.isatty() else text)
    stream.flush()


def attach_keyboard() -> bool:
    """Make the terminal standard input again, after a text came through it; return whether there is a terminal."""
    try:
        handle = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return False
    os.dup2(handle, 0)
    os.close(handle)
    return True


def let_go_of_stdout() -> None:
    """Point standard output at the null device: its reader is gone, and a flush at exit would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
