"""The base of all panes."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, VerticalScroll

SCREEN_KEYS = ("left", "right")
"""Keys that a scrolled container has for itself, and that the main screen needs."""


class Pane(VerticalScroll, can_focus=True, inherit_bindings=False):
    """A framed part of the screen; each kind has a method `show` that draws a snapshot.

    Attributes:
        TITLE: the title of the frame.
        TERMS: the fields that the glossary explains first while this pane has the focus.
        HINT: what the pane shows, as a tooltip.
    """

    ALLOW_MAXIMIZE = True
    # Those of a scrolled container but left and right, which belong to the screen.
    BINDINGS: ClassVar[list[BindingType]] = [
        each for each in ScrollableContainer.BINDINGS if isinstance(each, Binding) and each.key not in SCREEN_KEYS
    ]
    TITLE = ""
    TERMS: ClassVar[tuple[str, ...]] = ()
    HINT = ""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._frame = ("", "")

    def on_mount(self) -> None:
        """Set the title and the tooltip."""
        self.tooltip = f"{self.HINT} i explains the numbers." if self.HINT else None
        self.frame(self.TITLE, "")

    def frame(self, title: str, subtitle: str) -> None:
        """Write on the frame, only where that changes anything: either title redraws the whole pane."""
        if (title, subtitle) != self._frame:
            self._frame = (title, subtitle)
            self.border_title, self.border_subtitle = title, subtitle
