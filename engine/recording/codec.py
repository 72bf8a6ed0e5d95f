"""Events as JSON holds them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engine.events import (
    Change,
    CheckpointKind,
    Note,
    NoteKind,
    Point,
    Probe,
    Sample,
    Saved,
    Start,
    Stored,
    Validation,
)

KINDS: Mapping[str, type[Start | Stored]] = {
    kind.__name__: kind for kind in (Start, Point, Validation, Change, Saved, Note, Sample, Probe)
}
"""The kinds of events by the names of their classes."""


def plain(event: Start | Stored) -> dict[str, Any]:
    """An event as a JSON object."""
    return {"kind": type(event).__name__, "values": asdict(event)}


def event_of(kind: str, values: Mapping[str, Any]) -> Start | Stored:
    """The event that `plain` made an object of; raises KeyError, TypeError or ValueError where it made none."""
    read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    match KINDS[kind]:
        case made if made is Saved:
            read["kind"] = CheckpointKind(read["kind"])
        case made if made is Note:
            read["kind"] = NoteKind(read["kind"])
        case made if made is Probe:
            inside = read["values"].items()
            read["values"] = {name: tuple(value) if isinstance(value, list) else value for name, value in inside}
        case made:
            pass
    return made(**read)
