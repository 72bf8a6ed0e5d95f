"""What the panes have in common."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import VerticalScroll


class Pane(VerticalScroll, can_focus=True):
    """A framed part of the screen; each kind has a method `show` that draws a snapshot.

    Attributes:
        TITLE: what the frame says.
        TERMS: what the glossary tells first while the pane is looked at, by the names of fields.
        HINT: what the pane shows, for whoever rests the mouse on it.
    """

    ALLOW_MAXIMIZE = True
    TITLE = ""
    TERMS: ClassVar[tuple[str, ...]] = ()
    HINT = ""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._frame = ("", "")

    def on_mount(self) -> None:
        """Name the frame, and say what is in it."""
        self.tooltip = f"{self.HINT} i explains the numbers." if self.HINT else None
        self.frame(self.TITLE, "")

    def frame(self, title: str, subtitle: str) -> None:
        """Write on the frame; to set either draws the whole pane anew, so that is left where nothing changes."""
        if (title, subtitle) != self._frame:
            self._frame = (title, subtitle)
            self.border_title, self.border_subtitle = title, subtitle
