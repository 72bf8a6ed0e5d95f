"""The dialog that explains the numbers on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.console.screens.line_input import LineInput
from tui.words.glossary import Term, matching, sorted_for


class GlossaryDialog(ModalScreen[None]):
    """Every term, those of the current pane first; typing searches them."""

    # With priority over the field, which binds these keys and would do nothing.
    BINDINGS = [
        Binding("escape", "dismiss", "Leave"),
        Binding("down", "move(1)", "Down", priority=True),
        Binding("up", "move(-1)", "Up", priority=True),
        Binding("pagedown", "move(10)", "Page down", priority=True),
        Binding("pageup", "move(-10)", "Page up", priority=True),
    ]
    AUTO_FOCUS = "#glossary-search"

    def __init__(self, first: Sequence[str]) -> None:
        super().__init__()
        self._terms = sorted_for(first)

    def compose(self) -> ComposeResult:
        """A search field and the terms."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Glossary"
            dialog.border_subtitle = "type: find · ↑ ↓: scroll · escape: leave"
            yield LineInput(placeholder="find", id="glossary-search")
            with VerticalScroll(id="glossary-text"):
                yield Static(entries(self._terms), id="glossary-terms")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the terms that match."""
        self.query_one("#glossary-terms", Static).update(entries(matching(self._terms, event.value)))
        self.query_one("#glossary-text").scroll_home(animate=False)

    def action_move(self, lines: int) -> None:
        """Scroll, while the field keeps the other keys."""
        text = self.query_one("#glossary-text")
        text.scroll_to(y=text.scroll_y + lines, animate=False, immediate=True)


def entries(terms: Iterable[Term]) -> Text:
    """For each number: what it is, what is normal, and what to do otherwise."""
    lines = [
        Text.assemble(
            (term.name, "bold"),
            f"  {term.what}\n",
            ("    normal  ", "dim"),
            f"{term.normal}\n",
            ("    else    ", "dim"),
            term.do,
        )
        for term in terms
    ]
    return Text("\n").join(lines) if lines else Text("no number has such words", style="dim")
