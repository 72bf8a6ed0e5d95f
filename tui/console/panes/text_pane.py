"""A pane whose text is a function of the snapshot and of its size."""

from __future__ import annotations

from abc import abstractmethod

from rich.text import Text
from textual.app import ComposeResult

from engine.session.snapshot import Snapshot
from tui.console.panes.cached_text import CachedText
from tui.console.panes.pane import Pane


class TextPane(Pane):
    """Draws the text that a subclass makes of a snapshot, where the pane is shown."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot = Snapshot()

    def compose(self) -> ComposeResult:
        """The pane's text."""
        yield CachedText(id=f"{self.id}-text")

    def on_resize(self) -> None:
        """Draw for the new size without waiting."""
        self.redraw()

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot."""
        if snapshot is not self._snapshot or not self.query_one(CachedText).has_room:
            self._snapshot = snapshot
            self.redraw()

    def redraw(self) -> None:
        """Draw the last snapshot again."""
        if self.display:
            width, height = self.scrollable_content_region.size
            text = self.text(self._snapshot, max(1, width), max(1, height))
            text.no_wrap = True
            self.query_one(CachedText).draw(text)

    @abstractmethod
    def text(self, snapshot: Snapshot, width: int, height: int) -> Text:
        """The pane's lines, `width` columns wide; more than `height` rows are scrolled."""
