"""What the command line prints outside the console."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from tui.safe_text import visible


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
