"""The lab's SQLite file: opening, migration, and errors as messages of one line."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from engine.errors import UserError

FILE = "lab.sqlite"
BUSY_SECONDS = 5.0
LEAST_FREE = 2**16
"""A disk with fewer free bytes counts as full. The index of SQLite's log takes half of them."""

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """The open file of a lab, read and written in transactions. It belongs to one thread.

    A transaction raises UserError with one line where the file or the disk fails. Nothing of it is kept then.

    Attributes:
        folder: the lab's folder, which the messages name.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self._engine = engine

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

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


def connect(folder: Path, *, write: bool) -> Engine:
    """An engine on the lab's file, with foreign keys; with `write`, it keeps a write-ahead log.

    A transaction takes the write lock at its beginning, so that two writers never wait for each other's read locks. A
    transaction with the option `reading` takes no write lock. The file is opened on first use.
    """
    uri = (folder / FILE).absolute().as_uri() + ("" if write else _reading(folder))
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, BUSY_SECONDS, uri=True, isolation_level=None),
        poolclass=StaticPool,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def check_place(folder: Path) -> None:
    """Raise UserError where a file is in the place of the lab's folder, or a folder in the place of its file."""
    with errors(folder):
        if folder.exists() and not folder.is_dir():
            raise UserError(f"the lab {folder} is a file: name a folder with --lab")
        if (folder / FILE).is_dir():
            raise UserError(f"{folder / FILE} is a folder: name another lab with --lab")


def migrate(engine: Engine, folder: Path) -> None:
    """Bring the schema up to date; raises UserError where it is newer than this program, or another program's."""
    with errors(folder):
        try:
            with FileLock(folder / ".migrating.lock", timeout=6 * BUSY_SECONDS), engine.begin() as connection:
                if _revision(connection, folder) != revisions()[-1]:
                    _upgrade(connection)
        except Timeout:
            raise UserError(f"another process is still migrating the lab {folder}: try again later") from None


def revisions() -> list[str]:
    """The number of each schema that this program knows, ascending: its migration's file begins with it."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def check_schema(engine: Engine, folder: Path) -> None:
    """Raise UserError where the schema is not the one that this program knows."""
    with errors(folder), engine.connect().execution_options(reading=True) as connection:
        if (found := _revision(connection, folder)) != revisions()[-1]:
            raise UserError(f"the lab {folder} has schema {found or 'none'}: train in it once to bring it up to date")


@contextmanager
def errors(folder: Path) -> Iterator[None]:
    """Within this context, an error of SQLite or of the disk becomes a UserError of one line."""
    try:
        yield
    except DBAPIError as error:
        raise UserError(_say(folder, error.orig)) from error
    except sqlite3.Error as error:
        raise UserError(_say(folder, error)) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise UserError(_say_full(folder)) from error
        raise UserError(
            f"the lab {folder} cannot be used: {error.strerror or error}; name another with --lab"
        ) from error


def _reading(folder: Path) -> str:
    """The options in the file's URI for reading."""
    # SQLite cannot make the index of its log in a read-only folder or on a full disk. Nobody can write there, so that
    # no log is needed. A log that is already on a full disk holds rows, though, and has to be read.
    log = folder / f"{FILE}-wal"
    logged = log.exists() and log.stat().st_size > 0
    if os.access(folder, os.W_OK) and (logged or not _is_full(folder)):
        return "?mode=ro"
    return "?mode=ro&immutable=1"


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < LEAST_FREE


def _say(folder: Path, error: BaseException | None) -> str:
    name = getattr(error, "sqlite_errorname", "")
    file = folder / FILE
    kind = name.split("_")[1] if name.startswith("SQLITE_") else ""
    if kind == "IOERR" and _is_full(folder):
        kind = "FULL"
    match kind:
        case "NOTADB":
            return f"{file} is not a SQLite database: name another folder with --lab"
        case "FULL":
            return _say_full(folder)
        case "BUSY" | "LOCKED":
            return f"the lab {folder} is locked by another program: close that program, or name another lab with --lab"
        case "READONLY" | "PERM" | "AUTH":
            return f"the lab {folder} is read-only: name another with --lab"
        case "CANTOPEN":
            return f"{file} cannot be opened: check its permissions, or name another folder with --lab"
        case "CORRUPT":
            return f"{file} is damaged: name another folder with --lab"
    return f"the lab {folder} failed: {error}"


def _say_full(folder: Path) -> str:
    return f"the disk is full: the lab {folder} could not be written; what was written before is kept"


def _revision(connection: Connection, folder: Path) -> str | None:
    """The schema's number, None for an empty file; raises UserError where it is newer, or another program's."""
    tables = inspect(connection).get_table_names()
    if tables and ("alembic_version" not in tables or "runs" not in tables):
        raise UserError(f"{folder / FILE} is another program's database: name another folder with --lab")
    found = connection.scalar(text("select version_num from alembic_version")) if tables else None
    if found is not None and found not in (known := revisions()):
        raise UserError(
            f"the lab {folder} was written by a newer charrnn-tui (schema {found}, this one knows {known[-1]}): "
            "upgrade, or name another folder with --lab"
        )
    return found


def _upgrade(connection: Connection) -> None:
    # Most labs are up to date, and it takes half a second to load.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
