"""One comparison: two rates measured in turn, and their ratio with its range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of one comparison.

    Attributes:
        name: the case that is compared.
        ours: the engine's median rate, in `unit`.
        theirs: the median rate of the other side, in `unit`.
        unit: the unit of the rates, such as `char/s`.
        ratio: the median over the rounds of ours / theirs.
        low: the smallest of these ratios.
        high: the largest of these ratios.
        target: the ratio that the engine should reach.
        against: the other side, in a few words.
    """

    name: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    low: float
    high: float
    target: float
    against: str


def compare(
    name: str,
    ours: Callable[[], float],
    theirs: Callable[[], float],
    *,
    target: float,
    against: str,
    unit: str = "char/s",
    rounds: int = ROUNDS,
) -> Comparison:
    """Measure both sides in turn, so that a machine that becomes slower does so for both."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    ratios = [one / other for one, other in pairs]
    return Comparison(
        name=name,
        ours=median(one for one, _ in pairs),
        theirs=median(other for _, other in pairs),
        unit=unit,
        ratio=median(ratios),
        low=min(ratios),
        high=max(ratios),
        target=target,
        against=against,
    )
