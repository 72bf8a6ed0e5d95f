"""The dialogs that begin a race and that stop one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, RadioSet, Select, Static
from textual.widgets.option_list import Option

from engine.budget import BUDGETS
from engine.errors import UserError
from engine.events import Hypothesis, Idea
from engine.race.plan import EFFECT_KIND, SEEDS_KIND, Plan, axes, grid
from engine.race.view import RaceView
from engine.session.commands import StartRace, StopRace
from engine.settings import Number, Settings, read_value, setting
from tui.console.screens.line_input import LineInput
from tui.console.screens.marks import Choice
from tui.words.safe_text import visible

NUMBERS: dict[str, tuple[str, Number]] = {
    "chars": ("characters for each variant", BUDGETS["chars"]),
    "seeds": ("networks of each, at most", SEEDS_KIND),
    "min-effect": ("smallest difference that matters, in nats", EFFECT_KIND),
}
"""The number fields: the label, and the kind of value."""

BEGINS = ("with the state now", "as fresh networks")
MEANWHILE = ("is paused: quicker", "goes on")


class RaceDialog(ModalScreen[StartRace | None]):
    """Returns a race to run; None where the user leaves, and then the caller only writes the idea down.

    Args:
        settings: the settings of the training.
        hypotheses: the lab's hypotheses; those that say what varies can be raced.
        last: the race that was asked for before, whose fields this one begins with.
        idea: a hypothesis to write down and race.
    """

    BINDINGS = [("escape", "dismiss", "Leave")]

    def __init__(
        self, settings: Settings, hypotheses: Sequence[Hypothesis], last: StartRace, idea: Idea | None = None
    ) -> None:
        super().__init__()
        self._settings = settings
        self._idea = idea
        self._hypotheses = [each for each in reversed(hypotheses) if each.vary]
        waiting = next((each for each in self._hypotheses if each.race is None), None)
        self._first = None if idea else waiting
        self._vary = idea.vary if idea else waiting.vary if waiting else " ".join(last.vary)
        self._last = last

    def compose(self) -> ComposeResult:
        """The fields of a race: the hypothesis, what varies, how each variant begins, and how long it trains."""
        with VerticalScroll(classes="dialog tight") as dialog:
            dialog.can_focus = False
            dialog.border_title = "A race"
            leave = "leave" if self._idea is None else "only write it down"
            dialog.border_subtitle = f"tab: next · enter in a field: race · escape: {leave}"
            if self._idea is not None:
                yield Label(visible(f"tests: {self._idea.claim}", lines=False), markup=False)
            elif self._hypotheses:
                options = [
                    (Text(visible(f"tests H{each.number}  {each.claim}", lines=False)), each.number)
                    for each in self._hypotheses
                ]
                first = Select.NULL if self._first is None else self._first.number
                yield Select(options, value=first, prompt="tests no hypothesis", id="tested", compact=True)
            yield Label("What varies, a setting and its values")
            yield LineInput(self._vary, placeholder="for example: clip=1,off", id="vary", max_length=500, compact=True)
            yield Label("Every variant begins")
            with RadioSet(id="begins", compact=True):
                for place, words in enumerate(BEGINS):
                    yield Choice(words, value=place == int(self._begins_fresh()))
            yield Label("The training meanwhile")
            with RadioSet(id="meanwhile", compact=True):
                for place, words in enumerate(MEANWHILE):
                    yield Choice(words, value=place == int(not self._last.instead))
            for name, (words, kind) in NUMBERS.items():
                yield Label(words)
                yield LineInput(kind.write(self._number_before(name)), id=name, compact=True)
            yield Static("", classes="error", id="race-error", markup=False)
            with Horizontal():
                yield Button("Race", id="race", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the field for what varies or, if that is filled, the button."""
        self.query_one("#race" if self._vary else "#vary").focus()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Fill in what tests the chosen hypothesis."""
        chosen = next((each for each in self._hypotheses if each.number == event.value), None)
        if chosen is not None:
            self.query_one("#vary", Input).value = chosen.vary

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Leave with the race."""
        self._leave()

    def on_button_pressed(self) -> None:
        """Leave with the race."""
        self._leave()

    def _leave(self) -> None:
        vary = axes(self.query_one("#vary", Input).value)
        try:
            chars, seeds, min_effect = (self._number(name) for name in NUMBERS)
            Plan(settings=self._settings, variants=grid(vary))
            fresh = self.query_one("#begins", RadioSet).pressed_index == 1
            if not fresh and self._needs_fresh(" ".join(vary)):
                raise UserError("what varies cannot change while training: let every variant begin as a fresh network")
        except UserError as error:
            self.query_one("#race-error", Static).update(str(error))
            return
        self.dismiss(
            StartRace(
                vary,
                fresh=fresh,
                instead=self.query_one("#meanwhile", RadioSet).pressed_index == 0,
                chars=int(chars),
                seeds=int(seeds),
                min_effect=min_effect,
                hypothesis=self._tested(),
            )
        )

    def _number(self, name: str) -> float:
        words, kind = NUMBERS[name]
        value = read_value(words, kind, self.query_one(f"#{name}", Input).value)
        return value if isinstance(value, int | float) else self._number_before(name)

    def _number_before(self, name: str) -> float:
        """The number of the race before."""
        value: float = getattr(self._last, name.replace("-", "_"))
        return value

    def _begins_fresh(self) -> bool:
        """Whether the variants begin as fresh networks, where the user does not choose."""
        same = axes(self._vary) == self._last.vary
        return self._needs_fresh(self._vary) or (same and self._last.fresh)

    def _tested(self) -> int | Idea | None:
        if self._idea is not None:
            return self._idea
        if not self._hypotheses:
            return None
        chosen = self.query_one("#tested", Select).value
        return chosen if isinstance(chosen, int) else None

    def _needs_fresh(self, vary: str) -> bool:
        """Whether something varies that cannot change while training."""
        try:
            return any(not setting(name).knob for variant in grid(axes(vary)) for name in variant.changes)
        except UserError:
            return False


class StopRaceDialog(ModalScreen[StopRace | None]):
    """Returns the race to stop; None where the user leaves."""

    BINDINGS = [("escape", "dismiss", "Leave")]

    def __init__(self, races: Sequence[RaceView]) -> None:
        super().__init__()
        self._races = races

    def compose(self) -> ComposeResult:
        """The races that are not over."""
        with VerticalScroll(classes="dialog tight") as dialog:
            dialog.can_focus = False
            dialog.border_title = "Which race is to be stopped?"
            dialog.border_subtitle = "enter: stop it · escape: leave"
            lines = (
                (f"{race.name}  {race.status}  {' · '.join(each.label for each in race.plan.variants)}", race.number)
                for race in self._races
            )
            options = (Option(visible(line, lines=False), id=str(number)) for line, number in lines)
            yield OptionList(*options, id="stoppable", markup=False, compact=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Leave with the race."""
        self.dismiss(StopRace(int(event.option_id or 0)))
