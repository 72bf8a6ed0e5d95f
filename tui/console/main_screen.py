"""The main screen: four panes, views that are seen alone, a header, and the keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, Static

from engine.errors import UserError
from engine.events import Idea, Trial
from engine.race.view import OVER
from engine.session.commands import (
    Command,
    Conclude,
    Continue,
    CoolDown,
    Dissect,
    Evaluate,
    Fork,
    Hypothesise,
    Measure,
    Pause,
    Save,
    StartRace,
    Step,
    StopDissecting,
    StopRace,
    Turn,
    Undo,
    WriteSample,
)
from engine.session.snapshot import Reply, Status
from engine.settings import Settings, setting
from tui.console.keys import KEYS
from tui.console.palette import KeyCommands
from tui.console.panes.by_lag import ByLagPane
from tui.console.panes.gradient import GradientPane
from tui.console.panes.header import Header
from tui.console.panes.hidden_pane import HiddenPane
from tui.console.panes.instruments import InstrumentsPane
from tui.console.panes.log import LogPane
from tui.console.panes.loss import LossPane
from tui.console.panes.matrices import MatricesPane
from tui.console.panes.pane import Pane
from tui.console.panes.races import RacesPane
from tui.console.panes.reading import ReadingPane
from tui.console.panes.sample import SamplePane
from tui.console.requests import Engine, Requests
from tui.console.screens.autopsy import AutopsyDialog, last_of, under_way
from tui.console.screens.findings import FindingsDialog
from tui.console.screens.glossary import GlossaryDialog
from tui.console.screens.help import HelpScreen
from tui.console.screens.ideas import ConcludeDialog, HypothesisDialog
from tui.console.screens.knobs import KnobDialog
from tui.console.screens.race import RaceDialog, StopRaceDialog
from tui.console.screens.runs import RunsDialog
from tui.drawing.charts import Curve
from tui.words.findings import no_finding
from tui.words.safe_text import visible

SMALLEST = (80, 24)
"""Columns and rows below which the panes cannot be read."""

PANES: tuple[type[LossPane | GradientPane | LogPane | SamplePane | HiddenPane], ...] = (
    LossPane,
    GradientPane,
    LogPane,
    SamplePane,
    ByLagPane,
    MatricesPane,
    ReadingPane,
    InstrumentsPane,
    RacesPane,
)

HEADER_SECONDS, PANES_SECONDS = 0.25, 0.5
"""How often they are drawn while a training runs. What is drawn takes the interpreter's lock from it, and the more of
the screen a redraw spans, the longer."""

MESSAGE_SECONDS = 6.0
"""How long the console's own message stands, and longer while what it asked for is not dealt with."""

GONE = (Status.FAILED, Status.ENDED)
"""Nothing is dealt with any more."""

THEMES = ("textual-dark", "textual-light", "ansi-dark", "ansi-light")


class ConsoleScreen(Screen[None]):
    """Pulls snapshots on a timer and draws them; sends what the keys ask for."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in KEYS]
    COMMANDS = {KeyCommands}
    ALLOW_IN_MAXIMIZED_VIEW = "Header, Footer, #too-small"

    def __init__(self, engine: Engine, lab: Path, leave: Callable[[str], None]) -> None:
        super().__init__()
        self._engine = engine
        self._lab = lab
        self._leave = leave
        self._requests = Requests(engine)
        self._message = ""
        self._status = Status.LOADING
        self._said = 0.0
        self._last_clip = Settings().clip
        self._tried: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        """Header, panes, footer, and what stands there when there is no room for them."""
        yield Header()
        with Container(id="panes"):
            yield LossPane(id="loss")
            yield GradientPane(id="gradient")
            yield LogPane(id="log")
            yield SamplePane(id="sample")
            yield ByLagPane(id="by-lag")
            yield MatricesPane(id="matrices")
            yield ReadingPane(id="reading")
            yield InstrumentsPane(id="instruments")
            yield RacesPane(id="races")
        yield Footer(compact=True, show_command_palette=False)
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """Begin to pull snapshots."""
        self.set_interval(HEADER_SECONDS, self.refresh_header)
        self.set_interval(PANES_SECONDS, self.refresh_panes)
        self.call_after_refresh(self.refresh_all)

    def on_resize(self, event: Resize) -> None:
        """Say how much room is needed where there is too little."""
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "small")
        if small:
            needed = f"{SMALLEST[0]}×{SMALLEST[1]} needed\n{width}×{height} here"
            self.query_one("#too-small", Static).update(needed)
        self.call_after_refresh(self.refresh_all)

    def refresh_all(self) -> None:
        """Draw the latest snapshot, everywhere and at once."""
        self.refresh_header()
        self.refresh_panes()

    def refresh_header(self) -> None:
        """Draw the header, with what became of what was asked for."""
        snapshot = self._engine.snapshot()
        for command, reply in self._requests.settle(snapshot):
            self._tell(command, reply)
        if snapshot.status in GONE and self._requests.waiting:
            self._requests.give_up()
            self._refuse("not done: the engine has stopped; q leaves")
        if snapshot.status is Status.BROKEN and self._status is not Status.BROKEN:
            self._say("")  # what has happened is more than what a key did before
        self._status = snapshot.status
        if snapshot.settings.clip is not None:
            self._last_clip = snapshot.settings.clip
        if not self.has_class("small"):
            self.query_one(Header).show(snapshot, self._requests, self._fresh_message())

    def refresh_panes(self) -> None:
        """Draw the panes that are seen."""
        if self.has_class("small"):
            return
        snapshot = self._engine.snapshot()
        for kind in PANES:
            if (pane := self.query_one(kind)).display:
                pane.show(snapshot)

    # --- training ------------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Pause, or go on."""
        self._ask(Pause() if self._engine.snapshot().status is Status.TRAINING else Continue())

    def action_one_update(self) -> None:
        """Make one update."""
        self._ask(Step())

    def action_undo(self) -> None:
        """Go back to the state before the last change, or before the trouble."""
        self._ask(Undo())

    def action_save(self) -> None:
        """Write a checkpoint that stays."""
        self._ask(Save())

    def action_fork(self) -> None:
        """Go on in a new run that has this one's past."""
        self._ask(Fork())

    def action_evaluate(self) -> None:
        """Measure the validation loss now."""
        self._ask(Evaluate())

    def action_cool_down(self) -> None:
        """Begin or end a cool-down."""
        self._ask(CoolDown())

    def action_sample(self) -> None:
        """Begin a new sample."""
        self._ask(WriteSample())

    def action_measure(self, instrument: str) -> None:
        """Have an instrument measure."""
        self._ask(Measure(instrument))

    # --- hyperparameters -----------------------------------------------------------------------------------------

    def action_step(self, knob: str, direction: int) -> None:
        """Turn a knob one rung, from the value that was asked for last."""
        if self._refuses_values():
            return
        value = self._requests.value(self._engine.snapshot(), knob)
        stepped = setting(knob).kind.step(value, direction)
        if stepped == value:
            self._say(f"{knob} {setting(knob).kind.write(value)} is as far as the key goes; e sets any value")
        else:
            self._requests.turn(knob, stepped)
        self.refresh_all()

    def action_clip(self) -> None:
        """Clipping off, or on at the last bound."""
        if self._refuses_values():
            return
        value = self._requests.value(self._engine.snapshot(), "clip")
        self._requests.turn("clip", self._last_clip if value is None else None)
        self.refresh_all()

    def action_edit(self) -> None:
        """Open the dialog for any knob."""
        if not self._refuses_values():
            self.app.push_screen(KnobDialog(self._engine.snapshot().settings), self._edited)

    def _edited(self, result: tuple[str, str] | None) -> None:
        if result is not None and not self._refuses_values():
            knob, text = result
            self._requests.turn(knob, setting(knob).kind.read(text))
            self.refresh_all()

    # --- findings, ideas and runs --------------------------------------------------------------------------------

    def action_findings(self) -> None:
        """What is wrong, and what to try."""
        snapshot = self._engine.snapshot()
        if snapshot.findings:
            self.app.push_screen(FindingsDialog(snapshot.findings, snapshot.settings), self._try)
        else:
            looks = len(snapshot.probes.get("control", ()))
            self._say(f"no finding so far: {no_finding(looks, snapshot.update)}")
            self.refresh_all()

    def _try(self, trial: Trial | Idea | None) -> None:
        if isinstance(trial, Idea):
            self._open_race(idea=trial)
            return
        if trial is None or self._refuses_values():
            return
        kind = setting(trial.knob).kind
        old = kind.write(self._requests.value(self._engine.snapshot(), trial.knob))
        try:
            self._engine.snapshot().settings.with_text(trial.knob, trial.value)
        except UserError as error:
            self._refuse(str(error))
            return
        value = kind.read(trial.value)
        self._tried = (trial.knob, kind.write(value))
        self._requests.turn(trial.knob, value)
        self._say(f"trying {trial.knob} {old} → {kind.write(value)}; u takes it back")
        self.refresh_all()

    def action_autopsy(self) -> None:
        """Why the loss climbed, or what broke: begin to find out, or show what was found."""
        snapshot = self._engine.snapshot()
        if under_way(snapshot) is not None or last_of(snapshot) is not None:
            self._open_autopsy()
        else:
            self._ask(Dissect())

    def _open_autopsy(self) -> None:
        self.app.push_screen(AutopsyDialog(self._engine.snapshot), self._dissected)

    def _dissected(self, result: Trial | Dissect | StopDissecting | None) -> None:
        match result:
            case Trial():
                self._try(result)
            case Dissect() | StopDissecting():
                self._ask(result)

    def action_hypothesis(self) -> None:
        """Write a hypothesis down."""
        if not self._refuses_words():
            self.app.push_screen(HypothesisDialog(self._engine.snapshot().settings), self._written)

    def _written(self, result: Hypothesise | Idea | None) -> None:
        if isinstance(result, Idea):
            self._open_race(idea=result)
        else:
            self._ask_if(result)

    def action_race(self) -> None:
        """Race two values of a setting, or what tests a hypothesis."""
        self._open_race()

    def _open_race(self, *, idea: Idea | None = None, vary: str = "") -> None:
        if self._refuses_values():
            return
        snapshot = self._engine.snapshot()
        self.app.push_screen(
            RaceDialog(snapshot.settings, snapshot.hypotheses, idea, vary),
            lambda race: self._ask_if(Hypothesise(idea) if race is None and idea is not None else race),
        )

    def action_stop_race(self) -> None:
        """Stop the race that runs; where others wait, ask which one."""
        races = [race for race in self._engine.snapshot().races if race.status not in OVER]
        if len(races) > 1:
            self.app.push_screen(StopRaceDialog(races), self._ask_if)
        elif races:
            self._ask(StopRace(races[0].number))
        else:
            self._say("no race runs or waits")
            self.refresh_all()

    def action_conclude(self) -> None:
        """Say what became of a hypothesis."""
        if self._refuses_words():
            return
        hypotheses = self._engine.snapshot().hypotheses
        if hypotheses:
            self.app.push_screen(ConcludeDialog(hypotheses), self._ask_if)
        else:
            self._say("there is no hypothesis yet: h writes one down")
            self.refresh_all()

    def _ask_if(self, command: Hypothesise | Conclude | StartRace | StopRace | None) -> None:
        if command is not None:
            self._ask(command)

    def action_runs(self) -> None:
        """Choose runs to compare with."""
        self.app.push_screen(RunsDialog(self._lab, self._engine.snapshot().run), self._lay_over)

    def _lay_over(self, curves: tuple[Curve, ...] | None) -> None:
        if curves is not None:
            self.query_one(LossPane).lay_over(curves)
            self.refresh_all()

    # --- what is shown -------------------------------------------------------------------------------------------

    def action_log_scale(self) -> None:
        """A linear or a logarithmic loss axis."""
        self.query_one(LossPane).toggle_log()
        self.refresh_all()

    def action_part(self) -> None:
        """The whole run, or its last part."""
        self.query_one(LossPane).toggle_part()
        self.refresh_all()

    def action_zoom(self, factor: float) -> None:
        """A shorter or longer part."""
        self.query_one(LossPane).zoom(factor)
        self.refresh_all()

    def action_maximise(self, pane: str = "") -> None:
        """One pane alone, or all of them again."""
        wanted = self.query_one(f"#{pane}", Pane) if pane else self.maximized or self.focused
        if wanted is self.maximized:
            self.minimize()
        elif isinstance(wanted, Pane):
            self.maximize(wanted, container=False)
            # A view is hidden before, and only what is shown can be focused.
            self.call_after_refresh(wanted.focus)
        self.call_after_refresh(self.refresh_all)

    def action_sort(self, direction: int) -> None:
        """Sort the matrices by another column."""
        pane = self.query_one(MatricesPane)
        if pane.display:
            pane.sort(direction)
        else:
            self._say("6 shows the weight matrices, which , and . sort")
            self.refresh_all()

    def action_theme(self) -> None:
        """The next theme."""
        themes = [theme for theme in THEMES if theme in self.app.available_themes]
        place = themes.index(self.app.theme) if self.app.theme in themes else -1
        self.app.theme = themes[(place + 1) % len(themes)]
        self._say(f"theme {self.app.theme}")
        self.refresh_all()

    def action_glossary(self) -> None:
        """What the numbers mean, those of the pane that is looked at first."""
        pane = self.maximized or self.focused
        self.app.push_screen(GlossaryDialog(pane.TERMS if isinstance(pane, Pane) else LossPane.TERMS))

    def action_help(self) -> None:
        """The keys."""
        self.app.push_screen(HelpScreen())

    def action_leave(self) -> None:
        """Save everything and leave."""
        self._say("saving …")
        self.refresh_all()
        self._leave("quit")

    # --- within --------------------------------------------------------------------------------------------------

    def _ask(self, command: Command) -> None:
        if self._gone():
            self._refuse(f"{_name(command)} refused: the engine has stopped; q leaves")
            return
        self._requests.send(command)
        self._say(f"{_name(command)} requested")
        self.refresh_all()

    def _tell(self, command: Command, reply: Reply) -> None:
        match command:
            case _ if reply.failed:
                self._refuse(reply.text)
            case Turn(knob, value) if (knob, value) == self._tried:
                self._tried = None
                self._say(f"{reply.text} — on trial; u takes it back")
            case Turn():
                self._say(f"{reply.text} — applied")
            case Dissect():
                self._say(reply.text)
                self._open_autopsy()
            case Pause() | Continue() | Step():
                # The state at the top says it, and the engine says why.
                self._say("")
            case _:
                self._say(reply.text)

    def _gone(self) -> bool:
        return self._engine.snapshot().status in GONE

    def _refuses_values(self) -> bool:
        """Whether no value can be changed now, which is then said: those of a run are unknown until it is loaded."""
        status = self._engine.snapshot().status
        if status is Status.LOADING:
            self._refuse("no value can be changed before everything is loaded")
        elif status in GONE:
            self._refuse("no value can be changed: the engine has stopped; q leaves")
        return status is Status.LOADING or status in GONE

    def _refuses_words(self) -> bool:
        """Whether nothing can be written down any more, which is then said."""
        if gone := self._gone():
            self._refuse("nothing can be written down: the engine has stopped; q leaves")
        return gone

    def _refuse(self, why: str) -> None:
        self.notify(visible(why, lines=False), severity="error", markup=False)
        self._say(why)

    def _say(self, message: str) -> None:
        self._message, self._said = message, time.monotonic()

    def _fresh_message(self) -> str:
        fresh = self._requests.waiting or time.monotonic() < self._said + MESSAGE_SECONDS
        return self._message if fresh else ""


def _name(command: Command) -> str:
    words = {
        "WriteSample": "sample",
        "CoolDown": "cool-down",
        "Step": "single update",
        "Evaluate": "validation",
        "Measure": "measurement",
        "Dissect": "autopsy",
        "StopDissecting": "end of the autopsy",
        "Hypothesise": "hypothesis",
        "Conclude": "conclusion",
        "StartRace": "race",
        "StopRace": "stop",
    }
    name = type(command).__name__
    return words.get(name, name.lower())
