"""Text from outside in Markdown: it is shown as it is, and cannot become a link, a picture or HTML."""

from __future__ import annotations

import re

from tui.words.safe_text import visible

SPECIAL = re.compile(r"""[\\`*_{}\[\]\#]|[<>&|~$@]|:(?=//)|(?<=\bwww)\.""", re.VERBOSE | re.IGNORECASE)
"""The characters that some reader of Markdown gives a meaning, also within addresses, which become links."""

BACKSLASHED = "\\`*_{}[]#"
"""The characters that every reader shows as they are after a backslash; the others are written as their numbers."""

BLOCK = re.compile(r"^(\d*)([-+.)])(?=\s|$)|^()([-=])(?=[-=\s]*$)")
"""The beginning of a line that would begin a list, or underline a heading."""


def escaped(words: str) -> str:
    """Text as one line, for a paragraph, a list or a cell of a table."""
    return BLOCK.sub(r"\1\3\\\2\4", SPECIAL.sub(_escape, visible(words, lines=False)))


def indented(words: str) -> str:
    """A block of code: every line is indented by four spaces, so that none can end the block."""
    return "\n".join(f"    {line}" for line in visible(words, lines=True).split("\n"))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in BACKSLASHED else f"&#{ord(character)};"
