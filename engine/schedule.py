"""How long a training lasts, and the learning rate on its way there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.settings import Number

Doubles = NDArray[np.float64]

BUDGETS = {
    "updates": Number(1, 10**15, whole=True),
    "chars": Number(1, 10**15, whole=True),
    "seconds": Number(1e-9, 10**9),
}
"""What a training may be bounded by, and the ends that are right."""

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

    Raises UserError where an end is out of range.
    """

    updates: int | None = None
    chars: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, kind in BUDGETS.items():
            end = getattr(self, name)
            if end is not None and not kind.allows(end):
                raise UserError(f"--{name} {end}: expected {kind.expects}")

    def progress(self, now: Position) -> float | None:
        """The share of the way from the run's start to the end, 0 … 1; None without an end."""
        if self == Budget():
            return None
        updates, chars = np.array([now.updates], np.float64), np.array([now.chars], np.float64)
        return float(self.shares(Position(), updates, chars, now.seconds)[0])

    def shares(self, start: Position, updates: Doubles, chars: Doubles, seconds: float) -> Doubles:
        """The share of the way from `start` to the end, 0 … 1, at several places, (n,); 0 without an end."""
        shares = np.zeros(len(updates))
        for end, now, begin in (
            (self.updates, updates, start.updates),
            (self.chars, chars, start.chars),
            (self.seconds, np.full(len(updates), seconds), start.seconds),
        ):
            if end is not None:
                shares = np.maximum(shares, _share(now - begin, end - begin))
        return shares

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

    def shares(self, updates: Doubles) -> Doubles:
        """The share of the cool-down that is behind, 0 … 1, before several updates, (n,)."""
        return _share(updates - self.start, self.length)


@dataclass(frozen=True, slots=True)
class Course:
    """Where a training is to end, which its learning rate follows.

    Attributes:
        budget: the end.
        seconds: seconds of training in this process so far.
        warm_seconds: the same when the warm-up ended.
    """

    budget: Budget = field(default_factory=Budget)
    seconds: float = 0.0
    warm_seconds: float = 0.0


def rates(peak: float, updates: Doubles, warmup: int, annealed: Doubles) -> Doubles:
    """Learning rates, (n,): a linear warm-up, then the peak, then a cosine (Loshchilov & Hutter 2017).

    Args:
        peak: the rate that `--lr` names.
        updates: (n,) the number of updates made before each.
        warmup: updates until the peak is reached.
        annealed: (n,) the share of the way from the warm-up's end to the budget's end, 0 … 1.
    """
    climbed = np.minimum(1.0, (updates + 1) / warmup) if warmup else np.ones(len(updates))
    if not annealed.any():
        return peak * climbed
    # The standard library's cosine: NumPy's may give other bits for more numbers at a time.
    cosines = np.fromiter(map(math.cos, math.pi * annealed), np.float64, len(annealed))
    return peak * climbed * (FLOOR + (1 - FLOOR) * (1 + cosines) / 2)


def _share(done: Doubles, whole: float) -> Doubles:
    return np.clip(done / whole, 0.0, 1.0) if whole > 0 else np.ones(len(done))
