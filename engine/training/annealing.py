"""The learning-rate schedule: warm-up, peak, and a cosine towards the training's end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.budget import Budget, CoolDownSpan, Position

Doubles = NDArray[np.float64]

FLOOR = 0.05
"""The share of the peak rate that is left at the end of a cosine."""


@dataclass(frozen=True, slots=True)
class Course:
    """The planned end of a training, which its learning rate follows.

    Attributes:
        budget: the end.
        seconds: seconds of training in this process so far.
        warm_seconds: the same when the warm-up ended.
    """

    budget: Budget = field(default_factory=Budget)
    seconds: float = 0.0
    warm_seconds: float = 0.0


def progress(budget: Budget, now: Position) -> float | None:
    """The share of the way from a run's start to its end, 0 … 1; None without an end."""
    if budget == Budget():
        return None
    updates, chars = np.array([now.updates], np.float64), np.array([now.chars], np.float64)
    return float(shares(budget, Position(), updates, chars, now.seconds)[0])


def shares(budget: Budget, start: Position, updates: Doubles, chars: Doubles, seconds: float) -> Doubles:
    """The share of the way from `start` to the end, 0 … 1, at several places, (n,); 0 without an end."""
    found = np.zeros(len(updates))
    for end, now, begin in (
        (budget.updates, updates, start.updates),
        (budget.chars, chars, start.chars),
        (budget.seconds, np.full(len(updates), seconds), start.seconds),
    ):
        if end is not None:
            found = np.maximum(found, _share(now - begin, end - begin))
    return found


def cooled(span: CoolDownSpan, updates: Doubles) -> Doubles:
    """The share of a cool-down that has passed before each of several updates, 0 … 1, (n,)."""
    return _share(updates - span.start, span.length)


def rates(peak: float, updates: Doubles, warmup: int, annealed: Doubles) -> Doubles:
    """Learning rates, (n,): a linear warm-up, then the peak, then a cosine (Loshchilov & Hutter 2017).

    Args:
        peak: the rate given by `--lr`.
        updates: (n,) the number of updates made before each.
        warmup: the number of updates until the peak is reached.
        annealed: (n,) the share of the way from the warm-up's end to the budget's end, 0 … 1.
    """
    climbed = np.minimum(1.0, (updates + 1) / warmup) if warmup else np.ones(len(updates))
    if not annealed.any():
        return peak * climbed
    # The standard library's cosine: the bits of NumPy's may depend on how many numbers are computed at once.
    cosines = np.fromiter(map(math.cos, math.pi * annealed), np.float64, len(annealed))
    return peak * climbed * (FLOOR + (1 - FLOOR) * (1 + cosines) / 2)


def _share(done: Doubles, whole: float) -> Doubles:
    return np.clip(done / whole, 0.0, 1.0) if whole > 0 else np.ones(len(done))
