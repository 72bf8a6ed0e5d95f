"""Hypotheses: written down, and concluded."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, RadioButton, RadioSet, Static
from textual.widgets.option_list import Option

from engine.commands import Conclude, Hypothesise
from engine.events import STATUSES, Hypothesis, Idea
from tui.safe_text import visible
from tui.screens.line_input import LineInput
from tui.screens.marks import Choice


class HypothesisDialog(ModalScreen[Hypothesise | None]):
    """Returns a hypothesis to write down; None when left."""

    BINDINGS = [("escape", "dismiss", "Leave")]

    def compose(self) -> ComposeResult:
        """A claim and a prediction."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "A hypothesis"
            dialog.border_subtitle = "enter: next field, then write it down · escape: leave"
            yield Label("What do you think is the case?")
            yield LineInput(placeholder="clipping at 1 helps", id="claim", max_length=500)
            yield Label("What should be seen then? (may stay empty)")
            yield LineInput(
                placeholder="without it the loss climbs within 500 updates", id="prediction", max_length=500
            )
            yield Static("", classes="error", id="claim-error")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """From the claim to the prediction, and from there out."""
        claim = self.query_one("#claim", Input)
        if not claim.value.strip():
            self.query_one("#claim-error", Static).update("Say what you think is the case.")
            claim.focus()
        elif event.input is claim:
            self.query_one("#prediction", Input).focus()
        else:
            self.dismiss(Hypothesise(Idea(claim.value, event.value)))


class ConcludeDialog(ModalScreen[Conclude | None]):
    """Returns what became of a hypothesis; None when left."""

    BINDINGS = [("escape", "dismiss", "Leave")]

    def __init__(self, hypotheses: Sequence[Hypothesis]) -> None:
        super().__init__()
        self._hypotheses = {each.number: each for each in reversed(hypotheses)}

    def compose(self) -> ComposeResult:
        """The hypotheses, the statuses, and a field for words."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "What became of it"
            dialog.border_subtitle = "tab: next · enter: choose, in the field: set it · escape: leave"
            options = (
                Option(f"H{each.number}  {each.status}  {visible(each.claim, lines=False)}", id=str(each.number))
                for each in self._hypotheses.values()
            )
            yield OptionList(*options, id="hypotheses", markup=False)
            with RadioSet(id="status"):
                for status in STATUSES:
                    yield Choice(status, value=status == STATUSES[0])
            yield Label("In your words (may stay empty)")
            yield LineInput(id="conclusion", max_length=500)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Offer what is known of the hypothesis."""
        chosen = self._hypotheses[int(event.option_id or 0)]
        self.query_one("#conclusion", Input).value = visible(chosen.conclusion, lines=False)
        buttons = list(self.query_one("#status", RadioSet).query(RadioButton))
        buttons[STATUSES.index(chosen.status)].value = True

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        """Go on to the status."""
        self.query_one("#status", RadioSet).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Leave with the choice."""
        options = self.query_one("#hypotheses", OptionList)
        if options.highlighted is None:
            return
        number = int(options.get_option_at_index(options.highlighted).id or 0)
        status = STATUSES[max(0, self.query_one("#status", RadioSet).pressed_index)]
        self.dismiss(Conclude(number, status, event.value))
