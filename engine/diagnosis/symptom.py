"""What a rule returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.events import Trial
from engine.settings import Value, setting


@dataclass(frozen=True, slots=True)
class Symptom:
    """What speaks for a cause at one moment.

    Attributes:
        cause: its name.
        severity: one of `events.SEVERITIES`.
        since: the update since which it is seen.
        says: what it is and how one sees it.
        evidence: the numbers.
        trial: the change that would test it.
        certain: whether it needs no second look.
    """

    cause: str
    severity: str
    since: int
    says: str
    evidence: Mapping[str, float]
    trial: Trial | None = None
    certain: bool = False


Rule = Callable[[Signs, Record], Symptom | None]
"""Says what speaks for one cause; None where nothing does."""


def numbers(**values: float) -> dict[str, float]:
    """Evidence: of these, what is known."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def trial(knob: str, value: Value) -> Trial:
    """The trial of another value of a knob."""
    return Trial(knob, setting(knob).kind.write(value))


def rate(lr: float) -> Trial:
    """The trial of another rate, to one digit."""
    return trial("lr", float(f"{lr:.0e}"))
