"""Copying a journal into the lab: each event once, whoever copies, and the same whenever it is done."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from charrnn.journal import RECORDS, Writer, new_folder

from engine.errors import UserError
from engine.events import Change, CheckpointKind, Note, NoteKind, Point, Probe, RunStatus, Saved, Stored, Validation
from engine.lab import Lab, Run, database
from engine.recording.copying import Copy, copy_all, copy_journal
from engine.recording.journal import WatchedRun
from tests.engine.recording.journals import (
    BEGIN,
    END,
    TARGETS,
    Journal,
    Record,
    change,
    point,
    probe,
    saved,
    settings,
    training,
    undo,
    validation,
)

# --- journals and copies ---------------------------------------------------------------------------------------------

FIRST = 3000
"""The update of the first point. From there on, several points make one that is stored."""


def course() -> list[Record]:
    """Everything that a training writes, over 240 points."""
    found = [BEGIN, training(), settings()]
    for update in range(FIRST, FIRST + 240):
        found.append(point(update, loss=2.0 + (update * 7 % 13) / 10))
        if update % 20 == 0:
            found += [validation(1.5 + update / 10_000), probe(update)]
        if update % 50 == 7:
            found += [change(update, (update - FIRST) // 50 + 1, "0.1", f"{update / 10_000:g}"), saved(update)]
        if update == FIRST + 123:
            found.append(undo(FIRST + 107, 2))
    return found


def parts(records: Sequence[Record], size: int) -> Iterable[Sequence[Record]]:
    return (records[place : place + size] for place in range(0, len(records), size))


class Copier:
    """Whoever copies a journal, with a lab of its own that is open."""

    def __init__(self, journal: Journal, lab: Lab) -> None:
        self.lab, self._watched = lab, WatchedRun(journal.folder)
        self._copy = Copy(self._watched)

    def read(self) -> None:
        for event in self._watched.new():
            self._copy.take(event)

    def write(self) -> None:
        self._copy.write(self.lab, ended=self._watched.has_ended())

    def go_on(self) -> None:
        self.read()
        self.write()

    @property
    def run(self) -> Run:
        assert self._copy.run is not None
        return self.lab.runs.get(self._copy.run.name)


def stored(lab: Lab) -> list[Stored]:
    """The events of the only run in a lab."""
    (run,) = lab.runs.standalone()
    return lab.events.all(run)


def copied(folder: Path, *records: Record | bytes, killed: bool = False) -> list[Stored]:
    """The events in the lab after one copy of a whole journal."""
    journal = Journal(folder)
    journal.write(*records)
    journal.die() if killed else journal.end()
    with Lab.open(folder) as lab:
        copy_journal(lab, journal.folder)
        return stored(lab)


def kinds(events: Iterable[Stored], *wanted: type[Stored]) -> list[Stored]:
    return [each for each in events if isinstance(each, wanted)]


@pytest.fixture(autouse=True)
def _programs_end() -> Iterator[None]:
    yield
    Journal.end_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab"


# --- once, and the same ----------------------------------------------------------------------------------------------


def test_everything_that_a_lab_keeps_is_copied(folder: Path) -> None:
    events = copied(
        folder, BEGIN, training(), settings(), point(1), validation(1.5), probe(1), change(1, 1, "0.1", "0.2"), saved(1)
    )
    place = (1, TARGETS)
    assert [each for each in events if not isinstance(each, Probe)] == [
        Point(*place, 0.01, 2.0, 0.5, 0.6, 0.0, (0.3, 0.4), 0.1, 1, rate_used=0.1),
        Validation(*place, 1.5),
        Change(*place, 1, "lr", "0.1", "0.2"),
        Saved(*place, CheckpointKind.KEY, "/there/1.safetensors"),
    ]
    assert kinds(events, Probe)[-1] == Probe(*place, "update_ratio", 0.01, {"whole": 2e-3})
    with Lab.open_existing(folder) as lab:
        (run,) = lab.runs.standalone()
    assert (run.name, run.text, run.parameters, run.network) == ("train-1", "train", 100, "lstm 1×8")
    assert (run.matrix_names, run.compute, run.update, run.chars) == (("embedding", "head"), "cpu float32", 1, TARGETS)
    assert (run.settings["optimizer"], run.settings["weight_decay"]) == ("adam", 0.01)
    assert (run.seconds, run.val_loss) == (0.01, 1.5)


@pytest.mark.parametrize("size", [1, 2, 17, 100])
def test_it_is_the_same_however_often_it_is_copied(tmp_path: Path, size: int) -> None:
    """And the points are thinned."""
    records = course()
    once = copied(tmp_path / "once", *records)
    journal = Journal(tmp_path / "lab")
    with Lab.open(tmp_path / "lab") as lab:
        copier = Copier(journal, lab)
        for part in parts(records, size):
            journal.write(*part)
            copier.go_on()
        journal.end()
        for _ in range(3):
            copier.go_on()
        assert stored(lab) == once
    updates = [each.update for each in kinds(once, Point)]
    assert 20 < len(updates) < 120
    assert updates == sorted(set(updates))
    assert (updates[0], updates[-1]) == (FIRST, FIRST + 239)


@pytest.mark.parametrize("seed", range(6))
def test_several_that_copy_in_turn_copy_each_event_once(tmp_path: Path, seed: int) -> None:
    """Each has read another part of the journal when it writes."""
    chance = random.Random(seed)
    once = copied(tmp_path / "once", *course())
    journal = Journal(tmp_path / "lab")
    with Lab.open(tmp_path / "lab") as first, Lab.open(tmp_path / "lab") as second:
        copiers = [Copier(journal, first), Copier(journal, second), Copier(journal, second)]
        for part in parts(course(), 9):
            journal.write(*part)
            for each in chance.sample(copiers, chance.randrange(4)):
                chance.choice([each.read, each.write, each.go_on])()
        journal.end()
        for each in chance.sample(copiers, 3):
            each.go_on()
            each.go_on()
        assert stored(first) == once
        assert len({each.run.number for each in copiers}) == 1
    copy_all(tmp_path / "lab")
    with Lab.open_existing(tmp_path / "lab") as lab:
        assert stored(lab) == once


def test_one_that_comes_late_goes_on_where_another_was_killed(tmp_path: Path) -> None:
    once = copied(tmp_path / "once", *course())
    journal = Journal(tmp_path / "lab")
    for part in parts(course(), 40):
        journal.write(*part)
        with Lab.open(tmp_path / "lab") as lab:
            Copier(journal, lab).go_on()
    journal.end()
    copy_all(tmp_path / "lab")
    with Lab.open_existing(tmp_path / "lab") as lab:
        assert stored(lab) == once


def test_each_journal_has_a_run_of_its_own(folder: Path) -> None:
    journals = [Journal(folder, BEGIN, training(), point(each)) for each in (1, 2)]
    for _ in range(2):
        copy_all(folder)
    with Lab.open_existing(folder) as lab:
        runs = lab.runs.standalone()
        assert [(each.name, each.journal, each.update) for each in runs] == [
            ("train-1", journals[0].folder.name, 1),
            ("train-2", journals[1].folder.name, 2),
        ]
        assert lab.runs.watched() == {each.folder.name: len(each.text()) for each in journals}
        assert lab.runs.checkpoint_folder(runs[0]) == folder.absolute() / "checkpoints" / journals[0].folder.name
        with pytest.raises(UserError, match=r"train-1 is a training of train, which is not ours: .*attach train-1"):
            lab.runs.own("1")


# --- undo ------------------------------------------------------------------------------------------------------------


def undone() -> list[Record]:
    """A change that was undone, and points before and after it of the same updates."""
    before = [BEGIN, training(), settings(), *(point(each) for each in range(1, 9))]
    change_ = [change(8, 1, "0.1", "0.5"), point(9, loss=9.0), validation(9.0), point(10, loss=9.0), saved(10)]
    after = [undo(8, 0), point(9, loss=1.0), validation(1.0), change(9, 1, "0.1", "0.05"), point(10, loss=1.0)]
    return [*before, *change_, *after]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_an_undo_marks_what_came_before_and_not_what_came_after(folder: Path, size: int) -> None:
    journal = Journal(folder)
    with Lab.open(folder) as lab:
        copier = Copier(journal, lab)
        for part in parts(undone(), size):
            journal.write(*part)
            copier.go_on()
        journal.end()
        copier.go_on()
        events = stored(lab)
        log = lab.events.log(copier.run)
    points = [each for each in events if isinstance(each, Point)]
    assert [each.update for each in points] == [*range(1, 9), 9, 10]
    assert [each.loss for each in points[-2:]] == [1.0, 1.0]
    assert [each.loss for each in kinds(events, Validation) if isinstance(each, Validation)] == [1.0]
    first = Change(8, 8 * TARGETS, 1, "lr", "0.1", "0.5", undone=True)
    assert log == [
        first,
        Saved(10, 10 * TARGETS, CheckpointKind.KEY, "/there/10.safetensors"),
        Note(8, 8 * TARGETS, NoteKind.UNDO, "back at update 8"),
        replace(first, update=9, chars=9 * TARGETS, new="0.05", undone=False),
    ]


@pytest.mark.parametrize(
    "size",
    [
        1,
        pytest.param(100),
    ],
)
def test_a_change_at_once_after_an_undo_is_told_from_the_one_before(folder: Path, size: int) -> None:
    """While the program is paused, both are at the same update and have the same number."""
    records = [
        BEGIN,
        training(),
        point(5),
        change(5, 1, "0.1", "0.5"),
        point(6),
        undo(5, 0),
        change(5, 1, "0.1", "0.2"),
    ]
    journal = Journal(folder)
    with Lab.open(folder) as lab:
        copier = Copier(journal, lab)
        for part in parts(records, size):
            journal.write(*part)
            copier.go_on()
        changes = [(each.new, each.undone) for each in lab.events.log(copier.run) if isinstance(each, Change)]
    assert changes == [("0.5", True), ("0.2", False)]


def test_of_two_changes_at_one_update_the_last_is_undone(folder: Path) -> None:
    events = copied(
        folder, BEGIN, training(), point(5), change(5, 1, "1", "2"), change(5, 2, "2", "3"), point(6), undo(5, 1)
    )
    assert [(each.number, each.undone) for each in events if isinstance(each, Change)] == [(1, False), (2, True)]


def test_an_undo_whose_copier_was_killed_is_made_good(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(folder, *undone())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with Lab.open(folder) as lab:
        monkeypatch.setattr(lab.events, "_mark_undone", killed)
        with pytest.raises(KeyboardInterrupt):
            Copier(journal, lab).go_on()
    with Lab.open(folder) as lab:
        Copier(journal, lab).go_on()
        assert [each.loss for each in stored(lab) if isinstance(each, Validation)] == [1.0]


# --- the end ---------------------------------------------------------------------------------------------------------


def failed(journal: Journal) -> None:
    """An exception ends the program."""
    what = {"kind": "OverflowError", "message": "math range error", "file": "train.py", "line": 9, "code": "exp(loss)"}
    journal.write({"record": "exception", **what})
    journal.end()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("close", "status"),
    [
        (Journal.end, RunStatus.DONE),
        (failed, RunStatus.STOPPED),
        (Journal.die, RunStatus.INTERRUPTED),
        (lambda journal: journal.write(END), RunStatus.DONE),
        (lambda _journal: None, RunStatus.RUNNING),
    ],
    ids=["ended", "failed", "killed", "watched no longer", "alive"],
)
def test_the_status_is_that_of_the_program(
    folder: Path, close: Callable[[Journal], object], status: RunStatus, late: bool
) -> None:
    journal = Journal(folder, BEGIN, training(), point(1))
    if not late:
        copy_all(folder)
    journal.write(point(2))
    close(journal)
    copy_all(folder)
    with Lab.open_existing(folder) as lab:
        run = lab.runs.get("train-1")
        assert (run.status, run.update) == (status, 2)


def test_a_program_that_is_killed_after_its_last_copy_is_interrupted(folder: Path) -> None:
    journal = Journal(folder, BEGIN, training(), point(1))
    copy_all(folder)
    journal.die()
    with Lab.open_existing(folder) as lab:
        assert lab.runs.get("1").status is RunStatus.INTERRUPTED


def test_points_that_wait_for_more_are_stored_at_the_end(folder: Path) -> None:
    journal = Journal(folder, BEGIN, training(), point(FIRST), point(FIRST + 1))
    copy_all(folder)
    with Lab.open_existing(folder) as lab:
        assert [each.update for each in lab.events.points(lab.runs.get("1"))] == [FIRST]
    journal.die()
    for _ in range(2):
        copy_all(folder)
    with Lab.open_existing(folder) as lab:
        assert [each.update for each in lab.events.points(lab.runs.get("1"))] == [FIRST, FIRST + 1]


def test_nobody_looks_again_where_a_program_has_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(folder, BEGIN, training(), point(1)).end()
    copy_all(folder)

    def read(*_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr("engine.recording.copying.copy_journal", read)
    copy_all(folder)
    with Lab.open_existing(folder) as lab:
        assert len(lab.runs.standalone()) == 1


# --- what is no event ------------------------------------------------------------------------------------------------


RUBBISH: list[Record | bytes] = [
    b"\n",
    b"\x00\xff\xfe\n",
    b"[1, 2]\n",
    b'{"record":"point"\n',
    b"{" * 3000 + b"\n",
    {"record": "point"},
    {"record": "point", "training": "one"},
    {"record": "of a later version"},
    {"record": "training", "training": 1},
    {"record": "training", "training": None, "parameters": 7, "optimizer": "SGD"},
    {"record": "settings", "training": 1, "groups": [{"lr": None}]},
    {"record": "validation", "loss": None},
    {"record": "change", "knob": "lr"},
    {"record": "undo", "update": "x", "changes": 0},
    {"record": "saved", "update": []},
    {"record": "fact"},
    {"record": "begin"},
    point(2, lr=None),
    point(2, loss=None),
    point(2, updates="many"),
    point(2, number=9),
]


def test_rubbish_is_left_out(folder: Path) -> None:
    good = [BEGIN, training(), settings(), *(point(each) for each in range(1, 40))]
    expected = copied(folder.with_name("good"), *good)
    mixed: list[Record | bytes] = []
    for place, each in enumerate(good):
        mixed += [each, RUBBISH[place % len(RUBBISH)]] if place > 2 else [each]
    assert len(mixed) > len(good) + len(RUBBISH)
    found = copied(folder, *mixed)
    assert kinds(found, Point, Validation, Change, Saved) == kinds(expected, Point, Validation, Change, Saved)


def unstored(record: Record, name: str) -> object:
    """A record that spoils the copying, as a parameter of a test."""
    return pytest.param(record, id=name)


@pytest.mark.parametrize(
    "record",
    [
        unstored(point(FIRST + 5, updates=0), "no update"),
        unstored(point(FIRST + 5, clip=0.0), "a bound of 0"),
        unstored(settings(lr=0.0), "a rate of 0"),
        unstored({"record": "settings", "training": 1, "groups": []}, "no group"),
        unstored({**probe(FIRST + 5), "values": 3}, "no values"),
        unstored(point(FIRST + 5, norms=[0.3]), "too few norms"),
        unstored(point(FIRST + 5, norms=[0.3, 0.4, 0.5]), "too many norms"),
        unstored(point(2**70), "a huge number"),
        unstored(change(FIRST + 5, 1, "0.1", "fast"), "no rate"),
        unstored(settings(lr=1e40), "a huge rate"),
    ],
)
def test_a_record_that_cannot_be_stored_is_left_out(folder: Path, record: Record) -> None:
    """However broken a journal is, the lab's other runs are to be listed, and this one with what is right of it."""
    good = [point(FIRST + each) for each in range(40)]
    found = copied(folder, BEGIN, training(), settings(), *good[:5], record, *good[5:])
    assert kinds(found, Point)[-1].update == FIRST + 39


def test_a_name_that_is_no_text_is_stored(folder: Path) -> None:
    found = copied(folder, BEGIN, training(network="\ud800"), point(1))
    assert len(kinds(found, Point)) == 1


def test_a_line_that_was_cut_off_by_the_end_is_left_out(folder: Path) -> None:
    found = copied(folder, BEGIN, training(), point(1), b'{"record":"point","upda', killed=True)
    assert [each.update for each in kinds(found, Point)] == [1]


def test_an_infinite_loss_is_no_point(folder: Path) -> None:
    """A journal writes infinity as 1e300; a mean with it is no loss."""
    found = copied(folder, BEGIN, training(), point(1), point(2, loss=1e300), point(3))
    assert [each.update for each in kinds(found, Point)] == [1, 3]


# --- another training in the same program ----------------------------------------------------------------------------


def test_a_larger_network_takes_over(folder: Path) -> None:
    """It has other matrices, for whose norms the run has no room, and its updates follow those before."""
    first = [BEGIN, training(), *(point(each) for each in (FIRST, FIRST + 1))]
    second = [training(2, 900, matrices=["a", "b", "c"])]
    second += [point(each, number=2, norms=[0.1, 0.2, 0.3]) for each in range(1, 30)]
    found = copied(folder, *first, *second)
    points = [each for each in found if isinstance(each, Point)]
    assert points[-1].update == FIRST + 1 + 29
    assert {len(each.norms) for each in points} == {2}


def test_a_second_training_has_a_curve_as_well(folder: Path) -> None:
    """As that of a cell which is run again. Its updates follow those before."""
    first = [BEGIN, training(), *(point(each) for each in range(1, 60))]
    second = [training(2), *(point(each, number=2, loss=5.0 - each / 10) for each in range(1, 30))]
    found = [each for each in copied(folder, *first, *second) if isinstance(each, Point)]
    assert [each.update for each in found] == [*range(1, 59 + 30)]
    assert [each.loss for each in found[59:]] == [5.0 - each / 10 for each in range(1, 30)]


def test_an_undo_in_a_second_training_leaves_the_changes_in_the_first(folder: Path) -> None:
    """Numbers of changes go on from one training to the next."""
    first = [BEGIN, training(), point(1), change(1, 1, "0.1", "0.5"), point(2)]
    second = [training(2), point(1, number=2), change(1, 2, "0.5", "0.3"), point(2, number=2), undo(1, 1)]
    found = copied(folder, *first, *second)
    assert [(each.number, each.undone) for each in found if isinstance(each, Change)] == [(1, False), (2, True)]


def test_a_bound_that_is_the_programs_own_again_is_told_as_that(folder: Path) -> None:
    """The program clips at 0.25; a console has set 0.5 meanwhile."""
    there, back = change(1, 1, "own", "0.5", "clip"), change(2, 2, "0.5", "own", "clip")
    points = point(1, clip=0.25), point(2, clip=0.5), point(3, clip=0.25)
    found = copied(folder, BEGIN, training(), points[0], there, points[1], back, points[2])
    assert [(each.old, each.new) for each in found if isinstance(each, Change)] == [("0.25", "0.5"), ("0.5", "0.25")]


# --- labs ------------------------------------------------------------------------------------------------------------


def test_no_journals_make_no_lab(folder: Path) -> None:
    copy_all(folder)
    assert not folder.exists()
    folder.mkdir()
    copy_all(folder)
    new_folder(folder, "train")
    copy_all(folder)
    assert [each.name for each in folder.iterdir()] == ["journals"]


def test_a_program_without_an_update_has_no_run(folder: Path) -> None:
    journal = Journal(folder, BEGIN)
    for ended in (False, True):
        if ended:
            journal.end()
        copy_all(folder)
        with Lab.open(folder) as lab:
            assert lab.runs.standalone() == []


def test_a_lab_that_cannot_be_written_is_told_in_one_line(folder: Path) -> None:
    Journal(folder, BEGIN, training(), point(1))
    (folder / database.FILE).write_bytes(b"dear diary, " * 500)
    with pytest.raises(UserError, match="not a SQLite database") as caught:
        copy_all(folder)
    assert "\n" not in str(caught.value)


def test_a_journal_that_cannot_be_read_is_told_in_one_line(folder: Path) -> None:
    (new_folder(folder, "train") / RECORDS).mkdir()
    with pytest.raises(UserError, match=r"the journal .*train cannot be read: Is a directory"):
        copy_all(folder)


@pytest.mark.parametrize("before", [False, True])
def test_what_a_lab_refuses_is_stored_later(folder: Path, monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    """Whether the run was in it already or not."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    records = course()
    once = copied(folder.with_name("once"), *records)
    journal = Journal(folder, *records[:90])
    with Lab.open(folder) as lab:
        copier = Copier(journal, lab)
        if before:
            copier.go_on()
        other = sqlite3.connect(folder / database.FILE, isolation_level=None)
        other.execute("begin immediate")
        journal.write(*records[90:])
        journal.end()
        for _ in range(3):
            with pytest.raises(UserError, match="locked by another program"):
                copier.go_on()
        other.execute("commit")
        other.close()
        copier.go_on()
        assert stored(lab) == once


def test_a_read_only_lab_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(folder, BEGIN, training(), point(1))
    Lab.open(folder).close()
    real = os.access

    def refuse(path: Path, mode: int) -> bool:
        return mode != os.W_OK and real(path, mode)

    monkeypatch.setattr(os, "access", refuse)
    with Lab.open_existing(folder) as lab, pytest.raises(UserError, match="read-only"):
        copy_journal(lab, journal.folder)


def test_a_writer_of_the_program_is_read_as_it_writes(folder: Path) -> None:
    """By the program's own writer, with numbers that JSON lacks."""
    writer = Writer(new_folder(folder, "own"))
    for each in (BEGIN, training(), point(1, grad_norm=float("nan"), grad_norm_max=float("inf"))):
        writer.write(**each)
    copy_all(folder)
    writer.close()
    with Lab.open_existing(folder) as lab:
        (found,) = lab.events.points(lab.runs.get("1"))
    assert (found.grad_norm, found.grad_norm_max) == (0.0, 1e300)
