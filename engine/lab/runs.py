"""The runs of a lab."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from charrnn.journal import FOLDER as JOURNALS
from charrnn.journal import is_held
from sqlalchemy import Connection, RowMapping, Select, func, insert, or_, select, update

from engine.errors import UserError
from engine.events import Point, RunStatus
from engine.lab import lock
from engine.lab.columns import is_dict_of, is_list_of, next_number, now, read_json, read_word, storable
from engine.lab.database import Database
from engine.lab.past import Past, copy_past
from engine.lab.run import Entry, Run, check_name, default_name
from engine.lab.schema import runs, validations
from engine.settings import PlainValue

STANDALONE = (runs.c.race.is_(None), runs.c.question.is_(None))
"""The conditions on a run that stands for itself, and for no race or question."""


class Runs:
    """The runs of an open lab. Every method raises UserError as `Lab` describes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds_before: dict[int, float] = {}
        """The seconds of training before this process, by the run's number."""

    def create(
        self,
        *,
        name: str | None,
        text: str,
        digest: str,
        settings: dict[str, PlainValue],
        compute: str,
        network: str,
        parameters: int,
        matrix_names: tuple[str, ...],
        parent: tuple[str, int] | None = None,
        chars: int = 0,
        past: Past | None = None,
        race: Entry | None = None,
        journal: str | None = None,
        question: str | None = None,
    ) -> Run:
        """Create a run; raises UserError where the name is taken or not valid, or its folder cannot be made.

        A fork has the `chars` trained on before it, and a `parent`; where the parent is in this lab, it has a `past`
        instead of a `parent`. Of a `journal` that has a run already, that one is returned.
        """
        if past is not None:
            parent = past.run.name, past.update
        with self._database.writing() as connection:
            there = select(runs.c.name).where(runs.c.journal == journal)
            if journal is not None and (known := connection.scalar(there)) is not None:
                return self._as_run(connection.execute(_select_runs().where(runs.c.name == known)).mappings().one())
            number = next_number(connection, runs.c.number)
            name = _free_name(connection, name, text, number)
            connection.execute(
                insert(runs).values(
                    number=number,
                    name=name,
                    text=storable(text),
                    digest=digest,
                    settings=json.dumps(settings),
                    parent_run=parent[0] if parent else None,
                    parent_update=parent[1] if parent else None,
                    created=now(),
                    status=RunStatus.RUNNING,
                    update=parent[1] if parent else 0,
                    chars=chars,
                    seconds=0.0,
                    compute=storable(compute),
                    network=storable(network),
                    parameters=parameters,
                    matrix_names=json.dumps(matrix_names),
                    race=race.race if race else None,
                    variant=race.variant if race else None,
                    replicate=race.replicate if race else None,
                    journal=journal,
                    question=question,
                )
            )
            if past is not None:
                copy_past(connection, past, number)
            if journal is None:
                # Within the transaction: where this fails, no run is created either.
                (self._checkpoints / name).mkdir(parents=True, exist_ok=True)
        return self.get(name)

    def get(self, key: str) -> Run:
        """A run by its name or number; raises UserError where there is none."""
        matches = runs.c.name == storable(key)
        if key.isascii() and key.isdecimal() and len(key) < 18:
            matches = or_(matches, runs.c.number == int(key))
        with self._database.reading() as connection:
            row = connection.execute(_select_runs().where(matches)).mappings().first()
            last = select(runs.c.name).where(*STANDALONE).order_by(runs.c.number.desc()).limit(4)
            known = list(connection.scalars(last))
        if row is None:
            there_are = f"the last ones are {', '.join(known)}" if known else "it has none yet"
            raise UserError(f"the lab {self._database.folder} has no run {key}: {there_are}")
        return self._as_run(row)

    def own(self, key: str) -> Run:
        """The same for a run whose training is ours to go on with; raises UserError for one of a watched program."""
        run = self.get(key)
        if run.journal is not None:
            raise UserError(
                f"{run.name} is a training of {run.text}, which is not ours: it can be shown, compared and exported, "
                f"and `charrnn-tui attach {run.name}` follows it while it runs"
            )
        return run

    def standalone(self) -> list[Run]:
        """The runs that are part of no race, and were made for no question, oldest first."""
        return self._all(_select_runs().where(*STANDALONE))

    def outside_races(self) -> list[Run]:
        """The runs that are part of no race, oldest first, those of questions included."""
        return self._all(_select_runs().where(runs.c.race.is_(None)))

    def of_race(self, race: int) -> list[Run]:
        """The runs that are part of a race, oldest first."""
        return self._all(_select_runs().where(runs.c.race == race))

    def watched(self) -> dict[str, int]:
        """The bytes that were copied of each journal, by its name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(runs.c.journal, runs.c.journal_place).where(runs.c.journal.is_not(None)))
            return {str(journal): int(place) for journal, place in rows}

    def checkpoint_folder(self, run: Run) -> Path:
        """The absolute path of the folder of the run's checkpoints."""
        return self._checkpoints / (run.journal or run.name)

    # --- while it is trained -------------------------------------------------------------------------------------

    def hold(self, run: Run) -> AbstractContextManager[None]:
        """Keep other processes from training this run; raises UserError where one is training it."""
        refusal = f"run {run.name} is being trained by another process"
        return lock.hold(self._lock_path(run.name), self._database.folder, refusal)

    def begin(self, run: Run, seconds: float = 0.0) -> None:
        """Note that this process begins to train a run; its seconds are added to the run's earlier ones.

        `seconds` are the seconds for which this process had trained another run before.
        """
        self._seconds_before[run.number] = run.seconds - seconds
        with self._database.writing() as connection:
            _set(connection, run, status=RunStatus.RUNNING)

    def advance(self, connection: Connection, run: Run, point: Point) -> None:
        """Store how far a run is, in the transaction that stores its last point."""
        seconds = self._total_seconds(run, point.seconds)
        _set(connection, run, update=point.update, chars=point.chars, seconds=seconds)

    def reach(self, connection: Connection, run: Run, place: int) -> int:
        """Store how much of a run's journal was copied, in the transaction that stores its events.

        Returns:
            How much was copied before: of what is up to there, another process may have stored the events.
        """
        before = int(connection.scalar(select(runs.c.journal_place).where(runs.c.number == run.number)) or 0)
        _set(connection, run, journal_place=max(before, place))
        return before

    def describe(self, run: Run, *, settings: dict[str, PlainValue], network: str, status: RunStatus) -> None:
        """Store what has become known of a watched program."""
        with self._database.writing() as connection:
            _set(connection, run, settings=json.dumps(settings), network=storable(network), status=status)

    def finish(self, run: Run, *, status: RunStatus, update: int, chars: int, seconds: float) -> None:
        """Store why and where a run has ended; `seconds` are those of training in this process."""
        seconds = self._total_seconds(run, seconds)
        with self._database.writing() as connection:
            _set(connection, run, status=status, update=update, chars=chars, seconds=seconds)

    def _total_seconds(self, run: Run, seconds: float) -> float:
        return self._seconds_before.get(run.number, 0.0) + seconds

    # --- within --------------------------------------------------------------------------------------------------

    @property
    def _checkpoints(self) -> Path:
        return self._database.folder.absolute() / "checkpoints"

    def _lock_path(self, name: str) -> Path:
        return self._checkpoints / name / ".lock"

    def _is_trained(self, name: str, journal: str | None) -> bool:
        """Whether a process trains a run: one of ours, or a watched program."""
        if journal is None:
            return lock.is_held(self._lock_path(name))
        return is_held(self._database.folder / JOURNALS / journal)

    def _all(self, query: Select[Any]) -> list[Run]:
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(runs.c.number)).mappings().all()
        return [self._as_run(row) for row in rows]

    def _as_run(self, row: RowMapping) -> Run:
        folder = self._database.folder
        values: dict[str, Any] = dict(row)
        parent = values.pop("parent_run"), values.pop("parent_update")
        values["parent"] = None if parent[0] is None else parent
        place = values["race"], values.pop("variant"), values.pop("replicate")
        values["race"] = None if place[0] is None else Entry(*place)
        values["settings"] = read_json(folder, "runs.settings", values["settings"], is_dict_of(PlainValue))
        names = read_json(folder, "runs.matrix_names", values["matrix_names"], is_list_of(str))
        values["matrix_names"] = tuple(names)
        values["status"] = read_word(folder, "runs.status", values["status"], RunStatus)
        del values["journal_place"]
        if values["status"] is RunStatus.RUNNING and not self._is_trained(values["name"], values["journal"]):
            values["status"] = RunStatus.INTERRUPTED
        return Run(**values)


def _free_name(connection: Connection, name: str | None, text: str, number: int) -> str:
    """The name for a new run, by default made from its text's name; raises UserError where it cannot have `name`."""
    taken = set(connection.scalars(select(runs.c.name)))
    if name is None:
        names = (default_name(text, suffix) for suffix in range(number, number + len(taken) + 1))
        return next(each for each in names if each not in taken)
    if check_name(name) in taken:
        raise UserError(f"--name {name}: there is such a run already; choose another name, or resume it")
    return name


def _select_runs() -> Select[Any]:
    """Every column of the runs, with their last validation loss and their lowest over the whole split."""
    mine = (validations.c.run == runs.c.number) & ~validations.c.undone
    last = select(validations.c.loss).where(mine).order_by(validations.c.sequence.desc()).limit(1)
    best = select(func.min(validations.c.loss)).where(mine & validations.c.error.is_(None))
    return select(runs, last.scalar_subquery().label("val_loss"), best.scalar_subquery().label("best"))


def _set(connection: Connection, run: Run, **values: object) -> None:
    connection.execute(update(runs).where(runs.c.number == run.number).values(values))
