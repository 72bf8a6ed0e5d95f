"""The events of a lab's runs: measurements, changes, checkpoints and notes, in the order in which they happened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, and_, func, insert, or_, select, update

from engine.events import (
    AUTOPSY,
    Change,
    CheckpointKind,
    LogEntry,
    Note,
    NoteKind,
    Point,
    Sample,
    Saved,
    Stored,
    Validation,
)
from engine.lab import schema
from engine.lab.columns import is_list_of, read_json, read_word, storable
from engine.lab.database import Database
from engine.lab.run import Run
from engine.lab.runs import Runs

Event = TypeVar("Event", bound=Stored)


@dataclass(frozen=True, slots=True)
class Copied:
    """An event of a watched program.

    Attributes:
        place: the bytes of its journal up to its end.
        event: the event.
        undoes_to: of one that goes back, the number of changes that are left; None for any other.
    """

    place: int
    event: Stored
    undoes_to: int | None = None


class Events:
    """The events in an open lab. Every method raises UserError as `Lab` describes."""

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database = database
        self._runs = runs
        self._sequences: dict[int, int] = {}
        """The place of each run's next event, by the run's number."""

    def record(self, run: Run, events: Sequence[Stored]) -> None:
        """Store events in their order: all or none."""
        if events:
            with self._database.writing() as connection:
                self._insert(connection, run, events)

    def copy(self, run: Run, events: Sequence[Copied], place: int) -> None:
        """Store events of a watched program, each only once, though several processes may copy its journal.

        Args:
            run: the run that they are of.
            events: the events, in their order.
            place: the bytes of the journal that were read.
        """
        with self._database.writing() as connection:
            before = self._runs.reach(connection, run, place)
            self._sequences.pop(run.number, None)  # Another process may have stored some.
            news: list[Stored] = []
            for each in events:
                if each.place <= before:
                    continue
                news.append(each.event)
                if each.undoes_to is not None:
                    self._insert(connection, run, news)
                    self._mark_undone(connection, run, each.event.update, each.undoes_to)
                    news = []
            if news:
                self._insert(connection, run, news)

    def _insert(self, connection: Connection, run: Run, events: Sequence[Stored]) -> None:
        sequence = self._next_sequence(connection, run)
        rows: dict[Table, list[dict[str, Any]]] = {}
        for place, event in enumerate(events):
            row = {**_as_row(event), "run": run.number, "sequence": sequence + place}
            rows.setdefault(schema.EVENT_TABLES[type(event)], []).append(row)
        for table, values in rows.items():
            connection.execute(insert(table), values)
        if points := [event for event in events if isinstance(event, Point)]:
            self._runs.advance(connection, run, points[-1])
        self._sequences[run.number] = sequence + len(events)

    def points(self, run: Run) -> list[Point]:
        """The run's thinned points, oldest first."""
        return self._select(run, Point)

    def validations(self, run: Run) -> list[Validation]:
        """The run's validation losses, oldest first."""
        return self._select(run, Validation)

    def samples(self, run: Run) -> list[Sample]:
        """The texts that the network wrote, oldest first."""
        return self._select(run, Sample)

    def log(self, run: Run) -> list[LogEntry]:
        """Changes, checkpoints and notes in the order in which they happened."""
        return self._select(run, Change, Saved, Note)

    def all(self, run: Run) -> list[Stored]:
        """Every event in order; of the undone ones, only the changes."""
        return self._select(run, *schema.EVENT_TABLES)

    def mark_undone(self, run: Run, after_update: int, after_change: int) -> None:
        """Mark measurements and changes after an update as undone, and changes with a number above `after_change`.

        The rows stay in the file; of the undone ones, only the changes are read. Checkpoints, notes, samples and
        autopsies stay as they are: the files still exist, and the words were shown. Later events are not affected.
        """
        with self._database.writing() as connection:
            self._mark_undone(connection, run, after_update, after_change)

    def _mark_undone(self, connection: Connection, run: Run, after_update: int, after_change: int) -> None:
        for table in (schema.points, schema.validations, schema.probes, schema.changes):
            undone = table.c["update"] > after_update
            if table is schema.probes:
                undone = and_(undone, table.c.instrument != AUTOPSY)
            if table is schema.changes:
                undone = or_(undone, table.c.number > after_change)
            connection.execute(update(table).where(table.c.run == run.number, undone).values(undone=True))

    def _next_sequence(self, connection: Connection, run: Run) -> int:
        if run.number not in self._sequences:
            highest = (
                connection.scalar(select(func.max(table.c.sequence)).where(table.c.run == run.number)) or 0
                for table in schema.EVENT_TABLES.values()
            )
            self._sequences[run.number] = max(highest) + 1
        return self._sequences[run.number]

    def _select(self, run: Run, *kinds: type[Event]) -> list[Event]:
        """A run's events of some kinds in order, without the undone ones, except that changes are all included."""
        with self._database.reading() as connection:
            rows = [(kind, row) for kind in kinds for row in connection.execute(_query(run, kind)).mappings()]
        rows.sort(key=lambda each: each[1]["sequence"])
        return [_from_row(self._database.folder, kind, dict(row)) for kind, row in rows]


def _query(run: Run, kind: type[Any]) -> Select[Any]:
    table = schema.EVENT_TABLES[kind]
    columns = [table.c[field.name] for field in fields(kind)]
    query = select(table.c.sequence, *columns).where(table.c.run == run.number)
    return query if kind is Change else query.where(~table.c.undone)


def _as_row(event: Stored) -> dict[str, Any]:
    return {name: _as_column(value) for name, value in asdict(event).items()}


def _as_column(value: object) -> object:
    match value:
        case tuple() | dict():
            return json.dumps(value)
        case str():
            return storable(value)
    return value


def _from_row(folder: Path, kind: type[Event], row: dict[str, Any]) -> Event:
    del row["sequence"]
    if kind is Saved:
        row["kind"] = read_word(folder, "checkpoints.kind", row["kind"], CheckpointKind)
    if kind is Note:
        row["kind"], row["text"] = _note(row["kind"], row["text"])
    if "norms" in row:
        row["norms"] = tuple(read_json(folder, "points.norms", row["norms"], is_list_of(int | float)))
    if "values" in row:
        reading = read_json(folder, "probes.values", row["values"], _is_reading).items()
        row["values"] = {name: tuple(value) if isinstance(value, list) else value for name, value in reading}
    return kind(**row)


def _note(kind: str, text: str) -> tuple[NoteKind, str]:
    """The kind and text of a note; a kind that another version wrote and this one does not know goes into the text."""
    try:
        return NoteKind(kind), text
    except ValueError:
        return NoteKind.OTHER, f"{kind}: {text}"


def _is_reading(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return all(
        isinstance(each, int | float | str | None)
        for reading in value.values()
        for each in (reading if isinstance(reading, list) else [reading])
    )
