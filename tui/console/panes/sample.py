"""The pane of the text that the network writes."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from engine.session.snapshot import Snapshot
from tui.console.panes.pane import Pane
from tui.words.safe_text import visible


class SamplePane(Pane):
    """The samples that the network writes; the pane follows their end."""

    TITLE = "Sample"
    HINT = "What the network writes while it learns."
    TERMS = ("known", "names", "invented")

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._drawn = ""
        self._lines = 0

    def compose(self) -> ComposeResult:
        """The pane's text."""
        yield Static(id="sample-text")

    def on_mount(self) -> None:
        """Follow the end of the text, except while the user has scrolled up."""
        self.anchor()

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot, if there is anything new."""
        if snapshot.watched:
            self.frame("Output", f"of {visible(snapshot.text, lines=False)}")
        else:
            self.frame(self.TITLE, f"T {snapshot.settings.write('temperature')}" if snapshot.network else "")
        text = snapshot.sample or ("nothing printed here" if snapshot.watched else "nothing written yet")
        if text == self._drawn:
            return
        self._drawn = text
        shown = self.query_one("#sample-text", Static)
        shown.update(Text(visible(text, lines=True)), layout=False)
        # A layout takes several times as long as drawing, and most characters open no line.
        lines = shown.get_content_height(self.size, self.app.size, shown.content_size.width)
        if lines != self._lines:
            self._lines = lines
            shown.refresh(layout=True)
