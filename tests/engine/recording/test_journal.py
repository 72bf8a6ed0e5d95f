"""The events of a watched run, from the records of its journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from charrnn.journal import RECORDS, new_folder

from engine.events import Event, Note, Point, Probe, RunStatus, Start, Validation
from engine.recording.journal import WatchedRun

BEGIN = {"record": "begin", "program": "train", "process": 1}


def training(number: int, parameters: int) -> dict[str, Any]:
    return {"record": "training", "training": number, "optimizer": "Adam", "parameters": parameters}


def point(number: int, update: int, **other: Any) -> dict[str, Any]:
    values = {
        "targets": 64 * update,
        "seconds": 1.0,
        "updates": 1,
        "loss": 2.5,
        "lr": 0.1,
        "clipped": 0.0,
        "clip": None,
    }
    norms = {"grad_norm": 0.5, "grad_norm_max": 0.6}
    return {"record": "point", "training": number, "update": update, **values, **norms, **other}


def events(folder: Path, *records: object) -> list[Event]:
    (folder / RECORDS).write_text("".join(f"{json.dumps(each)}\n" for each in records))
    return list(WatchedRun(folder).new())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return new_folder(tmp_path, "train")


def test_a_run_begins_with_its_first_optimiser(folder: Path) -> None:
    start, program, first = events(folder, BEGIN, training(1, 100), point(1, 1))
    assert isinstance(start, Start)
    assert isinstance(program, Probe)
    assert (start.run, start.text, start.parameters, start.settings) == (
        folder.name,
        "train",
        100,
        {"optimizer": "Adam"},
    )
    assert first == Point(1, 64, 1.0, 2.5, 0.5, 0.6, 0.0, (), 0.1, 1, rate_used=0.1)


def test_the_command_that_trains_the_same_network_is_told_once(folder: Path) -> None:
    form = {"cell": "gru", "layers": 1, "hidden": 100, "embedding": 64, "entries": 61}
    settings = {"record": "settings", "training": 1, "update": 1, "groups": [{"lr": 0.01, "betas": [0.9, 0.999]}]}
    window = {"record": "sequence", "update": 24, "shift": 1, "sequences": 8}
    begun = [
        BEGIN,
        training(1, 100) | {"form": form, "compute": "cpu float32"},
        settings,
        point(1, 1, bptt=32, bptt_max=32, clip=5.0),
    ]
    (note,) = [each for each in events(folder, *begun, window, window) if isinstance(each, Note)]
    options = "--cell gru --hidden 100 --streams 8 --bptt 32 --clip 5 --optimizer adam --lr 0.01 --warmup 0"
    assert note.text == f"`charrnn-tui train TEXT {options}` trains such a network with these settings."
    for other in ({"shift": 2}, {"shift": None}, {"sequences": None}):
        found = events(folder, *begun, {**window, **other})
        assert not [each for each in found if isinstance(each, Note)]
    for lacking in ({"compute": "cpu bfloat16"}, {"optimizer": "SGD"}):
        found = events(folder, BEGIN, {**begun[1], **lacking}, *begun[2:], window)
        assert not [each for each in found if isinstance(each, Note)]
    del form["entries"], form["embedding"]
    assert not [each for each in events(folder, *begun, window) if isinstance(each, Note)]


def test_the_updates_are_those_of_the_optimiser_that_updates_most(folder: Path) -> None:
    found = events(
        folder, BEGIN, training(1, 100), point(1, 1), training(2, 900), point(2, 1), point(1, 2), point(2, 2)
    )
    assert [each.update for each in found if isinstance(each, Point)] == [1, 2, 3]
    (note,) = (each for each in found if isinstance(each, Note))
    assert note.text == "Another optimiser: Adam, of 900 parameters."


def test_a_new_optimiser_of_the_same_size_takes_over(folder: Path) -> None:
    """As in a cell of a notebook that is run again."""
    found = events(folder, BEGIN, training(1, 100), point(1, 7), training(2, 100), point(2, 1), point(1, 8))
    assert [each.update for each in found if isinstance(each, Point)] == [7, 8]


def test_what_could_not_be_measured_is_unknown(folder: Path) -> None:
    unknown = {"grad_norm": None, "grad_norm_max": None}
    *_, last = events(folder, BEGIN, training(1, 1), point(1, 1), point(1, 2, **unknown), point(1, 3, loss=None))
    assert isinstance(last, Point)
    assert (last.update, last.grad_norm, last.grad_norm_max) == (2, 0.5, 0.5)


@pytest.mark.parametrize(
    "record",
    [
        {"record": "point"},
        {"record": "point", "training": "1"},
        {"record": "training", "training": 1},
        {"record": "unknown", "of": "a later version"},
        point(1, 2, lr=None),
        point(9, 2) | {"update": "x"},
    ],
)
def test_records_that_say_nothing_are_left_out(folder: Path, record: object) -> None:
    found = events(folder, BEGIN, training(1, 100), record, point(1, 3))
    assert [each.update for each in found if isinstance(each, Point)] == [3]


def test_it_ends_where_its_last_point_was(folder: Path) -> None:
    run = WatchedRun(folder)
    validation = {"record": "validation", "loss": 1.5}
    (folder / RECORDS).write_text(
        "".join(f"{json.dumps(each)}\n" for each in (BEGIN, training(1, 9), point(1, 5), validation))
    )
    assert list(run.new())[-1] == Validation(5, 320, 1.5)
    end = run.end(RunStatus.DONE)
    assert (end.update, end.chars, end.val_loss, end.checkpoint) == (5, 320, 1.5, None)
