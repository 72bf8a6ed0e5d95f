"""The terminal and the standard streams outside the console."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from engine.errors import UserError
from tui.words.safe_text import visible


def open_standard_streams() -> None:
    """Make all three standard streams usable: one that is closed leads nowhere, and no encoding refuses a character."""
    # In this order each null device takes the closed stream's number, which a file could take otherwise.
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def is_utf8(encoding: str) -> bool:
    """Whether this is one of UTF-8's names."""
    return codecs.lookup(encoding).name == "utf-8"


def need_terminal(instead: str, *, keyboard: bool = True) -> None:
    """Raises UserError, with the command to use `instead`, where there is no screen or keyboard for the console."""
    if not sys.stdout.isatty():
        raise UserError(f"standard output is no terminal: the console needs one; use `{instead}`")
    if keyboard and not sys.stdin.isatty():
        raise UserError(f"standard input is no terminal: the console needs one; use `{instead}`")
    if not is_utf8(encoding := sys.stdout.encoding):
        raise UserError(
            f"the console draws in UTF-8, this terminal is written to in {encoding}: set LC_ALL to a locale in UTF-8, "
            f"such as C.UTF-8, and unset PYTHONIOENCODING; or use `{instead}`"
        )


SIGNALS = {"sigint": signal.SIGINT, "sigterm": signal.SIGTERM} | (
    {"sighup": signal.SIGHUP} if hasattr(signal, "SIGHUP") else {}
)
"""The signals that end a run with everything saved, by the reason that its end names."""


def reason_of(number: int) -> str:
    """What an end that a signal brought is called."""
    return next(reason for reason, known in SIGNALS.items() if known == number)


@contextmanager
def on_signals(do: Callable[[int], object], *, interrupt: bool = True) -> Iterator[list[int]]:
    """Within it something is done when one of `SIGNALS` comes; a second one ends the process. Yields those that came.

    Args:
        do: told the signal's number; may raise what is to end the process.
        interrupt: whether that of the keyboard counts, which is an exception of Python's otherwise.
    """
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        do(number)
        signal.signal(number, signal.SIG_DFL)

    wanted = [number for number in SIGNALS.values() if interrupt or number is not signal.SIGINT]
    # Whoever started the process with a signal ignored, as nohup does, wants it to go on.
    heeded = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def complain(message: str) -> None:
    """Say in one line on standard error what is wrong."""
    print(f"charrnn-tui: {visible(' '.join(message.split()), lines=False)}", file=sys.stderr)


def write_text(text: str, stream: TextIO) -> None:
    """Write text from outside: to a terminal only what is safe there, elsewhere as it is."""
    stream.write(visible(text, lines=True) if stream.isatty() else text)
    stream.flush()


def attach_keyboard() -> bool:
    """Make the terminal standard input again, after a text came through it; returns whether there is one."""
    try:
        handle = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return False
    os.dup2(handle, 0)
    os.close(handle)
    return True


def let_go_of_stdout() -> None:
    """Point standard output nowhere: whoever read it has gone, and a flush at exit would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
