"""The help screen, made from the same table of keys as the footer."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.console.keys import KEYS, Group


class HelpScreen(ModalScreen[None]):
    """Every key with its sentence of help."""

    BINDINGS = [("escape,question_mark,q", "dismiss", "Leave")]

    def compose(self) -> ComposeResult:
        """A table with a heading for each group."""
        with VerticalScroll(classes="dialog wide") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "escape leaves"
            yield Static(_table())


def _table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold", min_width=7)
    table.add_column()
    for place, group in enumerate(Group):
        if place:
            table.add_row("", "")
        table.add_row("", Text(group, style="bold underline"))
        for key in KEYS:
            if key.group == group:
                table.add_row(Text(key.shown), Text(key.help))
    table.add_row("", "")
    table.add_row("", Text("Panes", style="bold underline"))
    table.add_row(Text("tab"), Text("The next pane; the arrow keys scroll it."))
    return table
