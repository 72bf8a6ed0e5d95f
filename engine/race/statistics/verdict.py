"""The verdict of a race on a variant."""

from __future__ import annotations

from engine.race.result import BETTER, SAME, UNDECIDED, WORSE
from engine.race.statistics.interval import Interval


def verdict(found: Interval, min_effect: float) -> str:
    """One of `result.VERDICTS`, on the variant from whose loss the other's was subtracted: a lower loss is better."""
    if -min_effect < found.low and found.high < min_effect:
        return SAME
    if found.high < 0:
        return BETTER
    if found.low > 0:
        return WORSE
    return UNDECIDED


def settled(found: Interval, min_effect: float) -> bool:
    """Whether more seeds would tell nothing that matters.

    A known sign alone does not settle it: where the estimate is below `min_effect`, more seeds may still show that the
    difference does not matter.
    """
    word = verdict(found, min_effect)
    return word == SAME or (word in (BETTER, WORSE) and abs(found.estimate) >= min_effect)
