"""Where a loss begins to climb, and where the climb has shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

from engine.diagnosis.climb import BEND_SPREAD, LEVEL_READINGS, noise

LASTING_RISE = 0.2
"""The least rise that counts, in nats per character, where the loss has not come down again."""

PASSING_RISE = 0.3
"""The least rise that counts, in nats per character, where the loss has come down again. A hard passage passes too."""

UNSEEN_RISE = 0.5
"""The least rise that counts, in nats per character, where only a replay shows it. Its single updates vary by more than
the points of the run, which are means."""

LASTS = 0.5
"""The share of a rise that has to be left at the end for the rise to last."""

RISE_SIGMAS = 1.5
"""How far a rise has to exceed the largest one by chance among so many levels, in standard deviations of a level."""

BEGUN = 0.25
"""The share of a climb that every reading exceeds, from its beginning until it has shown."""

SHOWN = 0.7
"""The share of a climb that a level has reached when the climb has shown."""

LEVELS = 16
"""The number of levels of the longest kind that fit into the readings. A climb may be short or slow."""

BENDS_TELL = 3
"""The fewest second differences of levels beside a climb that tell how much levels vary."""

MOST_READINGS = 512
"""The most readings that are looked at one by one. Where there are more, neighbours are averaged."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A climb within a series of losses.

    Attributes:
        begin: the place of the first reading of the climb.
        shown: the place of the reading by which most of it has shown.
        top: the place of the reading at which it was highest.
        before: the level before it, in nats per character.
        after: the highest level after it, likewise.
    """

    begin: int
    shown: int
    top: int
    before: float
    after: float


def find_rise(
    losses: Sequence[float],
    ceiling: float,
    floor: float | None = None,
    *,
    fresh: bool = False,
    near: int | None = None,
) -> Rise | None:
    """The clearest climb from a level to a later one; climbs that last come before others.

    None where nothing stands out from the scatter.

    Args:
        losses: nats per character, oldest first; a loss that is not finite counts as the ceiling.
        ceiling: a higher loss counts as this one: a network that is worse than guessing is lost, however much worse.
        floor: the level before the first loss, where it is known.
        fresh: whether the floor follows from the letters' frequencies alone; a text may begin with a harder passage.
        near: a place; where it is given, the climb that begins nearest to it is returned instead.
    """
    values = [min(loss, ceiling) if math.isfinite(loss) else ceiling for loss in losses]
    together = 1
    while len(values) > MOST_READINGS:
        values = [fmean(values[place : place + 2]) for place in range(0, len(values), 2)]
        together *= 2
    found: list[_Found] = []
    width = LEVEL_READINGS
    while width <= max(LEVEL_READINGS, len(values) // LEVELS):
        ahead = 0 if floor is None else width
        found += _rises([floor or 0.0] * ahead + values, width, ahead, fresh)
        width *= 2
    if not found:
        return None
    best = max(found, key=lambda each: (each.lasts, each.clear))
    if near is not None:
        best = min(found, key=lambda each: (abs(each.rise.begin * together - near), -each.clear))
    rise = best.rise
    last = len(losses) - 1
    begin, shown, top = (min(last, place * together) for place in (rise.begin, rise.shown, rise.top))
    return Rise(begin, shown, top, rise.before, rise.after)


@dataclass(frozen=True, slots=True)
class _Found:
    """A climb, whether it lasts, and its height as a multiple of the height that it needs."""

    rise: Rise
    lasts: bool
    clear: float


def _rises(values: Sequence[float], width: int, ahead: int, fresh: bool) -> Iterator[_Found]:
    """The largest climb between two levels of `width` readings, and the largest that has not come down since.

    The first `ahead` values stand for the level before the readings.
    """
    if len(values) < 2 * width:
        return
    sums = [0.0, *accumulate(values)]
    levels = [(sums[place + width] - sums[place]) / width for place in range(len(values) - width + 1)]
    low, bottom, top = 0, 0, 0
    for place in range(width, len(levels)):
        low = min(low, place - width, key=levels.__getitem__)
        if levels[place] - levels[low] > levels[top] - levels[bottom]:
            bottom, top = low, place
    lowest = min(range(len(levels) - width), key=levels.__getitem__)
    highest = max(range(lowest, len(levels)), key=levels.__getitem__)
    # The range of so many normal numbers, and a margin.
    sigmas = RISE_SIGMAS + 2 * math.sqrt(2 * math.log(len(values) / width))
    scatter = noise(values) / width**0.5
    for begin, end in {(bottom, top), (lowest, highest)}:
        height = levels[end] - levels[begin]
        lasts = levels[-1] - levels[begin] >= LASTS * height
        if fresh and not lasts and begin < ahead:
            yield from _rises(values[ahead:], width, 0, fresh)
            continue
        bends = _bends(levels[begin % width : begin + 1 : width])
        if not lasts:
            bends += _bends(levels[end::width])
        needed = max(LASTING_RISE if lasts else PASSING_RISE, sigmas * scatter)
        if height >= max(needed, sigmas * _passages(bends)):
            yield _Found(_placed(values, levels, begin, end, width, ahead), lasts, height / needed)


def _bends(levels: Sequence[float]) -> list[float]:
    """Twice the excess of each level over the mean of its neighbours."""
    return [2 * two - one - three for one, two, three in zip(levels, levels[1:], levels[2:], strict=False)]


def _passages(bends: Sequence[float]) -> float:
    """The standard deviation of levels due to hard passages of the text, from upward bends; 0 where bends are few.

    The readings of one passage are alike, so that levels vary more than levels of independent readings would. A loss
    that flattens bends the other way, and the largest bend may be another climb.
    """
    usual = sorted(bends)[:-1]
    if len(usual) < BENDS_TELL:
        return 0.0
    # The mean of the positive part of a normal number is its standard deviation divided by the square root of 2π.
    return math.sqrt(2 * math.pi) * fmean(max(0.0, bend) for bend in usual) / BEND_SPREAD


def _placed(values: Sequence[float], levels: Sequence[float], bottom: int, top: int, width: int, ahead: int) -> Rise:
    """A climb from one level to another, with the places of its readings."""
    before, height = levels[bottom], levels[top] - levels[bottom]
    shown = next(place for place in range(bottom, top + 1) if levels[place] - before >= SHOWN * height) + width - 1
    begin = 1 + max(place for place in range(shown) if values[place] - before <= BEGUN * height)
    begin, shown, top = (max(0, place - ahead) for place in (begin, shown, top + width - 1))
    return Rise(begin, max(begin, shown), top, before, before + height)
