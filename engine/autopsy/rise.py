"""Where a loss begins to climb, and where the climb has shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean, median

LEAST, LEAST_PASSING = 0.2, 0.3
"""The least rise that counts, in nats per character; the second where the loss has come down again since."""

SIGMAS = 1.5
"""By how many standard deviations of a level a rise has to be larger than what chance makes of so many levels."""

BEGUN, SHOWN = 0.25, 0.7
"""The share of a climb that a reading before it does not exceed, and that of a level at which it has shown."""

FEWEST, COARSEST = 3, 16
"""Readings that make a level, and the share of them all that makes the longest one: a climb may be short or slow."""


MOST = 512
"""Of more readings neighbours are taken together."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A climb within a series of losses.

    Attributes:
        begin: the place of the first reading of the climb.
        shown: the place of the reading by which most of it has shown.
        top: the place of the reading at which it was highest.
        before: the level before it, in nats per character.
        after: the highest level behind it.
    """

    begin: int
    shown: int
    top: int
    before: float
    after: float


def find_rise(losses: Sequence[float], ceiling: float, floor: float | None = None) -> Rise | None:
    """The clearest climb from a level to a later one, of those that last if there is any.

    None where nothing stands out of the scatter.

    Args:
        losses: nats per character, oldest first; what is not finite counts as the ceiling.
        ceiling: what is above it counts as it: a network that is worse than guessing is lost, however much worse.
        floor: the level before the first one, where it is known.
    """
    values = [min(loss, ceiling) if math.isfinite(loss) else ceiling for loss in losses]
    together = 1
    while len(values) > MOST:
        values = [fmean(values[place : place + 2]) for place in range(0, len(values), 2)]
        together *= 2
    found: list[_Found] = []
    width = FEWEST
    while width <= max(FEWEST, len(values) // COARSEST):
        ahead = 0 if floor is None else width
        if (climb := _rise([floor or 0.0] * ahead + values, width, ahead)) is not None:
            found.append(climb)
        width *= 2
    if not found:
        return None
    rise = max(found, key=lambda each: (each.lasts, each.clear)).rise
    last = len(losses) - 1
    begin, shown, top = (min(last, place * together) for place in (rise.begin, rise.shown, rise.top))
    return Rise(begin, shown, top, rise.before, rise.after)


@dataclass(frozen=True, slots=True)
class _Found:
    """A climb, whether it has not come down since, and how many times as large as it needs to be."""

    rise: Rise
    lasts: bool
    clear: float


def _rise(values: Sequence[float], width: int, ahead: int) -> _Found | None:
    """The largest climb from a level of so many readings to a later one; None where it is no clear one.

    The first `ahead` values stand for what was before.
    """
    if len(values) < 2 * width:
        return None
    sums = [0.0, *accumulate(values)]
    levels = [(sums[place + width] - sums[place]) / width for place in range(len(values) - width + 1)]
    low, height, bottom, top = 0, 0.0, 0, 0
    for place in range(width, len(levels)):
        low = min(low, place - width, key=levels.__getitem__)
        if levels[place] - levels[low] > height:
            height, bottom, top = levels[place] - levels[low], low, place
    before = levels[bottom]
    lasts = levels[-1] - before >= height / 2
    if not lasts and bottom < ahead:
        # A text may begin with a harder passage than its letters' frequencies say.
        return _rise(values[ahead:], width, 0)
    # The range of so many normal numbers, and something more.
    sigmas = SIGMAS + 2 * math.sqrt(2 * math.log(len(values) / width))
    needed = max(LEAST if lasts else LEAST_PASSING, sigmas * _noise(values) / width**0.5)
    if height < needed:
        return None
    shown = next(place for place in range(bottom, top + 1) if levels[place] - before >= SHOWN * height) + width - 1
    begin = 1 + max(place for place in range(shown) if values[place] - before <= BEGUN * height)
    top += width - 1
    begin, shown, top = (max(0, place - ahead) for place in (begin, shown, top))
    return _Found(Rise(begin, max(begin, shown), top, before, before + height), lasts, height / needed)


def _noise(values: Sequence[float]) -> float:
    """The standard deviation of a reading around a smooth course, from second differences (Gasser et al. 1986)."""
    bends = [abs(one - 2 * two + three) for one, two, three in zip(values, values[1:], values[2:], strict=False)]
    # The median of |N(0, 6σ²)|; the median, so that a climb does not count as noise.
    return median(bends) / 6**0.5 / 0.6745
