"""Text from outside in Markdown, so that it shows as what it is and cannot become a link, a picture or HTML."""

from __future__ import annotations

import re

from tui.words.safe_text import visible

SPECIAL = re.compile(r"""[\\`*_{}\[\]\#]|[<>&|~$@]|:(?=//)|(?<=\bwww)\.""", re.VERBOSE | re.IGNORECASE)
"""What some reader of Markdown takes for more than itself, an address that it would turn into a link included."""

BACKSLASHED = "\\`*_{}[]#"
"""What every reader takes for itself behind a backslash; for the others there are numbers."""

BLOCK = re.compile(r"^(\d*)([-+.)])(?=\s|$)|^()([-=])(?=[-=\s]*$)")
"""What a line begins with that begins a list, or underlines a heading."""


def escaped(words: str) -> str:
    """Words for within a paragraph, a list or a table's cell, as one line."""
    return BLOCK.sub(r"\1\3\\\2\4", SPECIAL.sub(_escape, visible(words, lines=False)))


def indented(words: str) -> str:
    """A block of code: every line stands behind four spaces, so that none can end it."""
    return "\n".join(f"    {line}" for line in visible(words, lines=True).split("\n"))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in BACKSLASHED else f"&#{ord(character)};"
