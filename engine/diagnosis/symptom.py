"""Symptoms, which the rules return, and functions that write their parts."""

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
    """The evidence for a cause at one moment.

    Attributes:
        cause: the cause.
        severity: how grave it is.
        since: the update since which it holds.
        says: the symptom and how it shows, in plain words.
        evidence: the numbers that show it, by name.
        trial: the change that would test it; None where no knob does.
        certain: whether a single look is enough for a finding.
        waits_for: what is missing before it counts, in a few words; empty where nothing is.
        awaits: the instruments whose next reading tells more.
        by_points: whether points alone show it, so that it need not wait for a reading of an instrument.
    """

    cause: Cause
    severity: Severity
    since: int
    says: str
    evidence: Mapping[str, float]
    trial: Trial | None = None
    certain: bool = False
    waits_for: str = ""
    awaits: frozenset[str] = frozenset({"control"})
    by_points: bool = False


Rule = Callable[[Signs, Record], Symptom | None]
"""Returns the symptom of one cause, or None."""


def numbers(**values: float) -> dict[str, float]:
    """Evidence: those of the values that are finite."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def percent(share: float) -> str:
    """A share as a percentage to two digits, however small; beyond 10,000%, only that it is more."""
    if share < 0.1:
        return f"{100 * share:.2g}%"
    return f"{share:.0%}" if share < 100 else "more than 10,000%"


def trial(settings: Settings, knob: str, value: Value) -> Trial | None:
    """The trial of a value of a knob, within the knob's range; None where the knob has that value already."""
    kind = setting(knob).kind
    if isinstance(kind, Number) and isinstance(value, int | float):
        value = min(max(value, kind.low), kind.high)
    text = kind.write(value)
    return Trial(knob, text) if text != settings.write(knob) else None


def rate(settings: Settings, lr: float) -> Trial | None:
    """The trial of a learning rate, rounded to one digit; None where it is set already."""
    return trial(settings, "lr", float(f"{lr:.0e}"))
