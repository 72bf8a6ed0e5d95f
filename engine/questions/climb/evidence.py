"""Trainings in which the loss may climb, read from the lab: their losses, their updates, and what was changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from engine.diagnosis.climb import rise
from engine.events import as_float
from engine.lab import Lab
from engine.numbers import mean
from engine.questions.experiment import found
from engine.questions.experiment.trial import AROUND
from engine.race.statistics.interval import Interval, interval
from engine.settings import Settings

LEVEL = 3
"""The number of neighbouring readings that are averaged, at the end of a training and where its loss was lowest."""

ALONE = 0.3
"""A loss has risen alone where the loss at fixed places rose by less than this share of its rise."""

CLIP = 1.0
AS_IS, SLOWER, CLIPPED, ELSEWHERE, SHUFFLED = (
    "as it is",
    "rate ÷ 3",
    "clipping at 1",
    "from the text's middle",
    "shuffled",
)
CHANGED = {
    SLOWER: "a third of the rate",
    CLIPPED: f"clipping at {CLIP:g}",
    ELSEWHERE: "a start in the middle of the text",
    SHUFFLED: "the pieces of the text in another order",
}
"""The changes in words, each made alone."""


@dataclass(frozen=True, slots=True)
class Course:
    """One training.

    Attributes:
        run: the name of the run in the lab.
        reading: the loss of the text that was read before each reading, in nats per character.
        seen: the loss at fixed places of the training split, at each reading.
        held_out: the loss at fixed places of the validation split, at each reading.
        ratio: the size of an update as a share of the weights, the mean over all readings but the first.
        growth: the weights' norm at the last reading, as a multiple of that at the first.
        curvature: the learning rate times the curvature, as a multiple of the largest value that the optimiser bears,
            at the last reading; nan where it is not known.
        signal: the share of a gradient that the gradients of the next updates agree about, at the last reading.
        spike: the largest gradient norm, as a multiple of the mean one.
        broken: what was not finite; empty where everything was.
    """

    run: str
    reading: tuple[float, ...]
    seen: tuple[float, ...]
    held_out: tuple[float, ...]
    ratio: float
    growth: float
    curvature: float
    signal: float
    spike: float
    broken: str

    @property
    def climbed(self) -> bool:
        """Whether the loss at fixed places of the training split rose by more than readings vary, or was not finite."""
        return bool(self.broken) or rise(list(enumerate(self.seen))) is not None

    @property
    def forgot(self) -> bool:
        """Whether only the loss of held-out text has risen."""
        return self._alone(self.held_out)

    @property
    def met_harder(self) -> bool:
        """Whether only the loss of the text being read has risen."""
        return self._alone(self.reading)

    def _alone(self, losses: Sequence[float]) -> bool:
        """Whether a loss has risen while that at fixed places of the training split rose much less, if at all."""
        risen = rise(list(enumerate(losses)))
        return risen is not None and not self.climbed and self.end - lowest(self.seen) < ALONE * risen[1]

    @property
    def end(self) -> float:
        """The loss at fixed places of the training split at the end; infinite where it was not finite."""
        return math.inf if self.broken or not self.seen else fmean(self.seen[-LEVEL:])


@dataclass(frozen=True, slots=True)
class Group:
    """The same training with several seeds.

    Attributes:
        what: the change, a key of `CHANGED`, or `AS_IS`.
        rate: the learning rate.
        courses: the trainings by seed, without seeds that were not done in time.
    """

    what: str
    rate: float
    courses: dict[int, Course]

    @property
    def climbed(self) -> int:
        """The number of trainings in which the loss climbs."""
        return sum(each.climbed for each in self.courses.values())

    def mean(self, name: str) -> float:
        """The mean of the attribute `name` over the trainings in which it is finite; nan without any."""
        values = [value for each in self.courses.values() if math.isfinite(value := getattr(each, name))]
        return mean(values)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence on a climb.

    Attributes:
        settings: the settings at the lowest learning rate.
        chars: the characters of each training.
        rates: the trainings on the text in its order, one group per learning rate, ascending.
        chosen: the place in `rates` of the one at which things were changed: the lowest at which the loss climbed in
            the first trainings; None where it climbed at none.
        changes: the trainings with one thing changed, one group per change.
    """

    settings: Settings
    chars: int
    rates: tuple[Group, ...]
    chosen: int | None
    changes: tuple[Group, ...]


Runs = dict[tuple[str, float], dict[int, str]]
"""The names of runs, by change and learning rate, and then by seed."""


def evidence(
    lab: Lab, settings: Settings, chars: int, rates: Sequence[float], runs: Runs, place: int | None
) -> Evidence:
    """The evidence on a climb, from the lab; `place` is that of the chosen rate."""
    groups = [group(lab, AS_IS, rate, runs) for rate in rates]
    changes: list[Group] = []
    if place is not None:
        for what in CHANGED:
            if what == SLOWER and place:
                changes.append(Group(SLOWER, rates[place - 1], groups[place - 1].courses))
            else:
                changes.append(group(lab, what, rates[place], runs))
    return Evidence(settings, chars, tuple(groups), place, tuple(changes))


def group(lab: Lab, what: str, rate: float, runs: Runs) -> Group:
    """The trainings with the change `what` at a learning rate, from the lab."""
    return Group(what, rate, {seed: course(lab, name) for seed, name in sorted(runs.get((what, rate), {}).items())})


def course(lab: Lab, name: str) -> Course:
    """One training, from the lab."""
    measured = found.run(lab, name)
    sizes = [math.hypot(*norms) for norms in _tuples(measured, AROUND, "norms")]
    ratios = measured.series(AROUND, "whole")[1:]
    norm = found.typical_norm(measured.points)
    run = lab.runs.get(name)
    return Course(
        run=name,
        reading=tuple(point.loss for point in measured.points),
        seen=tuple(measured.series("control", "seen")),
        held_out=tuple(measured.series("control", "held_out")),
        ratio=mean(ratios),
        growth=sizes[-1] / sizes[0] if sizes and sizes[0] else math.nan,
        curvature=as_float(measured.number("sharpness", "ratio")),
        signal=as_float(measured.number("agreement", "share")),
        spike=found.largest_norm(measured.points) / norm if norm else math.nan,
        broken="" if run.status != "not-finite" else "not finite",
    )


def chosen(groups: Sequence[Group]) -> int | None:
    """The place of the lowest learning rate at which the loss climbs in at least one training, preferably in most.

    None where it climbs in none.
    """
    for enough in (0.5, 0.0):
        for place, each in enumerate(groups):
            if each.courses and each.climbed > enough * len(each.courses):
                return place
    return None


def _tuples(measured: found.Measured, instrument: str, name: str) -> list[list[float]]:
    values = [reading.get(name) for reading in measured.readings(instrument)]
    return [
        [float(number) for number in value if isinstance(number, int | float)]
        for value in values
        if isinstance(value, tuple | list)
    ]


def difference(changed: Group, usual: Group) -> Interval:
    """The loss at the end of one group minus that of the other, paired by seed."""
    pairs = []
    for seed in sorted(changed.courses.keys() & usual.courses.keys()):
        one, other = changed.courses[seed].end, usual.courses[seed].end
        pairs.append(0.0 if math.isinf(one) and math.isinf(other) else one - other)
    return interval(pairs)


def lowest(values: Sequence[float]) -> float:
    """The lowest mean of `LEVEL` neighbouring readings."""
    width = min(LEVEL, len(values))
    return min(fmean(values[place : place + width]) for place in range(len(values) - width + 1))
