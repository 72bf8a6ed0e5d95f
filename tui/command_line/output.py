"""Standard output of the commands."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from tui.words.safe_text import visible

UNBOUNDED = sys.maxsize // 2
"""The width of a line that nothing has to break."""


def standard_output() -> Console:
    """Standard output; where it is no terminal, a line is as long as it needs to be."""
    console = Console()
    if not console.is_terminal:
        console.width = UNBOUNDED
    return console


def one_line(words: str, style: str = "") -> Text:
    """Words from outside, in one line that is safe in a terminal."""
    return Text(visible(words, lines=False), style=style)
