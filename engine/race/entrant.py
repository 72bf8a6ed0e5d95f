"""A lane while it is trained: chooses the next slice, and records the result of each."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace

from engine.budget import Budget, Position
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.checkpoints.saver import LATEST
from engine.events import Change, Note, NoteKind, Point, RunStatus, Stored
from engine.lab import Entry, Lab, Run
from engine.race.ladder import Stretch, next_stretch, share
from engine.race.lanes import mean_rate, relative, rung, rungs_of
from engine.race.result import Lane
from engine.race.slice import Slice, Trained
from engine.race.starts import started
from engine.race.store import Race
from engine.recording.registration import register
from engine.text.corpus import Corpus
from engine.training.state import State

SHORT = 1e-3
"""How far the share of a lane stays below 1 until its last validation loss is measured."""


class Entrant:
    """One variant with one seed. From its first result until `close` it holds the lock of its run.

    Attributes:
        lane: its progress so far.
    """

    def __init__(
        self, lab: Lab, race: Race, corpus: Corpus, origin: State | None, variant: int, replicate: int
    ) -> None:
        self._lab, self._race, self._corpus = lab, race, corpus
        self._settings = race.plan.seeded(variant, replicate)
        self._state = None
        if origin is not None:
            self._state = started(race.plan, variant, replicate, origin, len(corpus.training))
        self._parent = origin
        self._points: list[Point] = []
        self._stretch: Stretch | None = None
        self._now = Position()
        self._run: Run | None = None
        self._held = ExitStack()
        self.lane = Lane(variant, replicate)

    def go_on(self, run: Run) -> None:
        """Resume an interrupted run of the lab; raises UserError where its checkpoint is missing or damaged."""
        plan = self._race.plan
        self._state = checkpoint.load(self._lab.runs.checkpoint_folder(run) / LATEST).state
        counters = self._state.counters
        self._held.enter_context(self._lab.runs.hold(run))
        self._lab.events.mark_undone(run, counters.updates, counters.changes)
        self._run = run
        self._points = self._lab.events.points(run)
        rungs = rungs_of(plan, self._points, self._lab.events.validations(run))
        last = self._points[-1]
        self._now = relative(plan, last.update, last.chars, last.seconds)
        done = min(share(plan, self._now), 1 - SHORT)
        self.lane = replace(self.lane, run=run.name, share=done, rungs=rungs, rate=mean_rate(self._points))

    def next_slice(self) -> Slice:
        """The next slice to train; the same one until `take` is called."""
        plan = self._race.plan
        if self._stretch is None:
            last = self.lane.rungs[-1] if self.lane.rungs else None
            measured = Position(last.updates, last.chars, last.seconds) if last else Position()
            self._stretch = next_stretch(plan, self._settings, self._now, measured)
        origin = plan.origin
        updates, chars = (origin.update, origin.chars) if origin else (0, 0)
        ends = tuple(_shifted(end, updates, chars) for end in self._stretch.ends)
        course = plan.budget if plan.anneal else Budget()
        return Slice(self._settings, self._state, ends, self._now.seconds, course, self._stretch.rung)

    def take(self, trained: Trained) -> None:
        """Record the result of the slice and save its state; raises UserError where the disk or the lab fails."""
        plan, position = self._race.plan, trained.position
        new: list[Stored] = []
        if self._run is None:
            self._run = self._begin(trained)
            new += self._changes()
        new += trained.points
        if trained.validation is not None:
            new.append(trained.validation)
        if trained.broken:
            new.append(Note(position.updates, position.chars, NoteKind.NOT_FINITE, trained.broken))
        if not trained.broken:
            self._keep(trained.state)
        self._lab.events.record(self._run, new)
        self._state, self._stretch = trained.state, None
        self._points += trained.points
        self._now = relative(plan, position.updates, position.chars, position.seconds)
        rungs = self.lane.rungs
        if trained.validation is not None:
            rungs += (rung(plan, trained.validation, position.seconds),)
        done = share(plan, self._now)
        measured = bool(rungs) and rungs[-1].updates == self._now.updates
        self.lane = replace(
            self.lane,
            run=self._run.name,
            share=done if measured else min(done, 1 - SHORT),
            rungs=rungs,
            broken=trained.broken,
            rate=mean_rate(self._points),
        )
        if self.lane.done:
            self.close(RunStatus.NOT_FINITE if trained.broken else RunStatus.DONE)

    def close(self, status: RunStatus) -> None:
        """Record the status with which the lane ends, and release its run.

        Only the first seed keeps the checkpoint of a finished lane; of every other seed only the numbers are kept.
        """
        if self._run is None:
            return
        updates, chars = (self._points[-1].update, self._points[-1].chars) if self._points else (0, 0)
        self._lab.runs.finish(self._run, status=status, update=updates, chars=chars, seconds=self._now.seconds)
        if self.lane.done and self.lane.replicate:
            (self._lab.runs.checkpoint_folder(self._run) / LATEST).unlink(missing_ok=True)
        self._held.close()

    def _begin(self, trained: Trained) -> Run:
        origin, lane = self._race.plan.origin, self.lane
        run = register(
            self._lab,
            self._corpus,
            self._settings,
            name=run_name(self._race, lane.variant, lane.replicate),
            compute=trained.compute,
            parent=(origin.run, origin.update) if origin else None,
            race=Entry(self._race.number, lane.variant, lane.replicate),
        )
        self._held.enter_context(self._lab.runs.hold(run))
        return run

    def _changes(self) -> list[Stored]:
        """The knobs whose values differ from those at the plan's origin; none for a fresh network."""
        if self._parent is None:
            return []
        before, counters = self._parent.settings, self._parent.counters
        origin = self._race.plan.origin
        chars = origin.chars if origin else 0
        turned = [name for name in self._race.plan.varied() if before.write(name) != self._settings.write(name)]
        return [
            Change(counters.updates, chars, number, name, before.write(name), self._settings.write(name))
            for number, name in enumerate(turned, counters.changes + 1)
        ]

    def _keep(self, state: State) -> None:
        if self._run is None:
            return
        corpus, race = self._corpus, self._race
        origin = Origin(self._run.name, corpus.name, race.source, corpus.digest, corpus.vocabulary, Budget())
        checkpoint.save(self._lab.runs.checkpoint_folder(self._run) / LATEST, Checkpoint(origin, state))


def run_name(race: Race, variant: int, replicate: int) -> str:
    """The name of a lane's run, such as `R3b2-clip-off`: race 3, second variant, second seed."""
    label = re.sub(r"[^\w.+-]+", "-", race.plan.variants[variant].label, flags=re.ASCII).strip("-")
    return f"{race.name}{letter(variant)}{replicate + 1}-{label}"[:60]


def letter(variant: int) -> str:
    """The short name of a variant: a, b, c, …"""
    return chr(ord("a") + variant)


def _shifted(end: Budget, updates: int, chars: int) -> Budget:
    """The same end, counted from the run's start instead of the lane's."""
    return Budget(
        updates=None if end.updates is None else end.updates + updates,
        chars=None if end.chars is None else end.chars + chars,
    )
