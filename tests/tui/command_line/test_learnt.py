"""What a run's network has learnt, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tui.command_line.conftest import Run

NETWORK = ("--hidden", "48", "--embedding", "8", "--streams", "4", "--bptt", "20", "--dtype", "float32", "--lr", "0.01")


@pytest.fixture
def lab(run: Run, tmp_path: Path) -> Path:
    text = tmp_path / "names.txt"
    text.write_text("ROMEO: what light\nJULIET: through yonder window\n" * 120, encoding="utf-8")
    folder = tmp_path / "lab"
    code, *_ = run("train", str(text), *NETWORK, "--updates", "300", "--name", "one", "--lab", str(folder))
    assert code == 0
    return folder


def test_a_text_that_repeats_itself_is_known_word_by_word(run: Run, lab: Path) -> None:
    code, out, _ = run("learnt", "one", "--json", "--lab", str(lab))
    assert code == 0
    every = [json.loads(each) for each in out.splitlines()]
    assert {(each["run"], each["update"]) for each in every} == {("one", 300)}
    found = [each for each in every if each["event"] == "word"]
    assert {each["split"] for each in found} == {"training", "held_out"}
    names = {each["word"] for each in found if each["name"] and each["split"] == "training"}
    assert names == {"ROMEO", "JULIET"}
    units = [each for each in every if each["event"] == "unit"]
    assert len(units) + len(found) == len(every)
    assert {"at a line's beginning", "in capitals"} <= {each["name"] for each in units}
    assert all(0 <= each["unit"] < 48 and 0.4 < each["accuracy"] <= 1 for each in units)
    assert all((each["without"] is not None) == each["named"] for each in units)
    assert all(0 <= each["low"] <= each["share"] <= each["high"] for each in found)


def test_what_is_lost_without_a_named_unit_is_said(run: Run, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.learnt.units.WELL", 0.0)
    monkeypatch.setattr("engine.learnt.units.MARGIN", -9.0)
    _, out, _ = run("learnt", "one", "--json", "--lab", str(lab))
    units = [each for each in map(json.loads, out.splitlines()) if each["event"] == "unit"]
    assert units
    for each in units:
        without = each["without"]
        assert without["holds_error"] >= 0
        assert (without["before"] + without["at"]).strip("\n") in (lab.parent / "names.txt").read_text()
    _, out, _ = run("learnt", "one", "--lab", str(lab))
    assert out.count("nats where that holds, ") == len(units)


def test_it_says_how_many_and_which(run: Run, lab: Path) -> None:
    code, out, _ = run("learnt", "one", "--lab", str(lab))
    assert code == 0
    assert out.startswith("one at update 300, on names.txt")
    assert "of the 2 names of the training text:" in out
    assert "of the 5 words of the held-out text:" in out
    assert "What units follow" in out
    for each in ("ROMEO", "JULIET", "window", "at a line's beginning"):
        assert each in out


def test_a_run_that_is_not_there_is_one_line(run: Run, lab: Path) -> None:
    code, out, err = run("learnt", "two", "--lab", str(lab))
    assert (code, out) == (2, "")
    assert "has no run two: the last ones are one" in err
