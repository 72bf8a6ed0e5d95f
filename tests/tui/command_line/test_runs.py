"""`charrnn-tui runs`: the lab's runs, those of questions folded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.lab import Lab
from tests.conftest import new_run
from tui.command_line.cli import _main


@pytest.fixture
def lab(tmp_path: Path) -> str:
    """A lab with a run of its own, and two of a question."""
    folder = tmp_path / "lab"
    with Lab.open(folder) as opened:
        new_run(opened)
        for _ in range(2):
            new_run(opened, name=None, text="climb.txt", question="climb")
        assert [run.number for run in opened.runs.standalone()] == [1]
        assert [run.number for run in opened.runs.outside_races()] == [1, 2, 3]
    return str(folder)


def test_runs_of_a_question_stand_behind_it(lab: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["runs", "--lab", lab]) == 0
    out = capsys.readouterr().out
    assert "climb-" not in out
    assert "and 2 runs for the question climb: --all lists them" in out


def test_all_of_them_are_listed_where_that_is_asked_for(lab: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["runs", "--all", "--lab", lab]) == 0
    out = capsys.readouterr().out
    assert out.count("climb-") == 2
    assert "--all" not in out
    assert _main(["runs", "--json", "--lab", lab]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["question"] for each in objects] == [None, "climb", "climb"]


def test_a_run_that_is_missing_is_not_looked_for_among_those_of_questions(
    lab: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(["runs", "nothing", "--lab", lab]) == 2
    assert "the last ones are" in (err := capsys.readouterr().err)
    assert "climb-" not in err


def test_a_run_says_how_it_went(lab: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["runs", "1", "--lab", lab]) == 0
    assert "how it went" in (out := capsys.readouterr().out)
    assert "No update yet" in out
