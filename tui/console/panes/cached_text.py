"""A text on the screen that costs little while it does not change."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class CachedText(Static):
    """Draws its text only when it has changed, and lays the screen out again only when its height has changed.

    A layout takes several times as long as drawing what changed, and the training waits meanwhile.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Text()

    @property
    def has_room(self) -> bool:
        """Whether the screen was laid out for so many lines. Textual loses a layout when a scroll comes with it."""
        return self.size.height > self._text.plain.count("\n")

    def draw(self, text: Text) -> None:
        """Show a text whose lines fit the width."""
        # The equality of texts ignores the style of the whole text.
        if (text, text.style) == (self._text, self._text.style) and self.has_room:
            return
        height_stays = text.plain.count("\n") == self._text.plain.count("\n") and self.has_room
        self._text = text
        self.update(text, layout=not height_stays)
