"""`race` and `races`: what they print, and where; one line for whatever is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.events import HypothesisStatus, Idea
from engine.lab import Lab
from engine.race.statistics.standing import Standing
from engine.race.store import Races
from engine.workers import places as executors
from tests.engine.race.conftest import Inline, plan
from tests.tui.command_line.conftest import Run
from tests.tui.command_line.test_cli import FAST, events
from tui.command_line import race as module

QUICK = [*FAST, "--warmup", "2", "--chars", "600", "--seeds", "3"]
LARGE_EFFECT = ["--vary", "lr=1e-5,3e-2"]


@pytest.fixture(autouse=True)
def _in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(executors, "Processes", lambda _workers: Inline())


def test_a_race_ends_with_a_table_and_the_lab_tells_the_same(run: Run, text: Path) -> None:
    code, out, err = run("race", str(text), *LARGE_EFFECT, *QUICK)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "R1  words.txt  from fresh networks, 600 characters each: done"
    assert lines[2].startswith("lr 0.03 ")
    assert "✓ better" in lines[2]
    assert "what the others are compared with" in lines[3]
    assert "Losses are in nats per character, over the validation split" in out
    assert run("races", "R1") == (0, out, "")
    code, listed, _ = run("races")
    assert listed.startswith("R1    done")
    assert "lr 0.03 ✓ better" in listed
    assert run("runs")[1].splitlines()[1:] == []


def test_json_prints_an_object_a_line(run: Run, text: Path) -> None:
    code, out, err = run("race", str(text), *LARGE_EFFECT, *QUICK, "--json")
    assert (code, err) == (0, "")
    found = events(out)
    assert [*[each["event"] for each in found][:1], found[-1]["event"]] == ["race", "end"]
    lanes = [each for each in found if each["event"] == "lane"]
    assert {(lane["variant"], lane["replicate"]) for lane in lanes} >= {(0, 0), (1, 0)}
    last = found[-1]
    assert last["status"] == "done"
    assert last["results"][0]["verdict"] == "better"
    assert last["results"][0]["variant"] == "lr 0.03"
    assert last["plan"]["variants"][0] == {"label": "lr 1e-05", "changes": {"lr": "1e-05"}}
    race, *stored = events(run("races", "R1", "--json")[1])
    assert race == {**last, "event": "race"}
    told = {lane["run"]: lane["rungs"] for lane in _newest(lanes)}
    assert all(told[lane["run"]] == lane["rungs"] for lane in stored)
    assert events(run("races", "--json")[1]) == [race]


def _newest(lanes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for _, each in sorted({(lane["variant"], lane["replicate"]): lane for lane in lanes}.items())]


def test_what_diverged_at_once_is_said_in_the_table(run: Run, text: Path) -> None:
    broken = ["--optimizer", "sgd", "--weight-decay", "10", "--clip", "off", "--vary", "lr=1e-3,1e3"]
    code, out, _ = run("race", str(text), *QUICK, *broken, "--chars", "5000", "--json")
    assert code == 0
    (result, *_) = events(out)[-1]["results"]
    assert result["diverged"] == [3, 0]
    assert result["estimate"] == 1e300
    _, table, _ = run("races", "R1")
    assert "3, 3 diverged" in table
    assert "∞" in table


def test_undecided_is_a_result_and_says_what_may_help(run: Run, text: Path) -> None:
    code, out, _ = run("race", str(text), *QUICK, "--vary", "seed=0,1", "--seeds", "2", "--min-effect", "1e-6")
    assert code == 0
    assert "? undecided" in out
    assert "Not decided over 2 seeds: more seeds (--seeds) or a longer race may decide it." in out


def test_equal_updates_and_what_else_differs_are_told(run: Run, text: Path) -> None:
    code, out, _ = run("race", str(text), *QUICK, "--vary", "bptt=5,20", "--seeds", "2")
    assert code == 0
    assert "at equal updates bptt 20:" in out
    assert "bptt 20 makes 0.2" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing varies"),
        (["--vary", "clip=1,off"], "TEXT is missing"),
        (["words.txt", "--vary", "clip=1"], "there is nothing to compare"),
        (["words.txt", "--vary", "clip=1,off", "--seeds", "1"], "--seeds '1': expected a whole number from 2 to 100"),
        (["words.txt", "--vary", "clip=1,off", "--min-effect", "0"], "--min-effect '0': expected"),
        (["words.txt", "--vary", "clip=1,off", "--chars", "9", "--updates", "9"], "a race ends by one budget"),
        (["words.txt", "--vary", "clip=1,off", "--on", "mars"], "--on mars: expected"),
        (["words.txt", "--vary", "clip=1,off", "--workers", "0"], "--workers '0': expected"),
        (["words.txt", "--vary", "bptt=5,9000"], "a window of --bptt 9000 needs"),
        (["nothing.txt", "--vary", "clip=1,off"], "there is no text nothing.txt"),
        (["--resume", "R1"], "there is no lab in charrnn-lab"),
        (["--resume", "R1", "--vary", "clip=1,off"], "leave --vary and --from out"),
        (["--from", "words-1", "--vary", "clip=1,off"], "there is no lab in charrnn-lab"),
        (["--from", "no.safetensors", "--vary", "clip=1,off"], "no.safetensors: there is no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_made(
    run: Run, text: Path, arguments: list[str], says: str
) -> None:
    code, out, err = run("race", *arguments)
    assert (code, out) == (2, "")
    assert says in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (text.parent / "charrnn-lab").exists()


def test_a_race_from_a_run_begins_with_its_settings(run: Run, text: Path) -> None:
    assert run("train", str(text), *FAST, "--updates", "20", "--lr", "0.02")[0] == 0
    code, out, err = run(
        "race", "--from", "words-1", "--vary", "lr=0.02,1e-5", "--chars", "500", "--seeds", "2", "--json"
    )
    assert code == 0, err
    plan = events(out)[0]["plan"]
    assert (plan["settings"]["lr"], plan["settings"]["hidden"]) == (0.02, 12)
    assert plan["origin"] == {"run": "words-1", "update": 20, "chars": 20 * 3 * 7}
    code, _, err = run("race", "--from", "words-1", "--vary", "lr=0.02,1e-5", "--hidden", "9")
    assert code == 2
    assert "leave --hidden out, or vary it" in err
    code, _, err = run("race", "--from", "words-1", "--vary", "hidden=8,9", "--chars", "100")
    assert code == 2
    assert "hidden cannot change while training" in err


def test_a_text_through_standard_input_is_raced_and_kept(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with text.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": file}))
        code, _out, err = run("race", "-", *LARGE_EFFECT, *QUICK, "--json")
    assert code == 0, err
    assert run("race", "--resume", "R1", "--json")[0] == 0


@pytest.mark.usefixtures("heeds_interrupts")
def test_stopped_by_a_signal_it_says_how_to_go_on(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._Bars.show

    def interrupted(self: Any, stands: Standing) -> None:
        real(self, stands)
        if any(lane.rungs for lane in stands.lanes):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(module._Bars, "show", interrupted)
    code, out, _ = run("race", str(text), *LARGE_EFFECT, *QUICK)
    assert code == 130
    assert "R1  words.txt  from fresh networks, 600 characters each: stopped" in out
    assert "Not decided: `charrnn-tui race --resume R1` continues it." in out
    assert "600 characters each: stopped: no verdict yet" in out
    monkeypatch.setattr(module._Bars, "show", real)
    code, out, _ = run("race", "--resume", "R1")
    assert code == 0
    assert "✓ better" in out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_race_that_fails_leaves_one_line_and_what_was_finished(
    run: Run, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import BrokenExecutor, Future

    class Dead(Inline):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ARG002
            raise BrokenExecutor

    monkeypatch.setattr(executors, "Processes", lambda _workers: Dead())
    code, out, err = run("race", str(text), *LARGE_EFFECT, *QUICK)
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert "workers died" in last
    assert last.endswith("; finished work is kept; `charrnn-tui race --resume R1` continues it")
    assert "300 characters each: failed: race R1 was given up: workers died" in run("races", "R1")[1].replace(
        "600", "300"
    )
    with Lab.open_existing(Path("charrnn-lab")) as lab:
        assert Races(lab).get("R1").status == "failed"


def test_hypotheses_are_found_by_their_words(run: Run) -> None:
    with Lab.open(Path("charrnn-lab")) as lab:
        lab.hypotheses.add(Idea("clipping at 1 helps", "it falls", "clip=off,1", "better"), "words-1", 3)
        lab.hypotheses.add(Idea("the rate\x1b[31m is too high"), "words-1", 9)
        race = Races(lab).create(plan("clip=off,1"), text="words.txt", source="words.txt", digest="")
        lab.hypotheses.test(1, race.number)
        lab.hypotheses.judge(race.number, HypothesisStatus.CONFIRMED, "clip 1 is better than clip off by 0.1 nats")
        lab.hypotheses.conclude(1, HypothesisStatus.CONFIRMED, "as I said")
    code, out, _ = run("hypotheses")
    assert (code, out.count("H1  "), out.count("H2  ")) == (0, 1, 1)
    assert "\x1b" not in out
    assert "evidence  R1: clip 1 is better than clip off by 0.1 nats" in out
    assert "concluded as I said" in out
    assert "H1" not in run("hypotheses", "RATE", "high")[1]
    assert run("hypotheses", "CONFIRMED", "0.1 nats", "--json")[1].count("\n") == 1
    (found,) = events(run("hypotheses", "H1", "--json")[1])
    assert (found["event"], found["race"], found["expected"]) == ("hypothesis", 1, "better")
    assert run("hypotheses", "no such words") == (
        0,
        "",
        "charrnn-tui: no hypothesis contains the words no such words\n",
    )


def test_hostile_names_reach_no_terminal(run: Run, text: Path) -> None:
    hostile = text.with_name("a\x1b[31m\u202e.txt")
    hostile.write_bytes(text.read_bytes())
    code, out, _ = run("race", hostile.name, *LARGE_EFFECT, *QUICK)
    assert code == 0
    assert "\x1b[31m" not in out
    assert "\u202e" not in out


def test_real_processes_race_to_the_verdict(text: Path) -> None:
    program = "import sys; from tui.command_line.cli import main; sys.argv = ['charrnn-tui', *sys.argv[1:]]; main()"
    command = [sys.executable, "-c", program, "race", str(text), *LARGE_EFFECT, *QUICK, "--json"]
    done = subprocess.run(command, cwd=text.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["status"], last["results"][0]["verdict"]) == ("done", "better")
