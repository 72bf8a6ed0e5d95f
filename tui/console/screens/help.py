"""The help screen, made from the same table of keys as the footer."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.console.keys import Group, Key
from tui.console.screens.line_input import LineInput

PANES = Key(
    id="panes",
    keys="tab",
    action="app.focus_next",
    group=Group.LOOK,
    label="Next pane",
    help="The next pane; the arrow keys scroll it.",
)
"""A key of Textual's own, which no binding of ours stands for."""


class HelpScreen(ModalScreen[None]):
    """Every key with its sentence of help, and a field that searches them.

    Args:
        keys: the table of keys, as they are on the main screen.
        watched: whether the training is a program's own, where some keys do nothing.
    """

    # With priority over the field, which binds these keys and would do nothing.
    BINDINGS = [
        Binding("escape", "dismiss", "Leave"),
        Binding("down", "move(1)", "Down", priority=True),
        Binding("up", "move(-1)", "Up", priority=True),
        Binding("pagedown", "move(10)", "Page down", priority=True),
        Binding("pageup", "move(-10)", "Page up", priority=True),
    ]
    AUTO_FOCUS = "#key-search"

    def __init__(self, keys: tuple[Key, ...], *, watched: bool = False) -> None:
        super().__init__()
        self._keys = [key for key in (*keys, PANES) if key.in_programs or not watched]

    def compose(self) -> ComposeResult:
        """The field, and a table with a heading for each group."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "type to search · ↑ ↓: scroll · escape: leave"
            yield LineInput(placeholder="search: clip, undo, race …", id="key-search", compact=True)
            with VerticalScroll(id="key-table") as scroll:
                scroll.can_focus = False
                yield Static(_table(self._keys))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the keys whose words hold all that was typed."""
        self.query_one("#key-table Static", Static).update(_table(matching(self._keys, event.value)))

    def action_move(self, lines: int) -> None:
        """Scroll the table."""
        self.query_one("#key-table").scroll_relative(y=lines, animate=False)


def matching(keys: list[Key], words: str) -> list[Key]:
    """The keys that are called so, or whose sentence or heading holds all of these words."""
    wanted = words.casefold().split()
    if len(words) == 1 and (called := [key for key in keys if key.shown == words]):
        return called
    return [key for key in keys if all(each in f"{key.label} {key.help} {key.group}".casefold() for each in wanted)]


def _table(keys: list[Key]) -> Table | Text:
    if not keys:
        return Text("no key does that; ctrl+p searches commands, and e sets any hyperparameter", style="dim")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold", min_width=7)
    table.add_column()
    for group in Group:
        there = [key for key in keys if key.group == group]
        if there:
            table.add_row("", Text(group, style="bold underline"))
        for key in there:
            table.add_row(Text(key.shown), Text(key.help))
    return table
