"""The standing of a race: every variant against the first, at equal characters, updates and seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.race.plan import LEAST_SEEDS, Plan
from engine.race.result import MEASURES, Comparison, Lane, Rung
from engine.race.statistics.interval import Interval, fewest_pairs, interval
from engine.race.statistics.verdict import settled, verdict

ALPHA = 0.05
"""The probability that a race wrongly calls any of its variants better or worse."""

FIRST = 0
"""The place of the variant that the others are compared with."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of a race so far.

    Attributes:
        lanes: all lanes that have begun, by variant and seed.
        results: the comparisons of each variant but the first; a variant's first one is by the budget's measure.
        open: the variants that need more seeds; the first variant is among them whenever any other is.
    """

    lanes: tuple[Lane, ...]
    results: tuple[Comparison, ...]
    open: frozenset[int]


def primary_measure(plan: Plan) -> str:
    """The measure that decides the verdict: the unit of the budget."""
    return next(measure for measure in MEASURES if getattr(plan.budget, measure) is not None)


def standing(plan: Plan, lanes: Sequence[Lane]) -> Standing:
    """Compare every variant with the first, over the seeds of which both are done, in the seeds' order.

    A seed that is done before an earlier one waits for it, so that no verdict depends on which is quicker. A variant's
    verdict is the one at the first seed that settles it; later seeds that were trained meanwhile do not count.
    """
    by_place = {(lane.variant, lane.replicate): lane for lane in lanes}
    results: list[Comparison] = []
    unsettled = set()
    for variant in range(1, len(plan.variants)):
        pairs = _pairs(plan, by_place, variant)
        used, is_settled = _used(plan, pairs)
        results += _comparisons(plan, variant, pairs[:used])
        if not is_settled and used < plan.seeds:
            unsettled.add(variant)
    if unsettled:
        unsettled.add(FIRST)
    ordered = tuple(lane for _, lane in sorted(by_place.items()))
    return Standing(ordered, tuple(results), frozenset(unsettled))


def difference(lane: Lane, first: Lane, measure: str) -> float | None:
    """The loss of one lane minus that of the other, at an equal number of `measure`.

    None where one of them was measured only after that place. Infinite where one of them diverged, 0 where both did.
    """
    if lane.broken or first.broken:
        return 0.0 if lane.broken and first.broken else math.inf if lane.broken else -math.inf
    place = min(getattr(each.rungs[-1], measure) for each in (lane, first))
    losses = loss_at(lane.rungs, measure, place), loss_at(first.rungs, measure, place)
    return None if losses[0] is None or losses[1] is None else losses[0] - losses[1]


def loss_at(rungs: Sequence[Rung], measure: str, place: float) -> float | None:
    """The loss at a place, linear in the place's logarithm between two rungs; None before the first rung."""
    if place == getattr(rungs[-1], measure):
        return rungs[-1].loss
    for before, after in pairwise(rungs):
        low, high = getattr(before, measure), getattr(after, measure)
        if low <= place <= high and low > 0:
            share = math.log(place / low) / math.log(high / low) if high > low else 1.0
            return before.loss + share * (after.loss - before.loss)
    return None


def fewest_seeds(plan: Plan) -> int:
    """The fewest seeds that can give a verdict, unless the losses are equal to the last digit."""
    return fewest_pairs(ALPHA / max(1, len(plan.variants) - 1))


def _pairs(plan: Plan, lanes: dict[tuple[int, int], Lane], variant: int) -> list[tuple[Lane, Lane]]:
    pairs = []
    for replicate in range(plan.seeds):
        lane, first = lanes.get((variant, replicate)), lanes.get((FIRST, replicate))
        if lane is None or first is None or not (lane.done and first.done):
            break
        pairs.append((lane, first))
    return pairs


def _used(plan: Plan, pairs: Sequence[tuple[Lane, Lane]]) -> tuple[int, bool]:
    """The number of pairs that the verdict rests on, and whether they settle it."""
    differences = _differences(pairs, primary_measure(plan))
    for count in range(LEAST_SEEDS, len(differences) + 1):
        if settled(_interval(plan, differences[:count]), plan.min_effect):
            return count, True
    return len(pairs), False


def _comparisons(plan: Plan, variant: int, pairs: Sequence[tuple[Lane, Lane]]) -> list[Comparison]:
    order = sorted(MEASURES, key=lambda measure: measure != primary_measure(plan))
    diverged = sum(bool(lane.broken) for lane, _ in pairs), sum(bool(first.broken) for _, first in pairs)
    found = []
    for measure in order:
        differences = _differences(pairs, measure)
        if len(differences) < len(pairs) or not pairs:
            continue
        at = _interval(plan, differences)
        word = verdict(at, plan.min_effect)
        found.append(Comparison(variant, measure, at.pairs, at.estimate, at.low, at.high, word, diverged))
    return found


def _differences(pairs: Sequence[tuple[Lane, Lane]], measure: str) -> list[float]:
    found = (difference(lane, first, measure) for lane, first in pairs)
    return [each for each in found if each is not None]


def _interval(plan: Plan, differences: Sequence[float]) -> Interval:
    # The variants share the probability of an error equally (Bonferroni).
    return interval(differences, ALPHA / (len(plan.variants) - 1))
