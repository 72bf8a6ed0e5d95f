"""What is written into the lab, and read from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, RowMapping, Table, and_, func, insert, or_, select, update

from engine.errors import UserError
from engine.events import (
    AUTOPSY,
    STATUSES,
    Change,
    Hypothesis,
    Idea,
    LogEntry,
    Note,
    Point,
    Probe,
    Sample,
    Saved,
    Stored,
    Validation,
)
from engine.lab import schema
from engine.lab.database import FILE, check_place, check_schema, connect, errors, from_json, migrate
from engine.lab.past import Past, copy_past
from engine.lab.run import Entry, Run, check_name, default_name
from engine.settings import PlainValue

SERIES: dict[type[Stored], Table] = {
    Point: schema.points,
    Validation: schema.validations,
    Change: schema.changes,
    Saved: schema.checkpoints,
    Note: schema.notes,
    Sample: schema.samples,
    Probe: schema.probes,
}
RUNNING, INTERRUPTED = "running", "interrupted"
LONGEST_CLAIM = 500
HOLD_SECONDS = 1.0
"""How long a run's lock is waited for: listing the runs takes it for a moment too."""

Event = TypeVar("Event", Point, Validation, Change, Saved, Note, Sample, Probe)


class Lab:
    """One open lab. It belongs to one thread; other threads and processes open it for themselves.

    Every method raises UserError with one line where the file or the disk fails; what was committed before is kept.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self._engine = engine
        self._sequences: dict[int, int] = {}
        self._seconds_before: dict[int, float] = {}

    @classmethod
    def open(cls, folder: Path) -> Lab:
        """Open for writing; make it where it is not there, and migrate it where it is old."""
        check_place(folder)
        with errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        engine = connect(folder, write=True)
        migrate(engine, folder)
        return cls(folder, engine)

    @classmethod
    def open_existing(cls, folder: Path) -> Lab:
        """Open for reading; makes nothing. Raises UserError where there is no lab."""
        check_place(folder)
        if not cls.is_in(folder):
            raise UserError(f"there is no lab in {folder}: train in it first, or name another with --lab")
        engine = connect(folder, write=False)
        check_schema(engine, folder)
        return cls(folder, engine)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether there is a lab, of whatever kind, in a folder."""
        return (folder / FILE).exists()

    def close(self) -> None:
        """Let the file go."""
        self._engine.dispose()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- runs ----------------------------------------------------------------------------------------------------

    def create_run(
        self,
        *,
        name: str | None,
        text: str,
        digest: str,
        settings: dict[str, PlainValue],
        parent: tuple[str, int] | None,
        compute: str,
        network: str,
        parameters: int,
        matrix_names: tuple[str, ...],
        race: Entry | None = None,
        chars: int = 0,
        past: Past | None = None,
    ) -> Run:
        """Begin a run; raises UserError where the name is taken or cannot be one, or its folder cannot be made.

        A fork has a `parent`, the `chars` trained on before, and where its parent is of this lab a `past`.
        """
        runs = schema.runs
        with self.writing() as connection:
            number = (connection.scalar(select(func.max(runs.c.number))) or 0) + 1
            taken = set(connection.scalars(select(runs.c.name)))
            if name is None:
                suffixes = iter(range(number, number + len(taken) + 1))
                name = next(each for each in (default_name(text, n) for n in suffixes) if each not in taken)
            elif check_name(name) in taken:
                raise UserError(f"--name {name}: there is such a run already; choose another name, or resume it")
            connection.execute(
                insert(runs).values(
                    number=number,
                    name=name,
                    text=_storable(text),
                    digest=digest,
                    settings=json.dumps(settings),
                    parent_run=parent[0] if parent else None,
                    parent_update=parent[1] if parent else None,
                    created=datetime.now(UTC).isoformat(timespec="seconds"),
                    status=RUNNING,
                    update=parent[1] if parent else 0,
                    chars=chars,
                    seconds=0.0,
                    compute=compute,
                    network=network,
                    parameters=parameters,
                    matrix_names=json.dumps(matrix_names),
                    race=race.race if race else None,
                    variant=race.variant if race else None,
                    replicate=race.replicate if race else None,
                )
            )
            if past is not None:
                copy_past(connection, past, number, SERIES.values())
            # Within the transaction: where this fails there is no run either.
            (self._checkpoints / name).mkdir(parents=True, exist_ok=True)
        return self.run(name)

    def runs(self, race: int | None = None) -> list[Run]:
        """The runs that are part of no race, or those of one race, oldest first."""
        mine = schema.runs.c.race.is_(None) if race is None else schema.runs.c.race == race
        with self.reading() as connection:
            rows = connection.execute(self._select_runs().where(mine).order_by(schema.runs.c.number)).mappings().all()
        return [self._as_run(row) for row in rows]

    def run(self, key: str) -> Run:
        """A run by its name or number; raises UserError where there is none."""
        runs = schema.runs
        matches = runs.c.name == _storable(key)
        if key.isascii() and key.isdecimal() and len(key) < 18:
            matches = or_(matches, runs.c.number == int(key))
        with self.reading() as connection:
            row = connection.execute(self._select_runs().where(matches)).mappings().first()
            own = select(runs.c.name).where(runs.c.race.is_(None)).order_by(runs.c.number.desc()).limit(4)
            known = list(connection.scalars(own))
        if row is None:
            there_are = f"the last ones are {', '.join(known)}" if known else "it has none yet"
            raise UserError(f"the lab {self.folder} has no run {key}: {there_are}")
        return self._as_run(row)

    @contextmanager
    def hold(self, run: Run) -> Iterator[None]:
        """Keep every other process from training this run; raises UserError where one does."""
        with errors(self.folder):
            self.checkpoint_folder(run).mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._lock_path(run), timeout=HOLD_SECONDS)
            try:
                lock.acquire()
            except Timeout:
                raise UserError(f"run {run.name} is being trained by another process") from None
        try:
            yield
        finally:
            lock.release()

    def begin(self, run: Run, seconds: float = 0.0) -> None:
        """Note that a run is being trained; what this process trains it comes on top of the seconds before.

        `seconds` are those that this process has trained another run.
        """
        self._seconds_before[run.number] = run.seconds - seconds
        self._set(run, status=RUNNING)

    def finish(self, run: Run, *, status: str, update: int, chars: int, seconds: float) -> None:
        """Note why and where a run has ended; `seconds` are those of this process."""
        self._set(run, status=status, update=update, chars=chars, seconds=self._all_seconds(run, seconds))

    def checkpoint_folder(self, run: Run) -> Path:
        """Where the run's checkpoints lie, absolute."""
        return self._checkpoints / run.name

    # --- what happened in a run ----------------------------------------------------------------------------------

    def record(self, run: Run, events: Sequence[Stored]) -> None:
        """Store events, in their order, all or none."""
        if not events:
            return
        with self.writing() as connection:
            sequence = self._next_sequence(connection, run)
            rows: dict[Table, list[dict[str, Any]]] = {}
            for place, event in enumerate(events):
                row = {**_row(event), "run": run.number, "sequence": sequence + place}
                rows.setdefault(SERIES[type(event)], []).append(row)
            for table, values in rows.items():
                connection.execute(insert(table), values)
            if points := [event for event in events if isinstance(event, Point)]:
                last = points[-1]
                seconds = self._all_seconds(run, last.seconds)
                where = schema.runs.c.number == run.number
                reached = {"update": last.update, "chars": last.chars, "seconds": seconds}
                connection.execute(update(schema.runs).where(where).values(reached))
        self._sequences[run.number] = sequence + len(events)

    def points(self, run: Run) -> list[Point]:
        """The run's thinned points, oldest first."""
        return [event for _, event in self._events(run, Point)]

    def validations(self, run: Run) -> list[Validation]:
        """The run's validation losses, oldest first."""
        return [event for _, event in self._events(run, Validation)]

    def log(self, run: Run) -> list[LogEntry]:
        """Changes, checkpoints and notes in the order in which they happened."""
        entries: list[tuple[int, LogEntry]] = []
        entries += self._events(run, Change)
        entries += self._events(run, Saved)
        entries += self._events(run, Note)
        return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]

    def samples(self, run: Run) -> list[Sample]:
        """The texts that the network wrote, oldest first."""
        return [event for _, event in self._events(run, Sample)]

    def events(self, run: Run) -> list[Stored]:
        """Everything that happened, in its order; of what was undone the changes alone."""
        entries: list[tuple[int, Stored]] = []
        entries += self._events(run, Point)
        entries += self._events(run, Validation)
        entries += self._events(run, Probe)
        entries += self._events(run, Sample)
        entries += self._events(run, Change)
        entries += self._events(run, Saved)
        entries += self._events(run, Note)
        return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]

    def supersede(self, run: Run, after_update: int, after_change: int) -> None:
        """Mark as undone what was measured behind an update, and every change with a higher number than `after_change`.

        The rows stay in the file; of those that are undone only the changes are read. Checkpoints, notes, samples and
        autopsies stay as they are: a file on the disk is there, and what was said was said. What is recorded from now
        on is not touched.
        """
        with self.writing() as connection:
            for table in (schema.points, schema.validations, schema.probes, schema.changes):
                undone = table.c["update"] > after_update
                if table is schema.probes:
                    undone = and_(undone, table.c.instrument != AUTOPSY)
                if table is schema.changes:
                    undone = or_(undone, table.c.number > after_change)
                connection.execute(update(table).where(table.c.run == run.number, undone).values(undone=True))

    # --- hypotheses ----------------------------------------------------------------------------------------------

    def hypothesise(self, idea: Idea, run: str, at_update: int) -> Hypothesis:
        """Write a hypothesis down; raises UserError where the claim is empty or a text is too long."""
        claim, prediction = _storable(idea.claim.strip()), _storable(idea.prediction.strip())
        if not claim:
            raise UserError("the claim is empty: say what you think is the case")
        _check_length(claim, prediction, idea.vary)
        table = schema.hypotheses
        with self.writing() as connection:
            number = (connection.scalar(select(func.max(table.c.number))) or 0) + 1
            written = Hypothesis(
                number, claim, prediction, STATUSES[0], run, at_update, vary=idea.vary, expected=idea.expected
            )
            connection.execute(insert(table).values(asdict(written)))
        return written

    def test(self, number: int, race: int) -> None:
        """Note that a race tests a hypothesis; raises UserError where there is no such one."""
        self._set_hypothesis(number, race=race, evidence="")

    def judge(self, race: int, status: str, evidence: str) -> None:
        """Set what a race found of the hypothesis that it tests, where it tests one."""
        table = schema.hypotheses
        with self.writing() as connection:
            judged = update(table).where(table.c.race == race).values(status=status, evidence=evidence)
            connection.execute(judged)

    def conclude(self, number: int, status: str, conclusion: str) -> Hypothesis:
        """Set what became of a hypothesis; raises UserError where there is no such one or no such status."""
        if status not in STATUSES:
            raise UserError(f"status {status}: expected one of {', '.join(STATUSES)}")
        conclusion = _storable(conclusion.strip())
        _check_length(conclusion)
        self._set_hypothesis(number, status=status, conclusion=conclusion)
        return next(each for each in self.hypotheses() if each.number == number)

    def hypotheses(self) -> list[Hypothesis]:
        """All hypotheses of the lab, oldest first."""
        table = schema.hypotheses
        with self.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.number)).mappings().all()
        return [Hypothesis(**row) for row in rows]

    # --- within --------------------------------------------------------------------------------------------------

    @property
    def _checkpoints(self) -> Path:
        return self.folder.absolute() / "checkpoints"

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its beginning."""
        with errors(self.folder), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with errors(self.folder), self._engine.connect().execution_options(reading=True) as connection:
            yield connection

    def _set(self, run: Run, **values: object) -> None:
        with self.writing() as connection:
            connection.execute(update(schema.runs).where(schema.runs.c.number == run.number).values(values))

    def _set_hypothesis(self, number: int, **values: object) -> None:
        table = schema.hypotheses
        with self.writing() as connection:
            if connection.execute(update(table).where(table.c.number == number).values(values)).rowcount == 0:
                raise UserError(f"there is no hypothesis H{number} in the lab {self.folder}")

    def _all_seconds(self, run: Run, seconds: float) -> float:
        return self._seconds_before.get(run.number, 0.0) + seconds

    def _next_sequence(self, connection: Connection, run: Run) -> int:
        if run.number not in self._sequences:
            highest = (
                connection.scalar(select(func.max(table.c.sequence)).where(table.c.run == run.number)) or 0
                for table in SERIES.values()
            )
            self._sequences[run.number] = max(highest) + 1
        return self._sequences[run.number]

    def _events(self, run: Run, kind: type[Event]) -> list[tuple[int, Event]]:
        """What is not undone, and of changes all, each with its place in the run's order."""
        table = SERIES[kind]
        query = select(table).where(table.c.run == run.number).order_by(table.c.sequence)
        if kind is not Change:
            query = query.where(~table.c.undone)
        with self.reading() as connection:
            rows = connection.execute(query).mappings().all()
        names = [field.name for field in fields(kind)]
        return [(row["sequence"], _event(self.folder, kind, {name: row[name] for name in names})) for row in rows]

    def _select_runs(self) -> Any:
        validations = schema.validations
        mine = (validations.c.run == schema.runs.c.number) & ~validations.c.undone
        last = select(validations.c.loss).where(mine).order_by(validations.c.sequence.desc()).limit(1)
        best = select(func.min(validations.c.loss)).where(mine)
        return select(schema.runs, last.scalar_subquery().label("val_loss"), best.scalar_subquery().label("best"))

    def _as_run(self, row: RowMapping) -> Run:
        values: dict[str, Any] = dict(row)
        parent = values.pop("parent_run"), values.pop("parent_update")
        values["parent"] = None if parent[0] is None else parent
        place = values["race"], values.pop("variant"), values.pop("replicate")
        values["race"] = None if place[0] is None else Entry(*place)
        values["settings"] = from_json(self.folder, "runs.settings", values["settings"], _are_settings)
        names = from_json(self.folder, "runs.matrix_names", values["matrix_names"], _are_names)
        values["matrix_names"] = tuple(names)
        run = Run(**values)
        if run.status == RUNNING and not self._is_held(run):
            run = Run(**{**values, "status": INTERRUPTED})
        return run

    def _is_held(self, run: Run) -> bool:
        path = self._lock_path(run)
        if not path.exists():
            return False
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except (Timeout, OSError):
            return True
        lock.release()
        return False

    def _lock_path(self, run: Run) -> Path:
        return self.checkpoint_folder(run) / ".lock"


def _row(event: Stored) -> dict[str, Any]:
    values = asdict(event)
    return {
        name: json.dumps(value)
        if isinstance(value, tuple | dict)
        else _storable(value)
        if isinstance(value, str)
        else value
        for name, value in values.items()
    }


def _event(folder: Path, kind: type[Event], values: dict[str, Any]) -> Event:
    if "norms" in values:
        values["norms"] = tuple(from_json(folder, "points.norms", values["norms"], _are_norms))
    if "values" in values:
        read = from_json(folder, "probes.values", values["values"], _is_reading).items()
        values["values"] = {name: tuple(value) if isinstance(value, list) else value for name, value in read}
    return kind(**values)


def _are_settings(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(each, PlainValue | None) for each in found.values())


def _are_names(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def _are_norms(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(each, int | float) for each in found)


def _is_reading(found: object) -> bool:
    if not isinstance(found, dict):
        return False
    return all(
        isinstance(each, int | float | str | None)
        for value in found.values()
        for each in (value if isinstance(value, list) else [value])
    )


def _storable(text: str) -> str:
    """SQLite holds any text but halves of characters, which a file name may have."""
    return text.encode("utf-8", "backslashreplace").decode()


def _check_length(*texts: str) -> None:
    if any(len(text) > LONGEST_CLAIM for text in texts):
        raise UserError(f"at most {LONGEST_CLAIM} characters fit: say it in fewer")
