"""Sentences broken into lines by the columns that their characters take."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text


def wrapped(words: str, width: int, style: str = "", indent: int = 0) -> list[Text]:
    """Lines of at most `width` columns, broken at spaces; all but the first are indented by `indent` columns."""
    lines: list[str] = []
    line, room = "", max(1, width)
    for word in words.split():
        if line and cell_len(line) + 1 + cell_len(word) > room:
            lines.append(line)
            line = ""
        if not line and lines:
            line = " " * indent + set_cell_size(word, min(cell_len(word), max(1, room - indent)))
        else:
            line = f"{line} {word}" if line else set_cell_size(word, min(cell_len(word), room))
    return [Text(each, style=style) for each in [*lines, line]]
