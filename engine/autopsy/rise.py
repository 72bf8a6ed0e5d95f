"""Where a loss begins to climb, and where the climb has shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

LEAST, LEAST_PASSING = 0.12, 0.3
"""The least rise that counts, in nats per character; the second where the loss has come down again since."""

SIGMAS = 4.5
"""The least rise, in standard deviations of a level: the lowest of many levels is low by chance too."""

BEGUN, SHOWN = 0.1, 0.7
"""The shares of a climb at which it has begun, and at which it has shown."""

FEWEST = 3
"""Readings that make a level."""


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
    """The largest climb from a level to a later one; None where there is none that stands out of the scatter.

    Args:
        losses: nats per character, oldest first; what is not finite counts as the ceiling.
        ceiling: what is above it counts as it: a network that is worse than guessing is lost, however much worse.
        floor: the level before the first one, where it is known.
    """
    values = [min(loss, ceiling) if math.isfinite(loss) else ceiling for loss in losses]
    width = max(FEWEST, len(values) // 16)
    ahead = 0 if floor is None else width
    values = [floor or 0.0] * ahead + values
    if len(values) < 2 * width:
        return None
    levels = [fmean(values[place : place + width]) for place in range(len(values) - width + 1)]
    low, height, bottom, top = 0, 0.0, 0, 0
    for place in range(width, len(levels)):
        low = min(low, place - width, key=levels.__getitem__)
        if levels[place] - levels[low] > height:
            height, bottom, top = levels[place] - levels[low], low, place
    before = levels[bottom]
    came_down = levels[-1] - before < height / 2
    if came_down and bottom < ahead:
        # A text may begin with a harder passage than its letters' frequencies say.
        return find_rise(losses, ceiling)
    if height < max(LEAST_PASSING if came_down else LEAST, SIGMAS * _noise(values) / width**0.5):
        return None
    shown = next(place for place in range(bottom, top + 1) if levels[place] - before >= SHOWN * height)
    begin = max(place for place in range(bottom, shown) if levels[place] - before <= BEGUN * height) + width
    shown, top = max(begin, shown + width - 1), max(begin, top + width - 1)
    begin, shown, top = (max(0, place - ahead) for place in (begin, shown, top))
    return Rise(begin, shown, top, before, before + height)


def _noise(values: Sequence[float]) -> float:
    """The standard deviation of a reading around a smooth course, from second differences (Gasser et al. 1986)."""
    bends = [abs(one - 2 * two + three) for one, two, three in zip(values, values[1:], values[2:], strict=False)]
    # The median of |N(0, 6σ²)|; the median, so that a climb does not count as noise.
    return median(bends) / 6**0.5 / 0.6745
