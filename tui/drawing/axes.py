"""The ranges of a chart's axes, and the round numbers on them."""

from __future__ import annotations

import math
from collections.abc import Sequence

HIGHEST = 1e9
"""A higher loss is drawn at this height."""

FEWEST_TICKS = 3
"""A logarithmic axis with fewer ticks may be better divided evenly."""


def span(values: Sequence[float]) -> tuple[float, float]:
    """The smallest and the largest value, with a margin so that they always differ."""
    low, high = min(values), max(values)
    margin = (high - low) * 0.02 or max(abs(high) * 0.05, 0.5)
    return low - margin, high + margin


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step)
    return [each * step for each in range(first, math.floor(high / step) + 1) if each * step >= 0 or low < 0]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """The logarithms of about `count` round losses; `low` and `high` are logarithms too."""
    first, last = math.floor(low), math.ceil(high)
    step = max(1, math.ceil((high - low) / count))
    decades = range(first - first % step, last + 1, step)
    for digits in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [decade + math.log10(digit) for decade in decades for digit in digits]
        found = [tick for tick in found if low <= tick <= high]
        if len(found) <= count + 1:
            break
    if len(found) >= FEWEST_TICKS:
        return found
    even = [math.log10(tick) for tick in ticks(10**low, 10**high, count) if tick > 0]
    return max(found, even, key=len) or [(low + high) / 2]


def told_apart(values: Sequence[float]) -> list[str]:
    """Different numbers in as few digits as distinguish them, but at least three."""
    written = ([f"{value:.{digits}g}" for value in values] for digits in range(3, 12))
    return next((labels for labels in written if len(set(labels)) == len(values)), [f"{value:g}" for value in values])


def bounded(value: float) -> float:
    """A loss that a chart can show."""
    return min(HIGHEST, max(-HIGHEST, value))


def log10(value: float) -> float:
    """The logarithm of a loss; that of a very small number for losses that have none."""
    return math.log10(min(HIGHEST, max(value, 1e-6)))
