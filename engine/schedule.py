"""How long a training lasts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import UserError

BUDGETS = ("updates", "chars", "seconds")
"""What a training may be bounded by."""


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
