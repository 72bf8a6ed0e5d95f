"""A run's events as JSON, an object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from engine.events import Change, End, Event, Hypothesis, Note, Point, Probe, Sample, Saved, Start, Validation

NAMES: Mapping[type[Event], str] = {
    Start: "start",
    Point: "point",
    Validation: "val",
    Change: "change",
    Saved: "checkpoint",
    Note: "note",
    Sample: "sample",
    Probe: "probe",
    End: "end",
}


def event_line(event: Event) -> str:
    """One line, without its end: `{"event": NAME, …}`."""
    return line({"event": NAMES[type(event)], **asdict(event)})


def line(value: Mapping[str, Any] | Hypothesis) -> str:
    """Any value as one line of JSON in ASCII, so that no terminal can take harm from it."""
    return json.dumps(asdict(value) if is_dataclass(value) else value, allow_nan=False)
