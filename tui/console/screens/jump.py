"""The overlay that writes on each pane the key that jumps to it."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Key
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widgets import Static


class JumpOverlay(ModalScreen[str | None]):
    """Returns the id of the pane whose key is pressed; None where the user leaves.

    Args:
        panes: for each key the id and the place of a pane.
    """

    BINDINGS = [Binding("escape,semicolon", "dismiss", "Leave")]

    def __init__(self, panes: Mapping[str, tuple[str, Region]]) -> None:
        super().__init__()
        self._panes = panes

    def compose(self) -> ComposeResult:
        """A label in the corner of each pane."""
        for key, (_, region) in self._panes.items():
            label = Static(f" {key} ", classes="jump", markup=False)
            label.styles.offset = (region.x + 2, region.y)
            yield label

    def on_key(self, event: Key) -> None:
        """Leave with the pane of the key."""
        if event.character is not None and event.character in self._panes:
            event.stop()
            self.dismiss(self._panes[event.character][0])
