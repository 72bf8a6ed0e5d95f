"""How long a training lasts, and the learning rate on its way there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import UserError

BUDGETS = ("updates", "chars", "seconds")
"""What a training may be bounded by."""

FLOOR = 0.05
"""The share of the rate that is left at the end of a cosine."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a training is: updates and characters since the run's start, seconds of training in this process."""

    updates: int = 0
    chars: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """Where a training ends, whichever comes first; None where there is no such end.

    Raises UserError where an end is no positive number.
    """

    updates: int | None = None
    chars: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in BUDGETS:
            end, whole = getattr(self, name), name != "seconds"
            if end is None:
                continue
            if isinstance(end, bool) or not isinstance(end, int if whole else int | float) or not 0 < end < math.inf:
                expected = "a whole number from 1 on" if whole else "a number of seconds above 0"
                raise UserError(f"--{name} {end}: expected {expected}")

    def progress(self, now: Position, start: Position | None = None) -> float | None:
        """The share of the way from `start` to the end, 0 … 1; None without an end."""
        start = start or Position()
        ways = (
            (self.updates, now.updates, start.updates),
            (self.chars, now.chars, start.chars),
            (self.seconds, now.seconds, start.seconds),
        )
        shares = [_share(at - begin, end - begin) for end, at, begin in ways if end is not None]
        return max(shares) if shares else None

    def reached(self, now: Position) -> str | None:
        """Which end has been reached: `updates`, `chars` or `seconds`; None while there is something left."""
        if self.updates is not None and now.updates >= self.updates:
            return "updates"
        if self.chars is not None and now.chars >= self.chars:
            return "chars"
        if self.seconds is not None and now.seconds >= self.seconds:
            return "seconds"
        return None


@dataclass(frozen=True, slots=True)
class CoolDownSpan:
    """A cosine that was asked for by key: over `length` updates from update `start` on."""

    start: int
    length: int

    def progress(self, update: int) -> float:
        """The share of the cool-down that is behind, 0 … 1."""
        return _share(update - self.start, self.length)


def rate(peak: float, update: int, warmup: int, annealed: float) -> float:
    """The learning rate of one update: a linear warm-up, then the peak, then a cosine (Loshchilov & Hutter 2017).

    Args:
        peak: the rate that `--lr` names.
        update: updates made before this one.
        warmup: updates until the peak is reached.
        annealed: the share of the way from the warm-up's end to the budget's end, 0 … 1.
    """
    climbed = min(1.0, (update + 1) / warmup) if warmup else 1.0
    return peak * climbed * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * annealed)) / 2)


def _share(done: float, whole: float) -> float:
    return min(1.0, max(0.0, done / whole)) if whole > 0 else 1.0
