"""The dialog that sets any knob to an exact value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from engine.errors import UserError
from engine.session.commands import Turn
from engine.settings import Settings, Value, knob_named
from tui.console.screens.line_input import LineInput


class KnobDialog(ModalScreen[Turn | None]):
    """Returns a knob with its new value, which is checked; None where the user leaves.

    Args:
        values: the value of each knob, as text.
        turn: called with a knob and its next value, which is to be used at once.
    """

    BINDINGS = [
        ("escape", "dismiss", "Leave"),
        ("left", "step(-1)", "Lower"),
        ("right", "step(1)", "Higher"),
    ]

    def __init__(self, values: Mapping[str, str], turn: Callable[[str, Value], object]) -> None:
        super().__init__()
        self._values, self._turn = dict(values), turn
        self._knob = ""

    def compose(self) -> ComposeResult:
        """The knobs, and a field for the chosen one."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Edit a hyperparameter"
            dialog.border_subtitle = "↑ ↓: choose · ← →: turn it · enter: an exact value · escape: leave"
            yield OptionList(*self._options(), id="knobs", markup=False, compact=True)
            yield Label("", id="knob-help", markup=False)
            yield LineInput(id="knob-value", compact=True)
            yield Static("", id="knob-error", classes="error", markup=False)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Describe the knob, and offer its value."""
        self._offer(event.option_id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Move the focus to the field."""
        self._offer(event.option_id)
        self.query_one("#knob-value", Input).focus()

    def _offer(self, knob: str | None) -> None:
        """Fill the field with the knob's value, selected so that typing replaces it."""
        if knob is not None and knob != self._knob:
            self._knob = knob
            self._fill()

    def _fill(self) -> None:
        knob, described = self._knob, knob_named(self._knob)
        self.query_one("#knob-help", Label).update(f"{described.help}\nExpects {described.kind.expects}.")
        field = self.query_one("#knob-value", Input)
        field.value = self._values[knob]
        field.select_all()
        self.query_one("#knob-error", Static).update("")

    def action_step(self, direction: int) -> None:
        """Turn the chosen knob by one rung, and stay."""
        if not self._knob:
            return
        kind, error = knob_named(self._knob).kind, self.query_one("#knob-error", Static)
        try:
            value = kind.read(self._values[self._knob])
        except ValueError:  # Of a program's own loop it may not be known.
            error.update("its value is not known: enter sets one")
            return
        if (stepped := kind.step(value, direction)) == value:
            error.update("that is as far as the arrow goes: enter takes any value")
            return
        self._values[self._knob] = kind.write(stepped)
        self._fill()
        knobs = self.query_one("#knobs", OptionList)
        knobs.replace_option_prompt(self._knob, row(self._knob, self._values[self._knob]))
        self._turn(self._knob, stepped)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Check the value; leave with it, or say what would be right."""
        try:
            value = knob_named(self._knob).read(event.value)
        except UserError as error:
            self.query_one("#knob-error", Static).update(str(error))
            return
        self.dismiss(Turn(self._knob, value))

    def _options(self) -> Iterator[Option]:
        for name, value in self._values.items():
            yield Option(row(name, value), id=name)


def row(name: str, value: str) -> str:
    """A knob with its value, and the value that it has where nobody has chosen another."""
    usual = f"default {Settings().write(name)}" if hasattr(Settings(), name) else ""
    return f"{name:<14}{value:<14}{usual}".rstrip()
