"""The dialog that sets any knob to an exact value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from engine.errors import UserError
from engine.session.commands import Turn
from engine.settings import knob_named
from tui.console.screens.line_input import LineInput


class KnobDialog(ModalScreen[Turn | None]):
    """Returns a knob with its new value, which is checked; None where the user leaves.

    Args:
        values: the value of each knob, as text.
    """

    BINDINGS = [("escape", "dismiss", "Leave")]

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__()
        self._values = values
        self._knob = ""

    def compose(self) -> ComposeResult:
        """The knobs, and a field for the chosen one."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Edit a hyperparameter"
            dialog.border_subtitle = "enter: its value, then apply · escape: leave"
            yield OptionList(*self._options(), id="knobs", markup=False)
            yield Label("", id="knob-help", markup=False)
            yield LineInput(id="knob-value")
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
        if knob is None or knob == self._knob:
            return
        self._knob = knob
        described = knob_named(knob)
        self.query_one("#knob-help", Label).update(f"{described.help}\nExpects {described.kind.expects}.")
        field = self.query_one("#knob-value", Input)
        field.value = self._values[knob]
        field.select_all()
        self.query_one("#knob-error", Static).update("")

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
            yield Option(f"{name:<14}{value}", id=name)
