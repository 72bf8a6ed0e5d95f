"""The dialogs in which a hypothesis is written down, and in which it is concluded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, RadioButton, RadioSet, Select, Static
from textual.widgets.option_list import Option

from engine.errors import UserError
from engine.events import Hypothesis, HypothesisStatus, Idea
from engine.race.ideas import ideas
from engine.race.plan import Plan, axes, grid
from engine.race.result import Verdict
from engine.session.commands import Conclude, Hypothesise
from engine.settings import Settings
from tui.console.screens.line_input import LineInput
from tui.console.screens.marks import Choice
from tui.words.safe_text import visible

EXPECTED = (Verdict.BETTER, Verdict.WORSE, Verdict.SAME, "")
EXPECTED_WORDS = ("better", "worse", "the same", "no bet")
"""The verdicts that the second variant may be expected to get, and the dialog's words for them."""

FIELDS = ("claim", "prediction", "vary")


class HypothesisDialog(ModalScreen[Hypothesise | Idea | None]):
    """Returns a hypothesis to write down, or an idea to write down and race; None where the user leaves."""

    BINDINGS = [("escape", "dismiss", "Leave")]
    AUTO_FOCUS = "#claim"

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._templates = list(ideas(settings))

    def compose(self) -> ComposeResult:
        """The templates, the fields for the claim, the prediction and what varies, and the expectation."""
        with VerticalScroll(classes="dialog tight") as dialog:
            dialog.can_focus = False
            dialog.border_title = "A hypothesis"
            dialog.border_subtitle = "enter: next field, then write it down · escape: leave"
            options = [(Text(idea.claim), place) for place, idea in enumerate(self._templates)]
            yield Select(options, prompt="begin from a common one", id="template", compact=True)
            yield Label("What do you think is the case?")
            yield LineInput(placeholder="for example: clipping at 1 helps", id="claim", max_length=500, compact=True)
            yield Label("What should be seen then? (may stay empty)")
            yield LineInput(
                placeholder="for example: without it the loss climbs",
                id="prediction",
                max_length=500,
                compact=True,
            )
            yield Label("What varies in the race that tests it? (may stay empty)")
            yield LineInput(placeholder="for example: clip=1,off", id="vary", max_length=500, compact=True)
            yield Label("The second of these will be")
            with RadioSet(id="expected", compact=True):
                for place, words in enumerate(EXPECTED_WORDS):
                    yield Choice(words, value=place == len(EXPECTED) - 1)
            yield Static("", classes="error", id="claim-error", markup=False)
            with Horizontal():
                yield Button("Write it down", id="write", variant="primary", compact=True)
                yield Button("Race it", id="race", compact=True)

    def on_select_changed(self, event: Select.Changed) -> None:
        """Fill all fields from a template."""
        if not isinstance(event.value, int):
            return
        idea = self._templates[event.value]
        for field in FIELDS:
            filled = self.query_one(f"#{field}", Input)
            filled.value, filled.placeholder = getattr(idea, field), ""
        self.query_one("#claim-error", Static).update("")
        buttons = list(self.query_one("#expected", RadioSet).query(RadioButton))
        buttons[EXPECTED.index(idea.expected)].value = True
        self.query_one("#race", Button).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Move to the next field; from the last one, leave with the hypothesis."""
        place = FIELDS.index(event.input.id or FIELDS[0])
        if place + 1 < len(FIELDS) and self.query_one("#claim", Input).value.strip():
            self.query_one(f"#{FIELDS[place + 1]}", Input).focus()
        else:
            self._leave(race=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Leave with the hypothesis."""
        self._leave(race=event.button.id == "race")

    def _leave(self, *, race: bool) -> None:
        claim, prediction, vary = (self.query_one(f"#{field}", Input).value for field in FIELDS)
        expected = EXPECTED[max(0, self.query_one("#expected", RadioSet).pressed_index)]
        error, field = self._wrong(claim, vary, race=race)
        if error:
            self.query_one("#claim-error", Static).update(error)
            self.query_one(field, Input).focus()
            return
        idea = Idea(claim, prediction, vary.strip(), expected if vary.strip() else "")
        self.dismiss(idea if race else Hypothesise(idea))

    def _wrong(self, claim: str, vary: str, *, race: bool) -> tuple[str, str]:
        """The mistake, and the field that has it; both empty if there is none."""
        if not claim.strip():
            return "Say what you think is the case.", "#claim"
        if race or vary.strip():
            try:
                Plan(settings=self._settings, variants=grid(axes(vary)))
            except UserError as error:
                return str(error), "#vary"
        return "", ""


class ConcludeDialog(ModalScreen[Conclude | None]):
    """Returns the conclusion of a hypothesis; None where the user leaves."""

    BINDINGS = [("escape", "dismiss", "Leave"), ("slash", "search", "Search")]
    AUTO_FOCUS = "#hypotheses"

    def __init__(self, hypotheses: Sequence[Hypothesis]) -> None:
        super().__init__()
        self._hypotheses = {each.number: each for each in reversed(hypotheses)}

    def compose(self) -> ComposeResult:
        """The hypotheses, the evidence for the chosen one, the statuses, and a field for a conclusion."""
        with VerticalScroll(classes="dialog tight") as dialog:
            dialog.can_focus = False
            dialog.border_title = "Conclude a hypothesis"
            dialog.border_subtitle = "/: search · tab: next · enter: choose, set it · escape: leave"
            yield LineInput(placeholder="search", id="search", compact=True)
            yield OptionList(*self._options(""), id="hypotheses", markup=False, compact=True)
            yield Static("", id="evidence", markup=False)
            with RadioSet(id="status", compact=True):
                for status in HypothesisStatus:
                    yield Choice(status, value=status is HypothesisStatus.OPEN)
            yield Label("In your words (may stay empty)")
            yield LineInput(id="conclusion", max_length=500, compact=True)

    def action_search(self) -> None:
        """Move the focus to the search field."""
        self.query_one("#search", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the hypotheses that have all the words."""
        if event.input.id == "search":
            found = self.query_one("#hypotheses", OptionList)
            found.clear_options()
            found.add_options(list(self._options(event.value)))
            found.highlighted = 0 if found.option_count else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the evidence, the status and the conclusion of the hypothesis."""
        chosen = self._hypotheses[int(event.option_id or 0)]
        self.query_one("#conclusion", Input).value = visible(chosen.conclusion, lines=False)
        self.query_one("#evidence", Static).update(visible(chosen.evidence, lines=False))
        buttons = list(self.query_one("#status", RadioSet).query(RadioButton))
        buttons[list(HypothesisStatus).index(chosen.status)].value = True

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        """Move the focus to the status."""
        self.query_one("#status", RadioSet).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """From the search, move to the hypotheses; from the conclusion, leave with the choice."""
        options = self.query_one("#hypotheses", OptionList)
        if event.input.id == "search":
            options.focus()
            return
        if options.highlighted is None:
            return
        number = int(options.get_option_at_index(options.highlighted).id or 0)
        status = list(HypothesisStatus)[max(0, self.query_one("#status", RadioSet).pressed_index)]
        self.dismiss(Conclude(number, status, event.value))

    def _options(self, words: str) -> Iterator[Option]:
        for each in self._hypotheses.values():
            line = visible(f"H{each.number}  {each.status}  {each.claim}", lines=False)
            text = f"{line} {each.prediction} {each.vary} {each.evidence} {each.conclusion}".lower()
            if all(word in text for word in words.lower().split()):
                yield Option(line, id=str(each.number))
