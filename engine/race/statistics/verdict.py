"""The verdict of a race on a variant."""

from __future__ import annotations

from engine.race.result import Verdict
from engine.race.statistics.interval import Interval


def verdict(found: Interval, min_effect: float) -> Verdict:
    """The verdict on the variant whose loss the differences begin with: a lower loss is better."""
    if -min_effect < found.low and found.high < min_effect:
        return Verdict.SAME
    if found.high < 0:
        return Verdict.BETTER
    if found.low > 0:
        return Verdict.WORSE
    return Verdict.UNDECIDED


def settled(found: Interval, min_effect: float) -> bool:
    """Whether more seeds would tell nothing that matters.

    A known sign alone does not settle it: where the estimate is below `min_effect`, more seeds may still show that the
    difference does not matter.
    """
    word = verdict(found, min_effect)
    return word == Verdict.SAME or (word in (Verdict.BETTER, Verdict.WORSE) and abs(found.estimate) >= min_effect)
