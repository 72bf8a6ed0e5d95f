"""`charrnn-tui ask`: the list, an answer as words and as JSON, and what a signal leaves."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.lab import Lab
from engine.questions import asking
from engine.questions.asking import Asked
from engine.questions.question import CHARS, NATS, QUESTIONS, SHARE, TIMES, Answer, Question, Row
from engine.race.store import Races
from tests.waiting import PATIENCE
from tui.command_line.cli import _main

ANSWER = Answer(
    answer="Yes: with \x1b[31mrandom-step clipping helps.",
    reason="It cuts \u202espikes.",
    rows=(
        Row("clip 1 less off", -0.1234, NATS, -0.2, -0.05, 3, "R1"),
        Row("the same, one seed", 0.1, NATS, -math.inf, math.inf, 1, "R1"),
        Row("validation loss, off", math.inf, NATS, seeds=3, source="R1"),
        Row("updates cut", 0.0231, SHARE, source="R1"),
        Row("effective rate", 1.5, TIMES, source="a-1, a-2, a-3"),
        Row("a \x1b[31mnorm", 12.0, source="a-1"),
        Row("unknown", math.nan),
        Row("not measured", None),
        Row("characters", 120_000, CHARS),
    ),
    limits=("One bound.", "One \u202etext."),
    did="Two variants were raced.",
    conditions=(("net\x1bwork", "lstm 1×8"), ("seeds", "3")),
    races=("R1",),
    runs=("a-1", "a-2", "a-3"),
)


class Fake:
    """Answers at once."""

    asked: Asked

    def __init__(self, asked: Asked, tell: Any) -> None:
        type(self).asked = asked
        tell("racing: 1 of 2 trainings")

    def answers(self) -> Iterator[tuple[Question, Answer]]:
        for question in self.asked.questions:
            yield question, ANSWER


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    monkeypatch.setattr(asking, "Asking", Fake)
    return Fake


def test_without_a_question_the_eight_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["ask"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for question, shown in zip(QUESTIONS, lines, strict=False):
        assert shown.split()[0] == question.name
        assert question.asks in shown
    assert _main(["ask", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["question"] for each in found] == [question.name for question in QUESTIONS]


def test_an_answer_shows_its_evidence_with_intervals_its_limits_and_where_it_is(
    fake: type[Fake], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(["ask", "clipping", "a.txt", "--lab", str(tmp_path / "lab"), "--hidden", "8", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert out.startswith(
        "clipping: Is clipping helping?\n\nYes: with ␛[31mrandom-step clipping helps.\nIt cuts \ufffdspikes.\n"
    )
    rows = {line.rsplit("  ", 1)[0].strip(): line.split() for line in out.splitlines()}
    shown = [" ".join(words) for words in rows.values()]
    assert "clip 1 less off −0.1234 nats −0.2000 … −0.0500 3 R1" in shown
    assert "the same, one seed +0.1000 nats −∞ … ∞ 1 R1" in shown
    assert "validation loss, off ∞ nats 3 R1" in shown
    assert "updates cut 2.3% R1" in shown
    assert "effective rate × 1.5 a-1 … a-3" in shown
    assert "unknown –" in shown
    assert "characters 120,000" in shown
    assert "How it was found out: Two variants were raced.\n  net␛work: lstm 1×8\n  seeds: 3\n" in out
    assert "– One bound." in out
    assert "races R1, runs a-1, a-2, a-3" in out
    assert f"charrnn-tui runs a-1 --json --lab {tmp_path / 'lab'}" in out
    assert fake.asked.given == {"hidden": 8, "seed": 3}
    assert fake.asked.text == "a.txt"


@pytest.mark.usefixtures("fake")
def test_the_evidence_is_folded_to_the_numbers_that_carry_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (
        Row("rate 0.1: trainings that climb", 0.5, SHARE),
        Row("rate 0.1: largest norm", 7.0),
        Row("rate 0.1: clip 1 less off", 0.1, NATS, 0.05, 0.2, 3),
        Row("rate 0.3: trainings that climb", 1.0, SHARE),
        Row("rate 0.3: largest norm", 9.0),
        Row("curvature", 2.0),
    )
    monkeypatch.setattr("tests.tui.command_line.test_ask.ANSWER", replace(ANSWER, rows=rows))
    assert _main(["ask", "climb", "a.txt", "--lab", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("trainings that climb") == 2
    assert "clip 1 less off" in out
    assert "curvature" in out
    assert "largest norm" not in out
    assert "2 more numbers: --all shows all" in out
    assert _main(["ask", "climb", "a.txt", "--all", "--lab", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("largest norm") == 2
    assert "--all shows all" not in out


def test_json_is_an_object_for_each_line_of_evidence_and_one_for_the_answer(
    fake: type[Fake], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(["ask", "all", "a.txt", "--lab", str(tmp_path / "lab"), "--json"]) == 0
    assert len(fake.asked.questions) == 8
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 8 * (len(ANSWER.rows) + 1)
    evidence, answer = found[: len(ANSWER.rows)], found[len(ANSWER.rows)]
    assert all(each.keys() == EVIDENCE for each in evidence)
    assert evidence[0]["low"] == -0.2
    assert evidence[1]["high"] == 1e300
    assert evidence[2]["value"] == 1e300
    assert evidence[6]["value"] is None
    assert answer.keys() == OF_ANSWER
    assert answer["says"] == ANSWER.says
    assert answer["races"] == ["R1"]


EVIDENCE = {"event", "question", "what", "value", "low", "high", "unit", "seeds", "from"}
OF_ANSWER = {
    "event",
    "question",
    "asks",
    "answer",
    "reason",
    "says",
    "did",
    "conditions",
    "limits",
    "races",
    "runs",
    "lab",
    "seconds",
}


def test_every_field_of_the_json_is_documented() -> None:
    documented = (Path(__file__).parents[3] / "docs" / "json.md").read_text()
    for name in EVIDENCE | OF_ANSWER:
        assert f"`{name}`" in documented


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cliping"], "there is no question cliping: is it clipping?"),
        (["notes.txt"], "there is no question notes.txt: there are clipping, climb"),
        (["clipping", "nowhere.txt"], "there is no text nowhere.txt"),
        (["clipping", "--clip", "3"], "--clip: the question clipping chooses it itself"),
        (["climb", "--hidden", "many"], "--hidden 'many': expected a whole number"),
        (["climb", "--dtype", "float32"], "No such option '--dtype'"),
    ],
)
def test_what_has_to_be_mended_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert _main(["ask", *arguments, "--lab", str(tmp_path / "lab")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err.splitlines()[-1]
    assert not (tmp_path / "lab").exists()


@pytest.mark.usefixtures("heeds_interrupts")
def test_the_same_text_and_settings_reach_the_lab_and_a_signal_keeps_what_was_measured(
    text: Path, tmp_path: Path
) -> None:
    lab = tmp_path / "lab"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.tui.command_line.asking",
            "ask",
            "random-length",
            str(text),
            "--lab",
            str(lab),
            "--hidden",
            "8",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("windows of"):
            process.send_signal(signal.SIGINT)
            break
    out, rest = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, "".join(said) + rest
    assert out == ""
    assert "charrnn-tui: stopped; what was measured is kept: R1" in rest
    assert "Traceback" not in rest
    with Lab.open_existing(lab) as opened:
        race = Races(opened).get("R1")
        assert race.status == "stopped"
        assert race.plan.settings.hidden == 8
        assert race.text == text.name
