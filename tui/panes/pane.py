"""What the four panes have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from textual.containers import VerticalScroll

from engine.snapshot import Snapshot


class Pane(VerticalScroll, ABC, can_focus=True):
    """A framed part of the screen that draws snapshots."""

    TITLE = ""

    def on_mount(self) -> None:
        """Name the frame."""
        self.border_title = self.TITLE

    @abstractmethod
    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot."""
