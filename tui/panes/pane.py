"""What the four panes have in common."""

from __future__ import annotations

from textual.containers import VerticalScroll


class Pane(VerticalScroll, can_focus=True):
    """A framed part of the screen; each kind has a method `show` that draws a snapshot."""

    ALLOW_MAXIMIZE = True
    TITLE = ""

    def on_mount(self) -> None:
        """Name the frame."""
        self.border_title = self.TITLE
