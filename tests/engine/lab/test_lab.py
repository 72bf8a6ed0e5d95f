"""The lab: one process or several read back what was written, and nothing that was committed is lost."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from engine.errors import UserError
from engine.events import Change, Idea, Note, Point, Sample, Saved, Stored, Validation
from engine.lab import Lab, Run
from engine.lab import database as module
from engine.lab.database import FILE, connect
from engine.lab.schema import metadata

HOSTILE = "\x1b[31m[bold]\x00\u202e\udcff'; drop table runs; --"


def create(lab: Lab, name: str | None = None, text: str = "notes.txt") -> Run:
    return lab.create_run(
        name=name,
        text=text,
        digest="0" * 64,
        settings={"hidden": 12, "clip": None},
        parent=None,
        compute="cpu fp32 ×1",
        network="lstm 1×12",
        parameters=99,
        matrix_names=("embedding", "head"),
    )


def point(update: int, loss: float = 1.0) -> Point:
    return Point(update, update * 10, update / 2, loss, 0.5, 0.7, 0.25, (0.1, 0.2), 1e-3, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab"


def test_everything_comes_back(folder: Path) -> None:
    events: list[Stored] = [
        Note(0, 0, "text", "read as Latin-1"),
        point(1),
        Change(1, 10, 1, "bptt", "64", "10"),
        Saved(2, 20, "key", "/somewhere/update-2.safetensors"),
        Validation(2, 20, 1.5),
        point(2, 0.9),
        Sample(2, 20, 0.8, "to be"),
        Validation(3, 30, 1.25),
    ]
    with Lab.open(folder) as lab:
        run = create(lab)
        lab.record(run, events[:3])
        lab.record(run, events[3:])
    with Lab.open_existing(folder) as lab:
        run = lab.run("notes-1")
        assert lab.points(run) == [events[1], events[5]]
        assert lab.validations(run) == [events[4], events[7]]
        assert lab.log(run) == [events[0], events[2], events[3]]
        assert lab.samples(run) == [events[6]]
        assert (run.update, run.chars, run.val_loss, run.best) == (2, 20, 1.25, 1.25)
        assert run.settings == {"hidden": 12, "clip": None}
        assert run.matrix_names == ("embedding", "head")


def test_of_undone_rows_only_changes_are_read_and_later_rows_are(folder: Path) -> None:
    with Lab.open(folder) as lab:
        run = create(lab)
        first, second = Change(5, 50, 1, "lr", "1", "2"), Change(5, 50, 2, "lr", "2", "3")
        lab.record(run, [point(5), first, second, point(6), Validation(6, 60, 1.0), Note(6, 60, "pause", "")])
        lab.supersede(run, 5, 1)
        undo = Note(5, 50, "undo", "back")
        lab.record(run, [undo, point(6, 0.5)])
        assert lab.log(run) == [first, replace(second, undone=True), Note(6, 60, "pause", ""), undo]
        assert lab.points(run) == [point(5), point(6, 0.5)]
        assert lab.validations(run) == []
    with sqlite3.connect(folder / FILE) as connection:
        assert connection.execute("select count(*) from points").fetchone() == (3,)


def test_seconds_add_up_over_processes(folder: Path) -> None:
    for _ in range(2):
        with Lab.open(folder) as lab:
            run = lab.runs()[0] if lab.runs() else create(lab)
            with lab.hold(run):
                lab.begin(run)
                lab.finish(run, status="quit", update=4, chars=40, seconds=3.0)
    with Lab.open_existing(folder) as lab:
        assert lab.run("1").seconds == 6.0


def test_names_are_unique_and_usable(folder: Path) -> None:
    with Lab.open(folder) as lab:
        assert create(lab).name == "notes-1"
        assert create(lab, "notes-3").name == "notes-3"
        assert create(lab).name == "notes-4"
        assert create(lab, text=HOSTILE).name.endswith("-4")
        with pytest.raises(UserError, match="there is such a run already"):
            create(lab, "notes-1")
        assert lab.run("2").name == "notes-3"


@pytest.mark.parametrize("name", ["", " ", "a/b", "-x", ".x", "12", "..", "a\nb", "x" * 65, "a\x1b", "\udcff", "x "])
def test_an_unusable_name_is_said(folder: Path, name: str) -> None:
    with Lab.open(folder) as lab, pytest.raises(UserError, match="--name"):
        create(lab, name)


def test_an_unknown_run_is_said_with_those_there_are(folder: Path) -> None:
    with Lab.open(folder) as lab:
        with pytest.raises(UserError, match="none yet"):
            lab.run("7")
        create(lab)
        for key in ("7", "nope", "9" * 400, HOSTILE, ""):
            with pytest.raises(UserError, match="the last ones are notes-1"):
                lab.run(key)


def test_hypotheses(folder: Path) -> None:
    with Lab.open(folder) as lab:
        first = lab.hypothesise(Idea(f"clip helps {HOSTILE}", ""), "notes-1", 12)
        second = lab.hypothesise(Idea("lr too high", "loss falls again at lr ÷ 3"), "notes-1", 40)
        assert (first.number, first.status, second.number) == (1, "open", 2)
        assert lab.conclude(2, "confirmed", "it did").conclusion == "it did"
        for number, status in ((3, "open"), (1, "maybe")):
            with pytest.raises(UserError):
                lab.conclude(number, status, "")
        for claim in ("", "  \n", "x" * 501):
            with pytest.raises(UserError):
                lab.hypothesise(Idea(claim), "notes-1", 1)
    with Lab.open_existing(folder) as lab:
        assert [each.status for each in lab.hypotheses()] == ["open", "confirmed"]
        assert "\x00" in lab.hypotheses()[0].claim


def test_one_process_holds_a_run(folder: Path) -> None:
    with Lab.open(folder) as lab, Lab.open(folder) as other:
        run = create(lab)
        assert other.run("1").status == "interrupted"
        with lab.hold(run):
            assert other.run("1").status == "running"
            with pytest.raises(UserError, match="being trained by another process"), other.hold(run):
                pass
        with other.hold(run):
            assert lab.run("1").status == "running"


def test_the_migrated_schema_is_the_one_that_is_described(folder: Path) -> None:
    Lab.open(folder).close()
    with connect(folder, write=True).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"


# --- several processes ----------------------------------------------------------------------------------------------


def fill(folder: Path, name: str) -> None:
    with Lab.open(folder) as lab:
        run = create(lab, name)
        with lab.hold(run):
            for update in range(1, 101):
                lab.record(run, [point(update)])
            lab.hypothesise(Idea(f"from {name}", ""), name, 1)


def test_several_processes_make_and_fill_one_lab(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(folder, f"run{number}a")) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Lab.open_existing(folder) as lab:
        assert sorted(run.number for run in lab.runs()) == [1, 2, 3]
        assert all(len(lab.points(run)) == 100 for run in lab.runs())
        assert len({each.number for each in lab.hypotheses()}) == 3


WRITE_FOREVER = """
import sys
from pathlib import Path
from engine.lab import Lab
from tests.engine.lab.test_lab import create, point
with Lab.open(Path(sys.argv[1])) as lab:
    run = create(lab)
    with lab.hold(run):
        update = 0
        while True:
            update += 1
            lab.record(run, [point(update)])
            print(update, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_was_committed(folder: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, folder], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= 50:
            break
    writer.send_signal(signal.SIGKILL)
    committed = max([50, *map(int, writer.stdout.read().splitlines())])
    writer.wait()
    with Lab.open(folder) as lab:
        run = lab.run("1")
        assert run.status == "interrupted"
        assert len(lab.points(run)) >= committed
        with lab.hold(run):
            lab.record(run, [point(committed + 2)])


# --- what can be wrong ----------------------------------------------------------------------------------------------


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
        (not_a_database, "no SQLite database"),
        (another_programs, "another program's database"),
        (newer, r"newer charrnn-tui \(schema 0007, this one knows 0003\)"),
        (cut_short, "damaged|another program's"),
        (a_file_in_the_way, "lab is a file: name a folder with --lab"),
        (a_folder_in_the_way, "lab.sqlite is a folder"),
    ],
)
def test_a_spoiled_lab_is_said_in_one_line(folder: Path, spoil: Callable[[Path], None], says: str) -> None:
    spoil(folder)
    with pytest.raises(UserError, match=says) as caught:
        Lab.open(folder).runs()
    assert "\n" not in str(caught.value)


def test_no_lab_is_said_and_none_is_made(folder: Path) -> None:
    with pytest.raises(UserError, match="there is no lab"):
        Lab.open_existing(folder)
    assert not folder.exists()


def test_a_locked_lab_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    with Lab.open(folder) as lab:
        run = create(lab)
        other = sqlite3.connect(folder / FILE, isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(UserError, match="locked by another program"):
            lab.record(run, [point(1)])
        other.execute("commit")
        lab.record(run, [point(1)])
        assert lab.points(run) == [point(1)]


def test_a_read_only_lab_can_be_read_and_says_so_when_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab.open(folder) as lab:
        create(lab)
    real = os.access
    refuse: Callable[..., bool] = lambda path, mode, **rest: mode != os.W_OK and real(path, mode, **rest)  # noqa: E731
    monkeypatch.setattr(os, "access", refuse)
    with Lab.open_existing(folder) as lab:
        assert [run.name for run in lab.runs()] == ["notes-1"]
        with pytest.raises(UserError, match="read-only"):
            create(lab)


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from engine.errors import UserError
from engine.lab import Lab
from tests.engine.lab.test_lab import create, point
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Lab.open(Path(sys.argv[1])) as lab:
    run = create(lab)
    lab.record(run, [point(1)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    update = 1
    try:
        while True:
            lab.record(run, [point(update + 1), point(update + 2)])
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
    sys.stderr.write(lab.run("1").name)
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
        assert len(lab.points(lab.run("1"))) == int(committed)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
