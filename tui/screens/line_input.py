"""A field for one line."""

from __future__ import annotations

from textual.events import Paste
from textual.widgets import Input

from tui.safe_text import visible


class LineInput(Input):
    """Joins the lines of what is pasted, where Textual's own field drops all but the first."""

    def on_paste(self, event: Paste) -> None:
        """Hand on one line, without anything that a terminal would obey."""
        event.text = visible(" ".join(event.text.split()), lines=False)
