"""A text on the screen that costs little while it stays as it is."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class CachedText(Static):
    """Draws its text only where it is another than before, and has the screen laid out anew only for another height.

    Laying everything out takes several times as long as drawing what changed, and the training waits meanwhile.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Text()

    def draw(self, text: Text) -> None:
        """Show lines that fit the width."""
        # A text's equality leaves out the style that all of it has.
        if (text, text.style) == (self._text, self._text.style):
            return
        height_stays = text.plain.count("\n") == self._text.plain.count("\n")
        self._text = text
        self.update(text, layout=not height_stays)
