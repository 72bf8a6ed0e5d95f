"""The beginning of a rise of the loss: change points of the training and the validation loss, taken together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from engine.diagnosis.record import Record
from engine.diagnosis.thresholds import LEAST_RISE

Series = list[tuple[int, float]]
"""Updates, ascending, and values."""

LEVEL_READINGS = 3
"""The fewest readings that make a level. A series of fewer than two levels tells nothing."""

LEVELS = 12
"""The number of levels in a long series. Longer levels are steadier, but place the beginning more coarsely."""

RISE_SIGMAS = 5.0
"""The least rise, in standard deviations of a level. The lowest of many levels is low by chance too."""

BEND_SPREAD = 6**0.5
"""The standard deviation of a second difference of independent readings, as a multiple of that of one reading."""

NORMAL_MEDIAN = 0.6745
"""The median magnitude of a normal number, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Climb:
    """A rise of the loss that has not been reversed. Its sizes are in nats per character.

    Attributes:
        since: the update at which it began, of the first loss that rose.
        reading: the rise of the training loss over its lowest level; 0 where it has not risen.
        seen: the same for the loss at fixed places of the training split.
        held_out: the same for the validation loss.
    """

    since: int
    reading: float
    seen: float
    held_out: float


def find_climb(record: Record, seen_course: Series) -> Climb | None:
    """The climb in which a record ends, if any; `seen_course` is its loss at places read before."""
    reading = rise([(point.update, point.loss) for point in record.points])
    seen = rise(seen_course)
    held_out = rise(record.series("control", "held_out"))
    begun = [found[0] for found in (reading, seen, held_out) if found]
    if not begun:
        return None
    sizes = [found[1] if found else 0.0 for found in (reading, seen, held_out)]
    return Climb(min(begun), *sizes)


def rise(series: Series) -> tuple[int, float] | None:
    """The update at which a series began to rise, and the size of the rise; None where it does not end higher.

    The level at the end is compared with the lowest level of as many readings. The rise has to exceed the scatter of
    the readings. Its beginning is the change point of the mean after the lowest level: the one that leaves the least
    sum of squares (Hinkley 1970, eq. 2.3).
    """
    if len(series) < 2 * LEVEL_READINGS:
        return None
    width = max(LEVEL_READINGS, len(series) // LEVELS)
    values = [value for _, value in series]
    levels = [fmean(values[place : place + width]) for place in range(len(values) - width + 1)]
    lowest = min(range(len(levels)), key=levels.__getitem__)
    risen = levels[-1] - levels[lowest]
    if lowest + width > len(values) - width or risen < max(LEAST_RISE, RISE_SIGMAS * noise(values) / width**0.5):
        return None
    begin = lowest + width // 2
    return series[begin + change_point(values[begin:])][0], risen


def noise(values: Sequence[float]) -> float:
    """The standard deviation of a reading around a smooth course, from second differences (Gasser et al. 1986)."""
    bends = [abs(one - 2 * two + three) for one, two, three in zip(values, values[1:], values[2:], strict=False)]
    # The median, so that neither a few jumps nor a climb count as noise.
    return median(bends) / BEND_SPREAD / NORMAL_MEDIAN


def change_point(values: list[float]) -> int:
    """The place of the first value after the rise of the mean that explains most of the variance; 0 without one."""
    total, count = sum(values), len(values)
    best, place, head = 0.0, 0, 0.0
    for number, value in enumerate(values[:-1], start=1):
        head += value
        risen = (total - head) / (count - number) - head / number
        explained = risen**2 * number * (count - number)
        if risen > 0 and explained > best:
            best, place = explained, number
    return place
