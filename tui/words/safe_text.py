"""Text from outside, made safe to show.

A terminal obeys the escape sequences in whatever is printed: a text, a file's name or a sample could move the cursor,
change the title, or turn the direction of a line. Here each such character becomes a visible one.
"""

from __future__ import annotations

import unicodedata

TAB = "    "
HIDDEN = "\N{REPLACEMENT CHARACTER}"
"""Stands for characters without a picture: C1 controls, surrogates, and those that turn the direction of a line."""

CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, invisible format characters, surrogates, and line and paragraph separators."""


def visible(text: str, *, lines: bool) -> str:
    """The text with every character that a terminal would obey replaced by one that it shows.

    Args:
        text: anything.
        lines: whether line ends stay and tabs become spaces; otherwise they are shown as `␊` and `␉`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character, lines) for character in text)


def _visible(character: str, lines: bool) -> str:
    if lines and character in "\n\t":
        return TAB if character == "\t" else character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if unicodedata.category(character) in CATEGORIES:
        return HIDDEN
    return character
