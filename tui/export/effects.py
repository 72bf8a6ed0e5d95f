"""The measurements before and after each change of a hyperparameter."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.events import Change, Point
from tui.export.run_data import RunData

SPAN = 0.05
"""The share of the run that is averaged before and after a change, unless another change is nearer."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A mean before and after; nan where nothing was measured."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Effect:
    """A change and the measurements around it.

    Attributes:
        place: its place among all changes of the run, from 1 on.
        change: the change.
        loss: the training loss, in nats per character.
        grad_norm: the gradient norm before clipping.
        clipped: the share of the updates that were clipped.
    """

    place: int
    change: Change
    loss: Pair
    grad_norm: Pair
    clipped: Pair


def effects(data: RunData) -> list[Effect]:
    """The effect of every change; nothing is known of what followed one that was undone."""
    chars = [point.chars for point in data.points]
    turned = sorted({change.chars for _, change in data.marked})
    span = round(SPAN * (chars[-1] if chars else 0))
    found = []
    for place, change in enumerate(data.changes, 1):
        at = change.chars
        earlier, later = bisect_left(turned, at), bisect_right(turned, at)
        begin = max(at - span, turned[earlier - 1] if earlier else 0)
        end = min(at + span, turned[later] if later < len(turned) else at + span)
        before = data.points[bisect_right(chars, begin) : bisect_right(chars, at)]
        after = [] if change.undone else data.points[bisect_right(chars, at) : bisect_right(chars, end)]
        found.append(
            Effect(
                place,
                change,
                _pair(before, after, lambda point: point.loss),
                _pair(before, after, lambda point: point.grad_norm),
                _pair(before, after, lambda point: point.clipped),
            )
        )
    return found


def _pair(before: Sequence[Point], after: Sequence[Point], value: Callable[[Point], float]) -> Pair:
    return Pair(_mean_of_updates(before, value), _mean_of_updates(after, value))


def _mean_of_updates(points: Sequence[Point], value: Callable[[Point], float]) -> float:
    """The mean over updates, of which a point may cover several."""
    updates = sum(point.updates for point in points)
    return sum(value(point) * point.updates for point in points) / updates if updates else math.nan
