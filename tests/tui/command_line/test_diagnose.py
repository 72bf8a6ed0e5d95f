"""`charrnn-tui diagnose`: objects a line, or words."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from engine.diagnosis import diagnosis
from engine.events import Cause, Judged, Judgement, Note, NoteKind, Point, Probe, Stored
from engine.lab import Lab
from engine.lab.database import FILE
from tests.conftest import new_run
from tui.command_line.cli import _main
from tui.words.findings import no_finding

FIELDS = {"cause", "severity", "since_update", "until_update", "evidence", "says", "try"}


NOTHING = "nothing wrong so far"


def point(update: int, loss: float) -> Point:
    return Point(update, 1024 * update, update / 10, loss, 0.5, 0.6, 0.0, (), 4e-3, 5, worst_loss=loss, rate_used=4e-3)


def stored(lab: Path, loss: float, end: int = 600) -> str:
    """A run whose loss went to so much, and which then broke where that is more than its letters' entropy."""
    with Lab.open(lab) as opened:
        made = new_run(opened, text="a\x1b[31m.txt")
        events: list[Stored] = [Probe(0, 0, "text_facts", 0.0, {"letter_entropy": 3.0, "pair_entropy": 2.4})]
        for update in range(10, end, 10):
            events.append(point(update, loss if update > 200 else 2.5))
            events.append(Probe(update, 1024 * update, "update_ratio", 0.0, {"whole": 0.02}))
            events.append(Probe(update, 1024 * update, "control", 0.0, {"seen": loss if update > 200 else 2.5}))
        if loss > 3:
            events.append(Note(600, 614_400, NoteKind.NOT_FINITE, "the loss is \x1b[31mnan"))
        opened.events.record(made, events)
        return made.name


def test_json_is_what_was_agreed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = stored(tmp_path / "lab", 9.0)
    assert _main(["diagnose", name, "--lab", str(tmp_path / "lab"), "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["cause"] for each in found] == ["learning-rate-too-high", "non-finite"]
    assert all(each.keys() == FIELDS for each in found)
    assert found[0]["try"].keys() == {"knob", "value"}
    assert found[0]["until_update"] is None
    assert found[0]["evidence"]["letter_entropy"] == 3.0


def test_words_name_the_option_and_carry_no_escape_sequence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = stored(tmp_path / "lab", 9.0)
    assert _main(["diagnose", name, "--lab", str(tmp_path / "lab")]) == 0
    out = capsys.readouterr().out
    assert "learning-rate-too-high, a problem, since update" in out
    assert "to test it: --lr 0.0004" in out
    assert "\x1b" not in out


def test_a_healthy_run_has_a_line_that_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = stored(tmp_path / "lab", 2.0)
    assert _main(["diagnose", name, "--lab", str(tmp_path / "lab")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"{NOTHING} in 590 updates; 5 of 15 causes cannot be judged yet" in out
    assert "judged, and absent: non-finite, data-shift, learning-rate-too-high, clip-too-tight" in out
    assert "saturated-units (2 more gate readings)" in out
    assert "cannot be judged here: overfitting (nothing is held out)" in out
    assert _main(["diagnose", name, "--lab", str(tmp_path / "lab"), "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert NOTHING in captured.err


def test_a_run_of_which_every_cause_was_judged_has_a_line_that_says_so() -> None:
    known = [
        Judgement(Cause.PLATEAU, Judged.ABSENT),
        Judgement(Cause.OVERFITTING, Judged.CANNOT, "nothing is held out"),
    ]
    assert no_finding(known, 590) == "its history of 590 updates shows nothing wrong"
    known.append(Judgement(Cause.DATA_SHIFT, Judged.NOT_YET, "more points"))
    says = "1 of 3 causes cannot be judged yet, and 1 not at all here"
    assert no_finding(known, 590) == f"nothing wrong so far in 590 updates; {says}"
    assert no_finding([], 1) == "too little was measured to tell, in 1 update"


def test_what_is_only_suspected_is_said_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "LOOKS_TO_BEGIN", 1_000)
    name = stored(tmp_path / "lab", 2.9)
    assert _main(["diagnose", name, "--lab", str(tmp_path / "lab")]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^watching: learning-rate-too-high \(\d+ more looks\)$", out, re.MULTILINE)
    assert "The loss rested: 2.900 → 2.900 in its last 20 s." in " ".join(out.split())


def test_a_run_too_short_to_tell_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = stored(tmp_path / "lab", 2.0, end=40)
    assert _main(["diagnose", name, "--lab", str(tmp_path / "lab")]) == 0
    says = f"{NOTHING} in 30 updates; 14 of 15 causes cannot be judged yet"
    assert says in " ".join(capsys.readouterr().out.split())
    assert _main(["diagnose", name, "--lab", str(tmp_path / "lab"), "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err


def test_an_unknown_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path / "lab", 2.0)
    assert _main(["diagnose", "nobody", "--lab", str(tmp_path / "lab")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "has no run nobody" in captured.err


@pytest.mark.parametrize("column", ["runs.settings", "runs.matrix_names", "points.norms", "probes.values"])
@pytest.mark.parametrize(
    "damaged", ["", "{", "\x1bno JSON", "3", "null", b"\xff\xfe{", "[" * 100_000, '{"a": {}}', "[[]]"]
)
def test_a_damaged_column_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], column: str, damaged: str | bytes
) -> None:
    lab = tmp_path / "lab"
    name = stored(lab, 2.0)
    table, field = column.split(".")
    file = sqlite3.connect(lab / FILE)
    with file:
        file.execute(f'update {table} set "{field}" = ?', (damaged,))
    file.close()
    assert _main(["diagnose", name, "--lab", str(lab)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    for words in (f"{lab / FILE} is damaged: {column} cannot be read", "--lab"):
        assert words in captured.err
