"""Readings of the instruments as numbers to draw: a snapshot may lack any reading, and a reading any number."""

from __future__ import annotations

import math

from engine.events import HUGE, Probe
from engine.session.snapshot import Snapshot


def last(snapshot: Snapshot, instrument: str) -> Probe | None:
    """The last reading of an instrument."""
    probes = snapshot.probes.get(instrument, ())
    return probes[-1] if probes else None


def as_number(value: object) -> float:
    """A number as the lab keeps it: nan where it is none, and infinite where it stands for that."""
    if not isinstance(value, int | float):
        return math.nan
    if abs(value) >= HUGE:
        return math.inf if value > 0 else -math.inf
    return float(value)


def number(probe: Probe | None, field: str) -> float:
    """A number of a reading: nan where it is not there, and infinite where it is without bound."""
    return as_number(None if probe is None else probe.values.get(field))


def numbers(probe: Probe | None, field: str) -> tuple[float, ...]:
    """The numbers of a list of a reading, in the same way; empty where there is none."""
    found = None if probe is None else probe.values.get(field)
    return tuple(as_number(each) for each in found) if isinstance(found, tuple | list) else ()


def words(probe: Probe | None, field: str) -> tuple[str, ...]:
    """The words of a list of a reading."""
    found = None if probe is None else probe.values.get(field)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, tuple | list) else ()


def series(snapshot: Snapshot, instrument: str, field: str) -> list[float]:
    """One number of all readings, oldest first."""
    return [number(probe, field) for probe in snapshot.probes.get(instrument, ())]
