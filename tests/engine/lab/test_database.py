"""The lab's file: it has the schema that is described, and whatever is wrong with it is one line."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from engine.errors import UserError
from engine.lab import Lab, database
from engine.lab.database import FILE, connect, revisions
from engine.lab.schema import metadata
from tests.engine.lab.conftest import create, point


def test_the_migrated_schema_is_the_one_that_is_described(folder: Path) -> None:
    Lab.open(folder).close()
    with connect(folder, write=True).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"


def test_the_schemas_that_are_known_are_those_that_there_are_migrations_to() -> None:
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert revisions() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions()[-1] == scripts.get_current_head()


def not_a_database(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(b"dear diary, " * 500)


def another_programs(folder: Path) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / FILE) as connection:
        connection.execute("create table diary (day text)")


def newer(folder: Path) -> None:
    Lab.open(folder).close()
    with sqlite3.connect(folder / FILE) as connection:
        connection.execute("update alembic_version set version_num = '0007'")


def cut_short(folder: Path) -> None:
    with Lab.open(folder) as lab:
        create(lab)
    (folder / f"{FILE}-wal").unlink(missing_ok=True)
    content = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(content[: len(content) // 2])


def a_file_in_the_way(folder: Path) -> None:
    folder.write_text("not a folder")


def a_folder_in_the_way(folder: Path) -> None:
    (folder / FILE).mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (not_a_database, "not a SQLite database"),
        (another_programs, "another program's database"),
        (newer, r"newer charrnn-tui \(schema 0007, this one knows 0006\)"),
        (cut_short, "damaged|another program's"),
        (a_file_in_the_way, "lab is a file: name a folder with --lab"),
        (a_folder_in_the_way, "lab.sqlite is a folder"),
    ],
)
def test_a_spoiled_lab_is_said_in_one_line(folder: Path, spoil: Callable[[Path], None], says: str) -> None:
    spoil(folder)
    with pytest.raises(UserError, match=says) as caught:
        Lab.open(folder).runs.standalone()
    assert "\n" not in str(caught.value)


def test_no_lab_is_said_and_none_is_made(folder: Path) -> None:
    with pytest.raises(UserError, match="there is no lab"):
        Lab.open_existing(folder)
    assert not folder.exists()


def test_a_locked_lab_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Lab.open(folder) as lab:
        run = create(lab)
        other = sqlite3.connect(folder / FILE, isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(UserError, match="locked by another program"):
            lab.events.record(run, [point(1)])
        other.execute("commit")
        lab.events.record(run, [point(1)])
        assert lab.events.points(run) == [point(1)]


def test_a_read_only_lab_can_be_read_and_says_so_when_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab.open(folder) as lab:
        create(lab)
    real = os.access
    refuse: Callable[..., bool] = lambda path, mode, **rest: mode != os.W_OK and real(path, mode, **rest)  # noqa: E731
    monkeypatch.setattr(os, "access", refuse)
    with Lab.open_existing(folder) as lab:
        assert [run.name for run in lab.runs.standalone()] == ["notes-1"]
        with pytest.raises(UserError, match="read-only"):
            create(lab)


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from engine.errors import UserError
from engine.lab import Lab
from tests.engine.lab.conftest import create, point
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Lab.open(Path(sys.argv[1])) as lab:
    run = create(lab)
    lab.events.record(run, [point(1)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    update = 1
    try:
        while True:
            lab.events.record(run, [point(update + 1), point(update + 2)])
            update += 2
    except UserError as error:
        print(update, error)
"""


READ_ON_A_FULL_DISK = """
import resource, shutil, signal, sys
from collections import namedtuple
from pathlib import Path
from engine.errors import UserError
from engine.lab import Lab
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
shutil.disk_usage = lambda _: namedtuple("Usage", "total used free")(100, 100, 0)
with Lab.open_existing(Path(sys.argv[1])) as lab:
    sys.stderr.write(lab.runs.get("1").name)
try:
    Lab.open(Path(sys.argv[1]))
except UserError as error:
    sys.stderr.write(f" {error}")
"""


def test_a_lab_on_a_full_disk_can_be_read(folder: Path) -> None:
    with Lab.open(folder) as lab:
        create(lab)
    command = [sys.executable, "-c", READ_ON_A_FULL_DISK, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.startswith("notes-1 the disk is full")


def test_a_full_disk_keeps_what_was_written_before(folder: Path) -> None:
    done: Any = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, folder], capture_output=True, text=True, check=True
    )
    committed, _, message = done.stdout.partition(" ")
    assert "could not be written" in message or "failed" in message
    assert message.count("\n") == 1
    with Lab.open(folder) as lab:
        assert len(lab.events.points(lab.runs.get("1"))) == int(committed)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
