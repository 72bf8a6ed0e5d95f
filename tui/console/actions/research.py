"""Keys for research: hypotheses, the races that test them, and earlier runs to compare with."""

from __future__ import annotations

from pathlib import Path

from textual.screen import Screen

from engine.events import Idea
from engine.session.commands import Conclude, Hypothesise, StartRace, StopRace
from tui.console.conversation import Conversation
from tui.console.panes.loss import LossPane
from tui.console.screens.hypotheses import ConcludeDialog, HypothesisDialog
from tui.console.screens.race import RaceDialog, StopRaceDialog
from tui.console.screens.runs import RunsDialog
from tui.drawing.curves import Curve


class Research:
    """Opens the dialogs for hypotheses, races and runs, and sends what they return.

    Attributes:
        last_race: the race that was asked for last, with which the next dialog begins.
    """

    def __init__(self, screen: Screen[None], conversation: Conversation, lab: Path) -> None:
        self.last_race = StartRace((), instead=True)
        self._screen = screen
        self._conversation = conversation
        self._lab = lab

    def write_hypothesis(self) -> None:
        """Write a hypothesis down, or race it at once."""
        if not self._conversation.refuses_words():
            self._screen.app.push_screen(HypothesisDialog(self._conversation.snapshot().settings), self._written)

    def conclude(self) -> None:
        """Conclude a hypothesis: set its status, and write a conclusion."""
        if self._conversation.refuses_words():
            return
        hypotheses = self._conversation.snapshot().hypotheses
        if hypotheses:
            self._screen.app.push_screen(ConcludeDialog(hypotheses), self._send)
        else:
            self._conversation.say("there is no hypothesis yet: h writes one down")

    def race(self, idea: Idea | None = None) -> None:
        """Race two values of a setting, or what tests a hypothesis.

        Args:
            idea: a hypothesis that is not written down yet. It is written down even where the user leaves the dialog
                without a race.
        """
        if self._conversation.refuses_values():
            return
        snapshot = self._conversation.snapshot()
        self._screen.app.push_screen(
            RaceDialog(snapshot.settings, snapshot.hypotheses, self.last_race, idea),
            lambda race: self._send(Hypothesise(idea) if race is None and idea is not None else race),
        )

    def stop_race(self) -> None:
        """Stop the race that runs; where others wait, ask which one."""
        races = [race for race in self._conversation.snapshot().races if not race.status.is_over]
        if len(races) > 1:
            self._screen.app.push_screen(StopRaceDialog(races), self._send)
        elif races:
            self._send(StopRace(races[0].number))
        else:
            self._conversation.say("no race runs or waits")

    def compare_runs(self) -> None:
        """Choose runs of the lab to lay over this one, or to compare."""
        self._screen.app.push_screen(RunsDialog(self._lab, self._conversation.snapshot().run), self._lay_over)

    def _written(self, result: Hypothesise | Idea | None) -> None:
        if isinstance(result, Idea):
            self.race(result)
        else:
            self._send(result)

    def _send(self, command: Hypothesise | Conclude | StartRace | StopRace | None) -> None:
        """Send what a dialog returned; it returns None where the user left it."""
        if isinstance(command, StartRace):
            self.last_race = command
        if command is not None:
            self._conversation.send(command)

    def _lay_over(self, curves: tuple[Curve, ...] | None) -> None:
        if curves is not None:
            self._screen.query_one(LossPane).lay_over(curves)
            self._conversation.redraw()
