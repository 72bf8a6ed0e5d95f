"""The lab: one open folder, and what is in it by topic."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UserError
from engine.lab.database import FILE, Database, check_place, check_schema, connect, errors, migrate
from engine.lab.events import Events
from engine.lab.hypotheses import Hypotheses
from engine.lab.runs import Runs


class Lab:
    """One open lab. It belongs to one thread; other threads and processes open it for themselves.

    Every method, of the lab as of what is in it, raises UserError with one line where the file or the disk fails; what
    was committed before is kept.

    Attributes:
        folder: where it lies.
        database: its file, for those who keep a table of their own there.
        runs: the trainings.
        events: what happened in them.
        hypotheses: what somebody thinks of them.
    """

    def __init__(self, database: Database) -> None:
        self.folder = database.folder
        self.database = database
        self.runs = Runs(database)
        self.events = Events(database, self.runs)
        self.hypotheses = Hypotheses(database)

    @classmethod
    def open(cls, folder: Path) -> Lab:
        """Open for writing; make it where it is not there, and migrate it where it is old."""
        check_place(folder)
        with errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        engine = connect(folder, write=True)
        migrate(engine, folder)
        return cls(Database(folder, engine))

    @classmethod
    def open_existing(cls, folder: Path) -> Lab:
        """Open for reading; makes nothing. Raises UserError where there is no lab."""
        check_place(folder)
        if not cls.is_in(folder):
            raise UserError(f"there is no lab in {folder}: train in it first, or name another with --lab")
        engine = connect(folder, write=False)
        check_schema(engine, folder)
        return cls(Database(folder, engine))

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether there is a lab, of whatever kind, in a folder."""
        return (folder / FILE).exists()

    def close(self) -> None:
        """Let the file go."""
        self.database.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
