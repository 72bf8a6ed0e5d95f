"""Standard output of the commands."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from tui.words.safe_text import visible

UNBOUNDED = sys.maxsize // 2
"""A width at which no line is broken."""


def standard_output() -> Console:
    """A console on standard output, which breaks lines only in a terminal."""
    console = Console()
    if not console.is_terminal:
        console.width = UNBOUNDED
    return console


def one_line(words: str, style: str = "") -> Text:
    """Text from outside, as one line that is safe in a terminal."""
    return Text(visible(words, lines=False), style=style)
