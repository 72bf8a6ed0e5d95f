"""The replay of a part of a training, with one thing changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.autopsy.remedies import Remedy
from engine.budget import Budget, CoolDownSpan
from engine.diagnosis.signs import WINDOWS
from engine.events import Change, Point
from engine.instruments.agreement import agreement
from engine.instruments.gradient_by_lag import gradient_by_lag
from engine.instruments.numerics import numerics
from engine.network.compute import choose
from engine.race.slice import Slice, Trained
from engine.race.starts import turned
from engine.settings import Settings, knobs
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.training.trainer import Trainer

SLICE_SECONDS = 1.0
"""The seconds that a slice takes, roughly. A stop waits for it."""

COOL_DOWN = "cool-down"


class Replay:
    """A training from a state to an end, in slices, with the changes of knobs that were made on the way.

    Args:
        remedy: the one thing that is changed.
        state: the state from which it starts.
        ends: characters since the run's start at which points are made, ascending; the last one is the end.
        changes: the changes of knobs after the state, oldest first.
        course: the budget along which the learning rate falls.

    Attributes:
        remedy: the one thing that is changed.
        points: one point for each end that took at least one update.
        broken: what was not finite; empty where everything was.
        state: the state that it has reached.
        share: the share of it that is done, 0 … 1.
    """

    def __init__(
        self, remedy: Remedy, state: State, ends: Sequence[int], changes: Sequence[Change], course: Budget
    ) -> None:
        self.remedy = remedy
        self.points: list[Point] = []
        self.broken = ""
        self.share = 0.0
        self._plain = state.settings
        started = remedy.start(state)
        self.state = replace(started, settings=remedy.turn(self._plain))
        self._ends = list(ends)
        self._count = len(ends)
        self._changes = list(changes)
        self._course = course
        self._at_once = 1

    @property
    def done(self) -> bool:
        """Whether it is at its end, or numbers broke."""
        return not self._ends or bool(self.broken)

    @property
    def losses(self) -> list[float]:
        """The losses of its points in nats per character, and infinity where numbers broke."""
        return [point.loss for point in self.points] + ([float("inf")] if self.broken else [])

    def next_slice(self) -> Slice:
        """The next slice, the same one until `take` is called."""
        ends = [Budget(chars=max(1, end)) for end in self._ends[: self._at_once]]
        if self._changes:
            before = [end for end in ends if (end.chars or 0) < self._changes[0].chars]
            ends = before if len(before) == len(ends) else [*before, Budget(chars=max(1, self._changes[0].chars))]
        return Slice(self.state.settings, self.state, tuple(ends), course=self._course, validated=False)

    def take(self, trained: Trained) -> None:
        """Continue from the result of a slice."""
        self.points += trained.points
        self.broken = trained.broken
        self.state = trained.state
        chars = trained.position.chars
        made = sum(end <= chars for end in self._ends)
        self._ends = self._ends[made:]
        self.share = 1.0 if self.done else 1 - len(self._ends) / self._count
        while self._changes and self._changes[0].chars <= chars:
            self._make(self._changes.pop(0))
        if made and trained.position.seconds > 0:
            self._at_once = max(1, min(2 * self._at_once, int(SLICE_SECONDS * made / trained.position.seconds)))

    def _make(self, change: Change) -> None:
        """Change a knob as it was changed then; the remedy still applies."""
        if change.knob == COOL_DOWN:
            self.state = replace(self.state, counters=replace(self.state.counters, cool_down=_span(change)))
        elif change.knob in {knob.name for knob in knobs()}:
            self._plain = self._plain.with_text(change.knob, change.new)
        self.state = turned(self.state, self.remedy.turn(self._plain))


def through(settings: Settings, changes: Sequence[Change]) -> Settings:
    """The settings after changes."""
    names = {knob.name for knob in knobs()}
    for change in changes:
        if change.knob in names:
            settings = settings.with_text(change.knob, change.new)
    return settings


def _span(change: Change) -> CoolDownSpan | None:
    """The cool-down that a change began, such as `200 updates`; None where it ended one."""
    length = change.new.removesuffix(" updates").replace(",", "")
    return CoolDownSpan(change.update, int(length)) if length.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Look:
    """The readings of a network's state; nan where there is no reading.

    Attributes:
        growth: the gradient at the lag where it is largest, as a multiple of the gradient at lag 0.
        lag: that lag, in characters.
        error: the error of the gradient in the training's number type, as a share of the gradient in float64.
        agreement: the share of one update's gradient that the gradients of other updates agree with.
    """

    growth: float
    lag: int
    error: float
    agreement: float


def look(corpus: Corpus, state: State) -> Look:
    """Measure a state; reads and writes nothing but its arguments."""
    subject = Trainer.restored(corpus, state, choose(state.settings)).subject()
    by_lag = gradient_by_lag(subject).relative[: WINDOWS * state.settings.bptt.high + 1]
    lag = max(range(1, len(by_lag)), key=by_lag.__getitem__, default=0)
    growth = by_lag[lag] if lag else math.nan
    return Look(growth, lag, numerics(subject).gradient_error, agreement(subject).share)
