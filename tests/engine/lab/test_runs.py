"""Runs: their names are unique, and one process at a time holds each."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UserError
from engine.events import RunStatus
from engine.lab import Lab
from tests.engine.lab.conftest import HOSTILE, create


def test_seconds_add_up_over_processes(folder: Path) -> None:
    for _ in range(2):
        with Lab.open(folder) as lab:
            run = lab.runs.standalone()[0] if lab.runs.standalone() else create(lab)
            with lab.runs.hold(run):
                lab.runs.begin(run)
                lab.runs.finish(run, status=RunStatus.QUIT, update=4, chars=40, seconds=3.0)
    with Lab.open_existing(folder) as lab:
        assert lab.runs.get("1").seconds == 6.0


def test_names_are_unique_and_usable(folder: Path) -> None:
    with Lab.open(folder) as lab:
        assert create(lab).name == "notes-1"
        assert create(lab, "notes-3").name == "notes-3"
        assert create(lab).name == "notes-4"
        assert create(lab, text=HOSTILE).name.endswith("-4")
        with pytest.raises(UserError, match="there is such a run already"):
            create(lab, "notes-1")
        assert lab.runs.get("2").name == "notes-3"


@pytest.mark.parametrize("name", ["", " ", "a/b", "-x", ".x", "12", "..", "a\nb", "x" * 65, "a\x1b", "\udcff", "x "])
def test_an_unusable_name_is_said(folder: Path, name: str) -> None:
    with Lab.open(folder) as lab, pytest.raises(UserError, match="--name"):
        create(lab, name)


def test_an_unknown_run_is_said_with_those_there_are(folder: Path) -> None:
    with Lab.open(folder) as lab:
        with pytest.raises(UserError, match="none yet"):
            lab.runs.get("7")
        create(lab)
        for key in ("7", "nope", "9" * 400, HOSTILE, ""):
            with pytest.raises(UserError, match="the last ones are notes-1"):
                lab.runs.get(key)


def test_one_process_holds_a_run(folder: Path) -> None:
    with Lab.open(folder) as lab, Lab.open(folder) as other:
        run = create(lab)
        assert other.runs.get("1").status == "interrupted"
        with lab.runs.hold(run):
            assert other.runs.get("1").status == "running"
            with pytest.raises(UserError, match="being trained by another process"), other.runs.hold(run):
                pass
        with other.runs.hold(run):
            assert lab.runs.get("1").status == "running"
