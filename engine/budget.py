"""The budget of a training, and its progress towards it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import UserError
from engine.settings import Number

BUDGETS = {
    "updates": Number(1, 10**15, whole=True),
    "chars": Number(1, 10**15, whole=True),
    "seconds": Number(1e-9, 10**9),
}
"""The units in which a budget may be given, and the allowed values of each."""


@dataclass(frozen=True, slots=True)
class Position:
    """The progress of a training: updates and characters since the run's start, seconds of training in this process."""

    updates: int = 0
    chars: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """The ends of a training, of which the first that is reached counts; None where there is no such end.

    Raises UserError where an end is out of range.

    Attributes:
        updates: the number of updates since the run's start.
        chars: the number of characters since the run's start.
        seconds: the seconds of training in this process.
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
        """The name of the end that has been reached, `updates`, `chars` or `seconds`; None before any is reached."""
        if self.updates is not None and now.updates >= self.updates:
            return "updates"
        if self.chars is not None and now.chars >= self.chars:
            return "chars"
        if self.seconds is not None and now.seconds >= self.seconds:
            return "seconds"
        return None


@dataclass(frozen=True, slots=True)
class CoolDownSpan:
    """A cosine that the user asked for by key: over `length` updates, beginning after update `start`."""

    start: int
    length: int
