"""The events of a run: they come back in their order, and of what is undone only the changes."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from engine.events import Change, CheckpointKind, Note, NoteKind, Sample, Saved, Stored, Validation
from engine.lab import Lab
from engine.lab.database import FILE
from tests.engine.lab.conftest import create, point


def test_everything_comes_back(folder: Path) -> None:
    events: list[Stored] = [
        Note(0, 0, NoteKind.TEXT, "read as Latin-1"),
        point(1),
        Change(1, 10, 1, "bptt", "64", "10"),
        Saved(2, 20, CheckpointKind.KEY, "/somewhere/update-2.safetensors"),
        Validation(2, 20, 1.5),
        point(2, 0.9),
        Sample(2, 20, 0.8, "to be"),
        Validation(3, 30, 1.25),
        Validation(3, 30, 1.2, error=0.01),
    ]
    with Lab.open(folder) as lab:
        run = create(lab)
        lab.events.record(run, events[:3])
        lab.events.record(run, events[3:])
    with Lab.open_existing(folder) as lab:
        run = lab.runs.get("notes-1")
        assert lab.events.points(run) == [events[1], events[5]]
        assert lab.events.validations(run) == [events[4], events[7], events[8]]
        assert lab.events.log(run) == [events[0], events[2], events[3]]
        assert lab.events.samples(run) == [events[6]]
        assert (run.update, run.chars, run.val_loss, run.best) == (2, 20, 1.2, 1.25)
        assert run.settings == {"hidden": 12, "clip": None}
        assert run.matrix_names == ("embedding", "head")


def test_of_undone_rows_only_changes_are_read_and_later_rows_are(folder: Path) -> None:
    with Lab.open(folder) as lab:
        run = create(lab)
        first, second = Change(5, 50, 1, "lr", "1", "2"), Change(5, 50, 2, "lr", "2", "3")
        lab.events.record(
            run, [point(5), first, second, point(6), Validation(6, 60, 1.0), Note(6, 60, NoteKind.OTHER, "")]
        )
        lab.events.mark_undone(run, 5, 1)
        undo = Note(5, 50, NoteKind.UNDO, "back")
        lab.events.record(run, [undo, point(6, 0.5)])
        assert lab.events.log(run) == [first, replace(second, undone=True), Note(6, 60, NoteKind.OTHER, ""), undo]
        assert lab.events.points(run) == [point(5), point(6, 0.5)]
        assert lab.events.validations(run) == []
    with sqlite3.connect(folder / FILE) as connection:
        assert connection.execute("select count(*) from points").fetchone() == (3,)
