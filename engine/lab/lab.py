"""The lab: one open folder, with its contents by topic."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UserError
from engine.lab.database import FILE, Database, check_place, check_schema, connect, errors, migrate
from engine.lab.events import Events
from engine.lab.hypotheses import Hypotheses
from engine.lab.runs import Runs


class Lab:
    """One open lab. It belongs to one thread; other threads and processes open it for themselves.

    Every method of the lab and of its attributes raises UserError with one line where the file or the disk fails.
    Everything that was committed before is kept.

    Attributes:
        folder: the lab's folder.
        database: its file, for modules that keep their own table there.
        runs: its runs.
        events: the events of its runs.
        hypotheses: the user's hypotheses.
    """

    def __init__(self, database: Database) -> None:
        self.folder = database.folder
        self.database = database
        self.runs = Runs(database)
        self.events = Events(database, self.runs)
        self.hypotheses = Hypotheses(database)

    @classmethod
    def open(cls, folder: Path) -> Lab:
        """Open a lab for writing; create it where there is none, and migrate it where it is old."""
        check_place(folder)
        with errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        engine = connect(folder, write=True)
        migrate(engine, folder)
        return cls(Database(folder, engine))

    @classmethod
    def open_existing(cls, folder: Path) -> Lab:
        """Open a lab for reading, without creating one; raises UserError where there is none, or its schema is old."""
        check_place(folder)
        if not cls.is_in(folder):
            raise UserError(f"there is no lab in {folder}: train in it first, or name another with --lab")
        engine = connect(folder, write=False)
        check_schema(engine, folder)
        return cls(Database(folder, engine))

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a folder has a lab's file, whatever its state."""
        return (folder / FILE).exists()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
