"""Readings of the instruments as numbers to draw. A snapshot may lack any reading, and a reading any number."""

from __future__ import annotations

import math

from engine.events import HUGE, Probe
from engine.session.snapshot import Snapshot


def last(snapshot: Snapshot, instrument: str) -> Probe | None:
    """The last reading of an instrument."""
    probes = snapshot.probes.get(instrument, ())
    return probes[-1] if probes else None


def as_number(value: object) -> float:
    """A stored value as a number: nan where it is no number, and infinity where `HUGE` stands for it."""
    if not isinstance(value, int | float):
        return math.nan
    if abs(value) >= HUGE:
        return math.inf if value > 0 else -math.inf
    return float(value)


def number(probe: Probe | None, field: str) -> float:
    """A number of a reading; nan where the reading or the number is missing."""
    return as_number(None if probe is None else probe.values.get(field))


def numbers(probe: Probe | None, field: str) -> tuple[float, ...]:
    """The numbers of a list in a reading; empty where the reading or the list is missing."""
    found = None if probe is None else probe.values.get(field)
    return tuple(as_number(each) for each in found) if isinstance(found, tuple | list) else ()


def words(probe: Probe | None, field: str) -> tuple[str, ...]:
    """The words of a list in a reading; empty where the reading or the list is missing."""
    found = None if probe is None else probe.values.get(field)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, tuple | list) else ()


def series(snapshot: Snapshot, instrument: str, field: str) -> list[float]:
    """One number of every reading of an instrument, oldest first."""
    return [number(probe, field) for probe in snapshot.probes.get(instrument, ())]
