"""The results of a race, as values: the lab stores them, `--json` prints them, the console draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean


class Verdict(StrEnum):
    """The result of a race for a variant, compared with the first one."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "no difference that matters"
    UNDECIDED = "undecided"


class RaceStatus(StrEnum):
    """How a race stands, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """Its process has gone without saying why; it can be resumed."""
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nobody trains for the race any more, nor will unless somebody resumes it."""
        return self in (RaceStatus.DONE, RaceStatus.STOPPED, RaceStatus.FAILED)


MEASURES = ("chars", "updates", "seconds")
"""The units in which a comparison may be at equal numbers."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of one variant with the first.

    Attributes:
        variant: the variant's place in the plan.
        measure: one of `MEASURES`; the losses are compared at an equal number of it.
        pairs: the number of seeds that the comparison rests on.
        estimate: the variant's validation loss minus that of the first, in nats per character; below 0 the variant is
            better. The mean over the seeds; where a training diverged, the median, which is infinite where one of the
            two diverged in most seeds.
        low: the lower end of the estimate's interval, which stays valid however often one looks.
        high: the upper end of that interval.
        verdict: the verdict on this variant.
        diverged: the number of seeds in which this variant diverged, and in which the first did.
    """

    variant: int
    measure: str
    pairs: int
    estimate: float
    low: float
    high: float
    verdict: Verdict
    diverged: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rung:
    """A validation loss of a lane, in nats per character; the other numbers are counted from the lane's start."""

    updates: int
    chars: int
    seconds: float
    loss: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One variant with one seed.

    Attributes:
        variant: the variant's place in the plan.
        replicate: the seed's place, from 0 on.
        run: the name of the lane's run in the lab; empty before the lane begins.
        share: the share of the budget that is done, 0 … 1.
        rungs: the validation losses, counted from the lane's start.
        broken: what was not finite; empty where everything was.
        rate: the mean effective learning rate over the updates, clipping included.
    """

    variant: int
    replicate: int
    run: str = ""
    share: float = 0.0
    rungs: tuple[Rung, ...] = ()
    broken: str = ""
    rate: float = 0.0

    @property
    def done(self) -> bool:
        """Whether the lane has reached its end or diverged."""
        return self.share >= 1 or bool(self.broken)


def level(lanes: Sequence[Lane], results: Sequence[Comparison], variant: int) -> float:
    """The mean last loss of a variant, chosen so that it agrees with the variant's difference from the first.

    It is the mean of the first variant, over all of that one's seeds, plus the estimated difference, which may rest on
    fewer seeds. Without a finite difference it is the mean over the variant's own seeds. Infinite where a training of
    the variant diverged, or none is done.
    """
    own, first = ([lane for lane in lanes if lane.variant == which and lane.done] for which in (variant, 0))
    if not own or any(lane.broken for lane in own):
        return math.inf
    found = next((each for each in results if each.variant == variant), None)
    if found is None or not math.isfinite(found.estimate) or any(lane.broken for lane in first):
        return fmean(lane.rungs[-1].loss for lane in own)
    return fmean(lane.rungs[-1].loss for lane in first) + found.estimate
