"""The trouble of a run: where its loss climbed or its numbers broke, as far as the lab's points tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.autopsy.rise import find_rise
from engine.diagnosis.record import Record
from engine.events import Note, NoteKind, Point, Stored
from engine.settings import Settings

FEW_POINTS = 48
"""The points below which a climb may lie between two of them. Such a run took a few seconds, and a replay of all of it
tells more."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The trouble that an autopsy explains.

    Attributes:
        since: an update before which nothing was wrong.
        shown: the update by which it had shown.
        chars: characters trained on by then.
        before: the loss before it in nats per character; None where it is not known.
        broken: what was not finite; empty where the loss climbed and every number stayed finite.
        sure: whether the points show it; False where it is only possible between them.
    """

    since: int
    shown: int
    chars: int
    before: float | None
    broken: str
    sure: bool = True


def recorded(settings: Settings, events: Iterable[Stored]) -> Record:
    """The record of a run's events, without what was undone."""
    record = Record(settings)
    for event in events:
        if isinstance(event, Note) and event.kind is NoteKind.UNDO:
            record.go_back(event.update)
        else:
            record.add(event)
    return record


def begins(points: Sequence[Point], ceiling: float) -> int | None:
    """The update up to which nothing was wrong; None where the loss has not climbed since."""
    rise = find_rise([point.loss for point in points], ceiling)
    if rise is None:
        return None
    return points[rise.begin - 1].update if rise.begin else 0


def find_trouble(record: Record, ceiling: float, floor: float | None) -> Trouble | None:
    """The trouble that a record holds; None where the loss has not climbed and nothing broke.

    A run of a few points may have climbed between two of them. The trouble is then the whole run, and not `sure`.

    Args:
        record: the run's record, with its parent's past.
        ceiling: a loss in nats per character that is as bad as any higher one.
        floor: the loss with which a fresh network begins, likewise; None where the record begins later.
    """
    points = record.points
    broken = record.broken.text if record.broken is not None else ""
    if rise := find_rise([point.loss for point in points], ceiling, floor, fresh=True):
        since = points[rise.begin - 1].update if rise.begin else 0
        shown = points[rise.shown]
        return Trouble(since, shown.update, shown.chars, rise.before, broken)
    if record.broken is not None:
        before = points[-1].loss if points else floor
        return Trouble(record.broken.update, record.broken.update + 1, record.broken.chars + 1, before, broken)
    if points and len(points) < FEW_POINTS:
        return Trouble(0, points[-1].update, points[-1].chars, floor, "", sure=False)
    return None
