"""The ladder of a lane: where it makes its points, where it measures its validation loss, and where a slice ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.budget import Budget, Position
from engine.race.plan import Plan
from engine.settings import Settings

STEPS = 64
"""The number of equal steps in a lane's budget; a point is made at the end of each."""

RUNGS = (2, 4, 8, 16, 32, 48, 64)
"""The steps at which the validation loss is measured: denser at the start, where curves bend."""

SLICE_SECONDS = 2.0
"""The approximate time of a slice: the most work that is lost with a worker, and the longest wait after a stop."""

FIRST_WINDOWS = 8
"""The number of windows in a lane's first slice where the budget is in seconds, since the pace is not known yet."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The extent of the next slice.

    Attributes:
        ends: the places at which a point is made, ascending, counted from the lane's start.
        rung: whether the last of them is a rung.
    """

    ends: tuple[Budget, ...]
    rung: bool


def share(plan: Plan, now: Position) -> float:
    """The share of its budget that a lane has done, 0 … 1; `now` is counted from the lane's start."""
    budget = plan.budget
    if budget.chars is not None:
        return min(1.0, now.chars / budget.chars)
    if budget.updates is not None:
        return min(1.0, now.updates / budget.updates)
    return min(1.0, now.seconds / (budget.seconds or math.inf))


def next_stretch(plan: Plan, settings: Settings, now: Position, measured: Position) -> Stretch:
    """The extent of a lane's next slice.

    Which rungs are measured, and where, depends on the last measured one and never on where slices ended in between:
    how long a slice is depends on the pace. Where a window has overrun the rung that is due, the slice trains nothing
    and only measures the validation loss.

    Args:
        plan: the race.
        settings: the lane's hyperparameters.
        now: where the lane is, counted from its start.
        measured: where its validation loss was measured last, counted from its start; its start before that.
    """
    if plan.budget.seconds is not None:
        return _by_seconds(plan.budget.seconds, settings, now)
    by_chars = plan.budget.chars is not None
    whole = (plan.budget.chars if by_chars else plan.budget.updates) or 0
    done, last = (now.chars, measured.chars) if by_chars else (now.updates, measured.updates)
    rung = next((place for step in RUNGS if (place := _place(whole, step)) > last), whole)
    places = sorted({place for step in range(1, STEPS + 1) if done < (place := _place(whole, step)) <= rung})
    if now.seconds and done:
        in_time = done + SLICE_SECONDS * done / now.seconds
        places = [place for place in places if place <= in_time] or places[:1]
    places = places or [rung]
    ends = tuple(Budget(chars=place) if by_chars else Budget(updates=place) for place in places)
    return Stretch(ends, rung=places[-1] == rung)


def _place(whole: int, step: int) -> int:
    return -(-whole * step // STEPS)


def _by_seconds(whole: float, settings: Settings, now: Position) -> Stretch:
    """A slice of about as many characters as fit into the time up to the next step, at the pace so far."""
    if not now.seconds:
        windows = FIRST_WINDOWS * settings.streams * settings.bptt.mean
        return Stretch((Budget(chars=max(1, round(windows))),), rung=False)
    if now.seconds >= whole:
        return Stretch((Budget(chars=now.chars),), rung=True)
    step = int(now.seconds / whole * STEPS * (1 + 1e-9)) + 1
    left = whole * step / STEPS - now.seconds
    chars = max(1, math.ceil(min(left, SLICE_SECONDS) * now.chars / now.seconds))
    return Stretch((Budget(chars=now.chars + chars),), rung=step in RUNGS and left <= SLICE_SECONDS)
