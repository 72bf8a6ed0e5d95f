"""What the four panes have in common."""

from __future__ import annotations

from textual.containers import VerticalScroll


class Pane(VerticalScroll, can_focus=True):
    """A framed part of the screen; each kind has a method `show` that draws a snapshot."""

    ALLOW_MAXIMIZE = True
    TITLE = ""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._frame = ("", "")

    def on_mount(self) -> None:
        """Name the frame."""
        self.frame(self.TITLE, "")

    def frame(self, title: str, subtitle: str) -> None:
        """Write on the frame; to set either draws the whole pane anew, so that is left where nothing changes."""
        if (title, subtitle) != self._frame:
            self._frame = (title, subtitle)
            self.border_title, self.border_subtitle = title, subtitle
