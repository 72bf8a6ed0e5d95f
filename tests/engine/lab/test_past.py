"""The past of a fork: exactly what its state has gone through, whatever happens to its parent later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

import pytest

from engine.errors import UserError
from engine.events import (
    Change,
    CheckpointKind,
    Note,
    NoteKind,
    Point,
    Probe,
    RunStatus,
    Sample,
    Saved,
    Stored,
    Validation,
)
from engine.lab import Lab, Past, Run
from engine.lab.past import GOING_BACK
from tests.conftest import new_run
from tests.engine.lab.conftest import create, point


def saved(update: int, name: str, kind: CheckpointKind = CheckpointKind.KEY) -> Saved:
    return Saved(update, update * 10, kind, f"/somewhere/{name}.safetensors")


def change(update: int, number: int, new: str) -> Change:
    return Change(update, update * 10, number, "bptt", "64", new)


def probe(update: int) -> Probe:
    return Probe(update, update * 10, "gates", 0.01, {"share": (0.1, None)})


def branch(lab: Lab, parent: Run, file: str, update: int, changes: int = 0, name: str | None = None) -> Run:
    past = Past(parent, PurePath(f"/elsewhere/{file}.safetensors"), update, changes)
    return new_run(lab, name=name, text="notes.txt", settings=dict(parent.settings), chars=update * 10, past=past)


def go_back(lab: Lab, run: Run, update: int, changes: int = 0, kind: NoteKind = NoteKind.UNDO) -> None:
    lab.events.mark_undone(run, update, changes)
    lab.events.record(run, [Note(update, update * 10, kind, "")])


def updates(events: Sequence[Stored], kind: type[Stored] = Point) -> list[int]:
    return [event.update for event in events if isinstance(event, kind)]


def test_a_fork_has_its_parents_past_in_its_order_and_goes_on_behind_it(folder: Path) -> None:
    events: list[Stored] = [
        Note(0, 0, NoteKind.TEXT, "read as Latin-1"),
        point(1),
        change(1, 1, "10"),
        probe(2),
        point(2),
        Validation(2, 20, 1.5),
        Sample(2, 20, 0.8, "to be"),
        saved(2, "update-2"),
    ]
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.events.record(parent, [*events, point(3), Validation(3, 30, 1.25), saved(3, "latest", CheckpointKind.END)])
        fork = branch(lab, parent, "update-2", 2, 1)
        assert (fork.update, fork.chars, fork.seconds, fork.best) == (2, 20, 0.0, 1.5)
        assert lab.events.all(fork) == events
        own: list[Stored] = [Note(2, 20, NoteKind.FORK, "begins"), point(3, 0.5)]
        lab.events.record(fork, own)
        assert lab.events.all(fork) == [*events, *own]
        assert updates(lab.events.all(parent)) == [1, 2, 3]
        assert lab.runs.get(fork.name).parent == (parent.name, 2)


def test_a_forks_fork_has_the_past_of_both(folder: Path) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.events.record(parent, [point(1), point(2), saved(2, "latest")])
        child = branch(lab, parent, "latest", 2)
        lab.events.record(child, [change(2, 1, "10"), point(3), saved(3, "latest"), point(4)])
        grandchild = branch(lab, child, "latest", 3, 1)
        assert updates(lab.events.points(grandchild)) == [1, 2, 3]
        assert [entry.number for entry in lab.events.log(grandchild) if isinstance(entry, Change)] == [1]


def test_going_back_in_one_leaves_the_other_alone(folder: Path) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.events.record(parent, [change(1, 1, "10"), point(1), point(2), point(3), saved(3, "latest")])
        fork = branch(lab, parent, "latest", 3, 1)
        go_back(lab, fork, 1)
        assert updates(lab.events.points(fork)) == [1]
        assert updates(lab.events.points(parent)) == [1, 2, 3]
        other = branch(lab, parent, "latest", 3, 1)
        go_back(lab, parent, 0)
        assert updates(lab.events.points(parent)) == []
        assert updates(lab.events.points(other)) == [1, 2, 3]
        assert not any(entry.undone for entry in lab.events.log(other) if isinstance(entry, Change))


@pytest.mark.parametrize("kind", GOING_BACK)
def test_a_checkpoint_of_what_was_undone_has_the_past_that_led_to_it(folder: Path, kind: NoteKind) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.events.record(
            parent,
            [point(1), point(2), change(2, 1, "10"), point(3, 9.0), saved(3, "before-undo", CheckpointKind.UNDONE)],
        )
        go_back(lab, parent, 2, kind=kind)
        lab.events.record(parent, [change(2, 1, "40"), point(3, 0.5), point(4, 0.5), saved(4, "latest")])
        undone = branch(lab, parent, "before-undo", 3, 1)
        assert [each.loss for each in lab.events.points(undone)] == [1.0, 1.0, 9.0]
        assert [entry.new for entry in lab.events.log(undone) if isinstance(entry, Change)] == ["10"]
        kept = branch(lab, parent, "latest", 4, 1)
        assert [each.loss for each in lab.events.points(kept)] == [1.0, 1.0, 0.5, 0.5]
        assert [entry.new for entry in lab.events.log(kept) if isinstance(entry, Change)] == ["40"]


def test_what_the_parent_does_at_the_very_update_belongs_to_it_alone(folder: Path) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.events.record(parent, [point(1), saved(1, "update-1"), change(1, 1, "10"), Validation(1, 10, 2.0)])
        fork = branch(lab, parent, "update-1", 1)
        assert lab.events.all(fork) == [point(1), saved(1, "update-1")]


def test_a_checkpoint_that_the_lab_does_not_know_has_what_lies_before_it(folder: Path) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.events.record(parent, [point(1), point(2), change(2, 1, "10"), point(3)])
        fork = branch(lab, parent, "update-2", 2)
        assert updates(lab.events.points(fork)) == [1, 2]
        assert lab.events.log(fork) == []


def test_a_latest_checkpoint_that_was_written_by_key_is_found(folder: Path) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.events.record(parent, [point(1), saved(1, "update-1"), Validation(1, 10, 2.0), point(2)])
        assert lab.events.all(branch(lab, parent, "latest", 1)) == [point(1), saved(1, "update-1")]


def test_a_fork_that_cannot_be_made_leaves_nothing(folder: Path) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab, "parent")
        lab.events.record(parent, [point(1), saved(1, "latest")])
        with pytest.raises(UserError, match="there is such a run already"):
            branch(lab, parent, "latest", 1, name="parent")
        assert [run.name for run in lab.runs.standalone()] == ["parent"]


def test_the_seconds_of_a_fork_begin_where_its_process_left_the_parent(folder: Path) -> None:
    with Lab.open(folder) as lab:
        parent = create(lab)
        lab.runs.begin(parent)
        lab.runs.finish(parent, status=RunStatus.FORKED, update=4, chars=40, seconds=2.0)
        fork = branch(lab, parent, "latest", 4)
        lab.runs.begin(fork, 2.0)
        lab.events.record(fork, [point(5)])
        assert (lab.runs.get(parent.name).seconds, lab.runs.get(fork.name).seconds) == (2.0, 0.5)
