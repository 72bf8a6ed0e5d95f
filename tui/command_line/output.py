"""Standard output of the commands."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from engine.events import Event
from tui.terminal import let_go_of_stdout
from tui.words.json_lines import event_line
from tui.words.safe_text import visible

UNBOUNDED = sys.maxsize // 2
"""A width at which no line is broken."""


class JsonLines:
    """Prints events, one JSON object per line, for as long as that is possible.

    Args:
        lost: called once with the reason why it no longer is.
    """

    def __init__(self, lost: Callable[[OSError], object]) -> None:
        self._lost = lost
        self._silent = False

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if self._silent:
            return
        try:
            print(event_line(event), flush=True)
        except OSError as error:
            self._silent = True
            let_go_of_stdout()
            self._lost(error)


def standard_output() -> Console:
    """A console on standard output, which breaks lines only in a terminal."""
    console = Console()
    if not console.is_terminal:
        console.width = UNBOUNDED
    return console


def one_line(words: str, style: str = "") -> Text:
    """Text from outside, as one line that is safe in a terminal."""
    return Text(visible(words, lines=False), style=style)
