"""The results of experiments, read from the lab: every number of an answer can be computed from them again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean

from engine.events import Point, Probe, Reading, Stored, Validation, as_float
from engine.lab import Lab
from engine.race.lanes import stored_lane
from engine.race.plan import Plan
from engine.race.result import Lane
from engine.race.statistics.interval import Interval, interval
from engine.race.statistics.standing import difference
from engine.race.store import Races


@dataclass(frozen=True, slots=True)
class Training:
    """A training of a race that reached its end or diverged: its lane, and all its points."""

    lane: Lane
    points: tuple[Point, ...]

    @property
    def loss(self) -> float:
        """The last validation loss; infinite where the training diverged."""
        return math.inf if self.lane.broken else self.lane.rungs[-1].loss

    @property
    def rise(self) -> float:
        """The rise of the last validation loss over the lowest one; infinite where the training diverged."""
        return self.loss - min((rung.loss for rung in self.lane.rungs), default=0.0)


@dataclass(frozen=True, slots=True)
class Raced:
    """A race, read from the lab.

    Attributes:
        name: the race's name.
        plan: the race's plan.
        seeds: for each seed the trainings that reached their end or diverged, by variant.
    """

    name: str
    plan: Plan
    seeds: tuple[dict[int, Training], ...]

    def of(self, variant: int) -> list[Training]:
        """A variant's trainings, in the seeds' order."""
        return [seed[variant] for seed in self.seeds if variant in seed]

    def mean(self, variant: int, number: Callable[[Training], float]) -> float | None:
        """The mean of `number` over a variant's trainings; None without any."""
        return fmean(values) if (values := [number(each) for each in self.of(variant)]) else None

    def difference(self, variant: int, first: int, measure: str = "chars") -> Interval:
        """The loss of one variant minus that of another, paired by seed.

        Args:
            variant: the variant whose loss is positive in the difference.
            first: the variant whose loss is subtracted.
            measure: the losses are compared at an equal number of it; seeds where these are not known are left out.
        """
        pairs = [difference(one.lane, other.lane, measure) for one, other in self.pairs(variant, first)]
        return interval([each for each in pairs if each is not None])

    def pairs(self, *variants: int) -> list[tuple[Training, ...]]:
        """The trainings of these variants for each seed, up to the first seed that lacks one.

        Later seeds are left out, since only quick trainings would be among them.
        """
        whole = takewhile(lambda seed: all(variant in seed for variant in variants), self.seeds)
        return [tuple(seed[variant] for variant in variants) for seed in whole]


def race(lab: Lab, name: str) -> Raced:
    """The race with this name; raises UserError where the lab has none, or fails."""
    found = Races(lab).get(name)
    by_seed: dict[int, dict[int, Training]] = {}
    for run in lab.runs.of_race(found.number):
        lane = stored_lane(lab, found.plan, run)
        if lane.done and (lane.rungs or lane.broken):
            by_seed.setdefault(lane.replicate, {})[lane.variant] = Training(lane, tuple(lab.events.points(run)))
    return Raced(found.name, found.plan, tuple(by_seed.get(seed, {}) for seed in range(max(by_seed, default=-1) + 1)))


@dataclass(frozen=True, slots=True)
class Measured:
    """A run that was trained and measured, read from the lab: its name, and all its events."""

    name: str
    events: tuple[Stored, ...]

    @property
    def points(self) -> list[Point]:
        """The run's points, oldest first."""
        return [event for event in self.events if isinstance(event, Point)]

    @property
    def validations(self) -> list[float]:
        """The validation losses in nats per character, oldest first."""
        return [event.loss for event in self.events if isinstance(event, Validation)]

    def readings(self, instrument: str) -> list[Reading]:
        """The readings of an instrument, oldest first."""
        return [event.values for event in self.events if isinstance(event, Probe) and event.instrument == instrument]

    def number(self, instrument: str, name: str) -> float | None:
        """One number of an instrument's last reading, which may be infinite; None where there is none."""
        readings = self.readings(instrument)
        value = readings[-1].get(name) if readings else None
        if not isinstance(value, int | float):
            return None
        return as_float(value)

    def series(self, instrument: str, name: str) -> list[float]:
        """One number of each reading of an instrument, oldest first; readings without that number are left out."""
        values = [reading.get(name) for reading in self.readings(instrument)]
        return [float(value) for value in values if isinstance(value, int | float)]


def run(lab: Lab, name: str) -> Measured:
    """The run with this name; raises UserError where the lab has none, or fails."""
    return Measured(name, tuple(lab.events.all(lab.runs.get(name))))


def share_clipped(points: Sequence[Point]) -> float:
    """The share of the updates whose gradient was clipped; 0 without points."""
    return fmean((point.clipped for point in points), [point.updates for point in points]) if points else 0.0


def typical_norm(points: Sequence[Point]) -> float:
    """The mean gradient norm over all updates; 0 without points."""
    return fmean((point.grad_norm for point in points), [point.updates for point in points]) if points else 0.0


def largest_norm(points: Sequence[Point]) -> float:
    """The largest gradient norm of any update; 0 without points."""
    return max((point.grad_norm_max for point in points), default=0.0)
