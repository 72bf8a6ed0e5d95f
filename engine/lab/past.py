"""The past that a fork takes over from its parent.

The parent's rows are copied, so that the fork keeps its past whatever happens to the parent later: it may go back to
before the fork, continue differently from the same update, or no longer exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from sqlalchemy import Connection, delete, false, func, insert, literal, select

from engine.events import NoteKind
from engine.lab import schema
from engine.lab.run import Run

GOING_BACK = (NoteKind.UNDO, NoteKind.RESUME)
"""The kinds of notes that mark a return to an earlier state. Of everything before such a note, only what happened up to
its update counts."""

LAST = 2**63 - 1
"""A place after every event in a run's order."""


@dataclass(frozen=True, slots=True)
class Past:
    """The history of a run up to one of its checkpoints.

    Attributes:
        run: the run.
        file: the checkpoint's file.
        update: the number of updates that its state had made.
        changes: the number of knob changes that its state had gone through.
    """

    run: Run
    file: PurePath
    update: int
    changes: int


def copy_past(connection: Connection, past: Past, fork: int) -> None:
    """Copy the rows of a past to the run with the number `fork`, which has no rows yet."""
    spans = list(_spans(connection, past))
    for table in schema.EVENT_TABLES.values():
        names = [column.name for column in table.c if column.name not in ("id", "run", "undone")]
        for after, up_to, update in spans:
            rows = select(literal(fork), false(), *(table.c[name] for name in names)).where(
                table.c.run == past.run.number,
                table.c.sequence.between(after + 1, up_to),
                table.c["update"] <= update,
            )
            if table is schema.changes:
                rows = rows.where(table.c.number <= past.changes)
            connection.execute(insert(table).from_select(["run", "undone", *names], rows))
    _drop_undone(connection, fork)


def _drop_undone(connection: Connection, fork: int) -> None:
    """Of changes with the same number, delete all but the last: a number is given again only after an undo."""
    table = schema.changes
    last = select(func.max(table.c.sequence)).where(table.c.run == fork).group_by(table.c.number)
    connection.execute(delete(table).where(table.c.run == fork, table.c.sequence.not_in(last)))


def _spans(connection: Connection, past: Past) -> Iterator[tuple[int, int, int]]:
    """The parts of the run's order that count, last first: the place before each, its last place, its last update."""
    notes = schema.notes
    up_to, update = _written_at(connection, past), past.update
    went_back = (
        select(notes.c.sequence, notes.c["update"])
        .where(notes.c.run == past.run.number, notes.c.kind.in_(GOING_BACK), notes.c.sequence <= up_to)
        .order_by(notes.c.sequence.desc())
    )
    for place, update_then in connection.execute(went_back).all():
        if update_then < update:
            yield place, up_to, update
            up_to, update = place, update_then
    yield 0, up_to, update


def _written_at(connection: Connection, past: Past) -> int:
    """The checkpoint's place in the run's order; LAST where the lab does not list it."""
    saved = schema.checkpoints
    there = (
        select(saved.c.sequence, saved.c.path)
        .where(saved.c.run == past.run.number, saved.c["update"] == past.update)
        .order_by(saved.c.sequence.desc())
    )
    places = connection.execute(there).all()
    # A checkpoint that is written on a key press is also the latest one, under another name.
    named = [place for place, path in places if PurePath(path).name == past.file.name]
    return next(iter([*named, *(place for place, _ in places)]), LAST)
