"""The hypotheses of a running session, and the races that test them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.budget import Budget
from engine.errors import UserError
from engine.events import Hypothesis, HypothesisStatus, Idea, NoteKind
from engine.network.compute import usable_processors
from engine.race.plan import Plan, grid
from engine.session.commands import StartRace
from engine.session.live_run import LiveRun
from engine.session.snapshot import Status
from engine.training.state import finite

if TYPE_CHECKING:
    from engine.race.desk import Desk
    from engine.race.view import RaceView


class Ideas:
    """Writes down hypotheses, and runs the races that test them.

    The methods for commands return a line about what was done, and raise UserError where it cannot be done.

    Attributes:
        hypotheses: the hypotheses of the whole lab, oldest first.
    """

    def __init__(self, live: LiveRun) -> None:
        self._live = live
        self.hypotheses: tuple[Hypothesis, ...] = tuple(live.lab.hypotheses.all())
        self._desk = self._open_desk() if live.interactive else None

    def hypothesise(self, idea: Idea) -> str:
        """Write down a hypothesis, with the run and the current update."""
        number = self._write_down(idea)
        self._read()
        return f"H{number} written down"

    def conclude(self, number: int, status: HypothesisStatus, conclusion: str) -> str:
        """Set a hypothesis' status and conclusion."""
        concluded = self._live.lab.hypotheses.conclude(number, status, conclusion)
        self._read()
        return f"H{number} is {concluded.status}"

    def race(self, wanted: StartRace) -> str:
        """Race variants of this training, from its current state or from fresh networks."""
        from engine.race.opening import prepared, write_down

        live, corpus = self._live, self._live.trainer.corpus
        self._desk = desk = self._desk or self._open_desk()
        start = None if wanted.fresh else live.checkpoint()
        if start is not None and not finite(start.state):
            raise UserError("the network's numbers are not finite: undo first, or race fresh networks")
        plan = prepared(
            Plan(
                settings=live.trainer.settings,
                variants=grid(wanted.vary),
                budget=Budget(chars=wanted.chars),
                seeds=wanted.seeds,
                min_effect=wanted.min_effect,
            ),
            corpus,
            start,
        )
        race = write_down(live.lab, plan, corpus, live.saver.source, start)
        for warning in plan.warnings():
            live.note(NoteKind.UNUSUAL, f"{race.name}: {warning}")
        if (tested := wanted.hypothesis) is not None:
            number = self._write_down(tested) if isinstance(tested, Idea) else tested
            live.lab.hypotheses.test(number, race.number)
            self._read()
        if wanted.instead and live.training:
            live.pause(f"paused while {race.name} is raced")
            live.waits_for_races = True
        idle = desk.idle
        # A training that goes on keeps one processor.
        desk.submit(race, None if start is None else start.state, max(1, usable_processors() - live.training))
        return f"{race.name} begins" if idle else f"{race.name} waits for its turn"

    def stop_race(self, number: int) -> str:
        """Stop a race, or take it out of the queue."""
        return (self._desk or self._open_desk()).stop(number)

    def races(self) -> tuple[RaceView, ...]:
        """All races, in the order in which they were asked for."""
        return () if self._desk is None else self._desk.views()

    def note_ended_races(self) -> None:
        """Record the results of races that have ended; go on training if that was paused for them."""
        live, desk = self._live, self._desk
        if desk is None:
            return
        if ended := desk.ended():
            self._note(ended)
            self._read()
        if live.waits_for_races and desk.idle and live.status is Status.PAUSED:
            live.go_on()

    def close(self) -> None:
        """Stop the current race, and wait until it is saved."""
        if self._desk is not None:
            self._desk.close()

    def _note(self, ended: Sequence[RaceView]) -> None:
        from engine.race.statistics.sentence import primary, sentence

        for view in ended:
            words = [sentence(view.plan, each) for each in primary(view.results)]
            self._live.note(
                NoteKind.RACE, f"{view.name} {view.status}: {'; '.join(words) or view.says or 'nothing was measured'}"
            )

    def _write_down(self, idea: Idea) -> int:
        live = self._live
        return live.lab.hypotheses.add(idea, live.run.name, live.trainer.counters.updates).number

    def _read(self) -> None:
        self.hypotheses = tuple(self._live.lab.hypotheses.all())

    def _open_desk(self) -> Desk:
        """The desk of the races; a training without a screen has none before its first race, and begins the sooner."""
        from engine.race.desk import Desk

        live = self._live
        return Desk(live.lab.folder, live.trainer.corpus, self._earlier_races() if live.interactive else ())

    def _earlier_races(self) -> list[RaceView]:
        from engine.race.earlier import earlier

        try:
            return earlier(self._live.lab, self._live.trainer.corpus.digest)
        except UserError as error:  # A damaged race must not prevent the training.
            self._live.note(NoteKind.RACE, str(error))
            return []
