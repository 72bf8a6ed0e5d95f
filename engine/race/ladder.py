"""Where a lane makes its points and measures its validation loss, and how much of that is one slice."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.budget import Budget, Position
from engine.race.plan import Plan
from engine.settings import Settings

STEPS = 64
"""Points of a whole lane."""

RUNGS = (2, 4, 8, 16, 32, 48, 64)
"""The steps at which the validation loss is measured: denser at the start, where curves bend."""

SLICE_SECONDS = 2.0
"""About how long a slice may take: what is lost with a worker, and how long a stop is waited for."""

FIRST_WINDOWS = 8
"""Windows of a lane's first slice where it is not known how long they take."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the next slice covers: `ends` counted from the lane's start, and whether it ends at a rung."""

    ends: tuple[Budget, ...]
    rung: bool


def share(plan: Plan, now: Position) -> float:
    """How much of its budget a lane has done, 0 … 1; `now` is counted from the lane's start."""
    budget = plan.budget
    if budget.chars is not None:
        return min(1.0, now.chars / budget.chars)
    if budget.updates is not None:
        return min(1.0, now.updates / budget.updates)
    return min(1.0, now.seconds / (budget.seconds or math.inf))


def next_stretch(plan: Plan, settings: Settings, now: Position) -> Stretch:
    """What a lane trains next, from `now`, counted from its start.

    Where a budget is used up already, by a window that was longer than what was left, that is nothing, and the
    validation loss is measured there.
    """
    if plan.budget.seconds is not None:
        return _by_seconds(plan.budget.seconds, settings, now)
    whole, done = (
        (plan.budget.chars, now.chars) if plan.budget.chars is not None else (plan.budget.updates or 0, now.updates)
    )
    steps = [step for step in range(1, STEPS + 1) if _place(whole, step) > done] or [STEPS]
    rung = next(step for step in steps if step in RUNGS)
    steps = [step for step in steps if step <= rung]
    if now.seconds and done:
        in_time = done + SLICE_SECONDS * done / now.seconds
        steps = [step for step in steps if _place(whole, step) <= in_time] or steps[:1]
    places = sorted({_place(whole, step) for step in steps})
    by_chars = plan.budget.chars is not None
    ends = tuple(Budget(chars=place) if by_chars else Budget(updates=place) for place in places)
    return Stretch(ends, rung=steps[-1] == rung)


def _place(whole: int, step: int) -> int:
    return -(-whole * step // STEPS)


def _by_seconds(whole: float, settings: Settings, now: Position) -> Stretch:
    """Characters that take about as long as up to the next step, going by the pace so far."""
    if not now.seconds:
        windows = FIRST_WINDOWS * settings.streams * settings.bptt.mean
        return Stretch((Budget(chars=max(1, round(windows))),), rung=False)
    if now.seconds >= whole:
        return Stretch((Budget(chars=now.chars),), rung=True)
    step = int(now.seconds / whole * STEPS * (1 + 1e-9)) + 1
    left = whole * step / STEPS - now.seconds
    chars = max(1, math.ceil(min(left, SLICE_SECONDS) * now.chars / now.seconds))
    return Stretch((Budget(chars=now.chars + chars),), rung=step in RUNGS and left <= SLICE_SECONDS)
