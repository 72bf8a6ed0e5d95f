"""The end of what a program has printed, as a terminal would show it."""

from __future__ import annotations

import re
from pathlib import Path

MOST_BYTES = 32_768
"""The most bytes of the end that are read."""

MOST_LINES = 200

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-Z\\^-~])")
"""The escape sequences of terminals: colours, movements of the cursor, titles."""


class Tail:
    """The last lines of a file that grows.

    Attributes:
        text: the lines. Where a line was written over, as progress bars do, it is what was written last.
    """

    def __init__(self, path: Path) -> None:
        self.text = ""
        self._path = path
        self._size = 0

    def read(self) -> None:
        """Read what is new; where there is no such file, nothing."""
        try:
            size = self._path.stat().st_size
            if size == self._size:
                return
            with self._path.open("rb") as file:
                file.seek(max(0, size - MOST_BYTES))
                end = file.read(MOST_BYTES)
        except OSError:
            return  # It is on the way, or was removed: what was read stays.
        self._size = size
        if size > MOST_BYTES:
            end = end.lstrip(bytes(range(0x80, 0xC0)))  # The rest of a character that begins before.
        self.text = as_shown(end.decode(errors="replace"))


def as_shown(text: str) -> str:
    """The last lines of a text with the escape sequences and carriage returns of a terminal."""
    lines = ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")[-MOST_LINES:]
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
