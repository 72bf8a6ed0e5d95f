"""How long a training lasts."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import UserError
from engine.settings import Number

BUDGETS = {
    "updates": Number(1, 10**15, whole=True),
    "chars": Number(1, 10**15, whole=True),
    "seconds": Number(1e-9, 10**9),
}
"""What a training may be bounded by, and the ends that are right."""


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
