"""What a rule returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.events import Cause, Severity, Trial
from engine.settings import Number, Settings, Value, setting


@dataclass(frozen=True, slots=True)
class Symptom:
    """What speaks for a cause at one moment.

    Attributes:
        cause: the cause.
        severity: how grave it is.
        since: the update since which it is seen.
        says: what it is and how one sees it.
        evidence: the numbers.
        trial: the change that would test it.
        certain: whether it needs no second look.
    """

    cause: Cause
    severity: Severity
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


def percent(share: float) -> str:
    """A share to two digits, however small; of what is beyond all measure, that it is."""
    if share < 0.1:
        return f"{100 * share:.2g}%"
    return f"{share:.0%}" if share < 100 else "more than 10,000%"


def trial(settings: Settings, knob: str, value: Value) -> Trial | None:
    """The trial of another value of a knob, as far as the knob goes; None where it has that value already."""
    kind = setting(knob).kind
    if isinstance(kind, Number) and isinstance(value, int | float):
        value = min(max(value, kind.low), kind.high)
    text = kind.write(value)
    return Trial(knob, text) if text != settings.write(knob) else None


def rate(settings: Settings, lr: float) -> Trial | None:
    """The trial of another rate, to one digit."""
    return trial(settings, "lr", float(f"{lr:.0e}"))
