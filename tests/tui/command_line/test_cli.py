"""The command line: what it prints, and where; exit codes; one line for whatever is wrong."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UserError
from engine.events import End, Finding, Point, RunStatus, Validation
from engine.lab import Lab
from engine.lab.run import Run as LabRun
from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.settings import Settings
from tests.tui.command_line.conftest import Run
from tests.waiting import PATIENCE
from tui import terminal
from tui.command_line import cli, train
from tui.words.json_lines import NAMES
from tui.words.numbers import nats

FAST = ["--hidden", "12", "--embedding", "6", "--streams", "3", "--bptt", "7", "--dtype", "float32"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_train_prints_an_object_a_line(run: Run, text: Path) -> None:
    code, out, err = run("train", text.name, *FAST, "--updates", "30", "--json", "--checkpoint-every", "10")
    assert (code, err) == (0, "")
    found = events(out)
    assert [found[0]["event"], found[-1]["event"]] == ["start", "end"]
    assert {event["event"] for event in found} >= {"start", "point", "val", "checkpoint", "end"}
    points = [event for event in found if event["event"] == "point"]
    assert points[-1]["update"] == 30
    assert {"update", "chars", "seconds", "loss", "grad_norm"} <= points[0].keys()
    end = found[-1]
    assert end["reason"] == "updates"
    assert end["run"] == "words-1"
    assert end["val_loss"] == [event for event in found if event["event"] == "val"][-1]["loss"]
    assert Path(end["checkpoint"]).exists()


def test_resume_goes_on_and_counts_from_the_runs_start(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "12", "--json")
    code, out, _ = run("resume", "words-1", "--headless", "--json", "--updates", "20")
    assert code == 0
    assert (events(out)[0]["update"], events(out)[-1]["update"]) == (12, 20)
    code, out, _ = run("runs", "--json")
    (listed,) = events(out)
    assert (listed["name"], listed["update"], listed["status"]) == ("words-1", 20, "updates")


def test_fork_begins_a_new_run_from_a_run_or_a_checkpoint(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "10")
    turned = ["--set", "lr=0.001", "--set", "weight-decay=0.1"]
    code, out, _ = run("fork", "words-1", *turned, "--name", "slow", "--updates", "15", "--json")
    assert code == 0
    told = events(out)
    assert (told[0]["run"], told[0]["parent"], told[0]["update"]) == ("slow", ["words-1", 10], 10)
    changes = [event for event in told if event["event"] == "change"]
    assert [(each["update"], each["knob"], each["old"], each["new"]) for each in changes] == [
        (10, "lr", "0.004", "0.001"),
        (10, "weight_decay", "0", "0.1"),
    ]
    assert (told[-1]["run"], told[-1]["update"]) == ("slow", 15)
    code, out, _ = run("fork", "charrnn-lab/checkpoints/slow/latest.safetensors", "--updates", "20", "--headless")
    assert code == 0
    assert out.startswith("words-3: its budget is used up after 20 updates")
    assert "began from   slow at update 15" in run("runs", "words-3")[1]
    assert "lr 0.004 → 0.001" in run("runs", "words-3")[1]
    code, out, _ = run("runs", "--json")
    assert [(each["name"], each["parent"]) for each in events(out)] == [
        ("words-1", None),
        ("slow", ["words-1", 10]),
        ("words-3", ["slow", 15]),
    ]
    assert "lr 0.004 →" not in run("runs", "words-1")[1]


def test_what_cannot_be_forked_is_one_line_and_makes_nothing(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "3", "--name", "first")
    run("train", text.name, *FAST, "--updates", "3", "--name", "apart", "--lab", "other")
    text.with_name("changed.txt").write_text(text.read_text()[:-40])
    more = ["--updates", "9", "--headless"]
    for arguments, says in (
        (["nosuch"], "has no run nosuch: the last ones are first"),
        (["none.safetensors"], "there is no such file"),
        ([text.name], "not a .safetensors file"),
        (["first", "--lab", "nowhere"], "there is no lab in nowhere"),
        (["other/checkpoints/apart/latest.safetensors"], "is no checkpoint of a run in the lab charrnn-lab"),
        (["other/checkpoints/apart/latest.safetensors", "--lab", "nowhere"], "in the lab nowhere"),
        (["first", "--text", "changed.txt"], "changed.txt is not the text that latest.safetensors was trained on"),
        (["first", "--name", "first"], "--name first: there is such a run already"),
        (["first", "--name", "../up"], "--name '../up': expected"),
        (["first", "--set", "lr"], "--set lr: expected KNOB=VALUE, such as lr=0.001"),
        (["first", "--set", "wat=1"], "--set wat=1: there is no knob wat; the knobs are dropout, bptt, targets"),
        (["first", "--set", "hidden=9"], "--set hidden=9: hidden cannot change while training; the knobs are"),
        (["first", "--set", "lr=high"], "--set lr 'high': expected a number from"),
        (["first", "--set", "bptt=10000"], "use --bptt"),
    ):
        code, out, err = run("fork", *arguments, *more)
        assert (code, out, err.count("\n")) == (2, "", 1), arguments
        assert says in err
    code, _, err = run("fork", "first", "--headless")
    assert code == 2
    assert "its end is 3: name a larger --updates" in err
    code, _, err = run("fork", "first")
    assert code == 2
    assert "use `charrnn-tui fork first --headless`" in err
    assert [each["name"] for each in events(run("runs", "--json")[1])] == ["first"]
    assert not Path("nowhere").exists()


def test_a_run_without_json_says_where_it_ended(run: Run, text: Path) -> None:
    code, out, err = run("train", text.name, *FAST, "--updates", "5", "--name", "mine")
    assert code == 0
    assert out.startswith("mine: its budget is used up after 5 updates")
    assert "validation loss" in out
    assert err.startswith("mine  words.txt")
    code, out, _ = run("runs")
    assert "mine" in out
    code, out, _ = run("runs", "mine")
    assert "--hidden 12" in out
    assert "checkpoint (end) latest.safetensors" in out


def test_sample_writes_what_was_asked_for(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "5")
    path = "charrnn-lab/checkpoints/words-1/latest.safetensors"
    code, first, err = run("sample", path, "--chars", "50", "--prime", "the ", "--seed", "3")
    assert (code, err) == (0, "")
    assert first.startswith("the ")
    assert len(first) == len("the ") + 50 + 1
    assert run("sample", "words-1", "--chars", "50", "--prime", "the ", "--seed", "3")[1] == first
    assert run("sample", "1", "--chars", "50", "--prime", "the ", "--seed", "4")[1] != first


def test_standard_input_is_a_text(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.read_bytes())))
    code, out, _ = run("train", "-", *FAST, "--updates", "3", "--json")
    assert (code, events(out)[-1]["run"]) == (0, "stdin-1")


def test_a_file_goes_before_a_text_that_we_make(run: Run, text: Path) -> None:
    Path("alphabet.txt").write_text(text.read_text())
    code, out, _ = run("train", "alphabet.txt", *FAST, "--updates", "1", "--json")
    assert code == 0
    Path("alphabet.txt").unlink()
    code, other, _ = run("train", "alphabet.txt", *FAST, "--updates", "1", "--json")
    assert code == 0
    assert events(out)[0]["parameters"] != events(other)[0]["parameters"]


def test_presets_set_the_window_rule_and_options_override_it(run: Run, text: Path) -> None:
    small = ["--hidden", "12", "--embedding", "6", "--updates", "2", "--json"]
    _, out, _ = run("train", text.name, *small, "--preset", "random-step")
    chosen = events(out)[0]["settings"]
    assert (chosen["streams"], chosen["bptt"], chosen["targets"]) == (1, "geom:11", "last")
    _, out, _ = run("train", text.name, *small, "--preset", "random-step", "--targets", "all")
    assert events(out)[0]["settings"]["targets"] == "all"


def test_help_and_version(run: Run) -> None:
    for arguments in (["--help"], ["train", "--help"], ["console", "-h"], ["resume", "--help"], ["--version"]):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "")
        assert "charrnn-tui" in out
    assert "Examples:" in run("--help")[1]
    assert run()[0] == 2


def test_doctor_looks_at_everything(run: Run) -> None:
    code, out, _ = run("doctor")
    assert code == 1  # standard output is not a terminal here
    for word in ("terminal", "size", "encoding", "python", "torch", "processors", "bfloat16", "devices", "lab"):
        assert word in out


def spoiled(name: str, content: bytes) -> str:
    Path(name).write_bytes(content)
    return name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "nowhere.txt"], "there is no text nowhere.txt"),
        (["nowhere.txt"], "not a terminal"),
        (["train", "."], "is a folder"),
        (["train", "/dev/zero"], "not a regular file"),
        (["train", ""], "TEXT is empty"),
        ([""], "TEXT is empty"),
        (["resume", ""], "RUN is empty"),
        (["fork", ""], "RUN is empty"),
        (["sample", ""], "RUN is empty"),
        (["train", "words.txt", "--updates", "1", "--lab", ""], "--lab '': expected a folder's name"),
        (["runs", "--lab", "words.txt"], "words.txt is a file: name a folder"),
        (["train", "nowhere.txt"], "shakespeare.txt, alphabet.txt, recall.txt, coin.txt"),
        (["train", "words.txt", "--updates", "1.5"], "--updates '1.5': expected a whole number from 1 to"),
        (["train", "words.txt", "--updates", "9" * 400], "expected a whole number from 1 to"),
        (["train", "words.txt", "--checkpoint-every", "x"], "--checkpoint-every 'x': expected a whole number"),
        (["train", "words.txt", "--warmup", "x"], "expected a whole number from 0 to 1,000,000"),
        (["sample", "1", "--temperature", "nan"], "--temperature 'nan': expected a number from 0 to 3.4e+38"),
        (["sample", "1", "--chars", "0"], "--chars '0': expected a whole number from 1 to 10,000,000"),
        (["sample", "1", "--seed", "x"], "--seed 'x': expected a whole number from 0 to 9,223,372,036,854,775,807"),
        (
            ["tain", "words.txt"],
            "there is no command tain, and no text of that name: did you mean `charrnn-tui train`?",
        ),
        (["run"], "did you mean `charrnn-tui runs`?"),
        (["everything", "words.txt"], "there is no command everything"),
        (["train"], "Missing argument 'TEXT'"),
        (["train", "words.txt", "--bptt", "0"], "--bptt '0': expected a length"),
        (["train", "words.txt", "--bptt", "9999"], "use --bptt"),
        (["train", "words.txt", "--streams", "4000"], "--streams"),
        (["train", "words.txt", "--hidden", "8192", "--layers", "16"], "use a smaller --hidden"),
        (["train", "words.txt", "--cell", "transformer"], "--cell 'transformer': expected one of rnn, gru, lstm"),
        (["train", "words.txt", "--preset", "best"], "--preset 'best': expected one of standard, online, random-step"),
        (["train", "words.txt", "--lr", "nan"], "--lr 'nan': expected a number"),
        (["train", "words.txt", "--clip", "-1"], "--clip '-1': expected a number"),
        (["train", "words.txt", "--threads", "0"], "--threads '0': expected a whole number"),
        (["train", "words.txt", "--updates", "0"], "--updates '0': expected a whole number from 1 to"),
        (["train", "words.txt", "--updates", "many"], "--updates 'many': expected a whole number from 1 to"),
        (["train", "words.txt", "--seconds", "nan"], "--seconds 'nan': expected a number from"),
        (["train", "words.txt", "--seconds", "-1"], "--seconds '-1': expected a number from"),
        (["train", "words.txt", "--device", "mps"], "--device mps: there is none here"),
        (["train", "words.txt", "--name", "../up"], "--name '../up': expected"),
        (["train", "words.txt", "--wat"], "--wat"),
        (
            ["train", "words.txt", "--checkpoint-every", "0"],
            "--checkpoint-every '0': expected a whole number from 1 to",
        ),
        (["train", "words.txt", "--lab", "words.txt"], "words.txt is a file: name a folder"),
        (["resume", "nothing"], "there is no lab in charrnn-lab"),
        (["resume", "nothing.safetensors", "--headless"], "no such file"),
        (["sample", "words.txt"], "not a .safetensors file"),
        (["sample", "."], "there is no lab in charrnn-lab"),
        (["sample", "words.txt", "--temperature", "-1"], "--temperature '-1': expected a number from 0 to 3.4e+38"),
        (["runs"], "there is no lab in charrnn-lab"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(run: Run, text: Path, arguments: list[str], says: str) -> None:
    assert text.exists()
    code, out, err = run(*arguments, *(["--headless"] if arguments == ["resume", "nothing"] else []))
    assert (code, out) == (2, "")
    assert says in err
    assert err.startswith("charrnn-tui: ")
    assert err.count("\n") == 1
    assert not Path("charrnn-lab").exists()


def test_hostile_names_reach_the_terminal_as_glyphs(run: Run) -> None:
    name = "\x1b[31m\x9b\u202eevil[bold]\udcff.txt"
    code, _, err = run("train", name)
    assert code == 2
    assert not any(character in err for character in "\x1b\x9b\u202e\udcff")
    assert "␛[31m" in err


def test_a_text_of_escapes_trains_and_its_sample_is_safe(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("evil.txt").write_text("\x1b[31mred\x1b]0;title\x07 \u202eright\u202c \x9b2J [bold]markup[/] " * 60)
    code, out, _ = run("train", "evil.txt", *FAST, "--updates", "3", "--json")
    assert code == 0
    assert out.isascii()
    assert out.replace("\n", "").isprintable()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, _ = run("sample", "1", "--chars", "400", "--temperature", "2")
    assert code == 0
    assert not any(character in out for character in "\x1b\x9b\x07\u202e\u202c")
    assert tmp_path.exists()


def test_a_reader_that_goes_away_ends_the_run_with_everything_saved(text: Path, tmp_path: Path) -> None:
    asked = ["train", str(text), *FAST, "--json"]
    code = f"import sys; from tui.command_line.cli import _main\nsys.exit(_main({asked!r}))"

    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "start"
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert (tmp_path / "charrnn-lab" / "checkpoints" / "words-1" / "latest.safetensors").exists()


WRITE_TO_A_FULL_DISK = """
import json, os, sys
from tui.command_line.cli import _main
for arguments in json.loads(sys.argv[1]):
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    code = _main(arguments)
    print("code", code, *arguments, file=sys.stderr)
sys.exit(code)
"""


def test_a_full_disk_behind_standard_output_is_one_line(text: Path) -> None:
    train = ["train", text.name, *FAST, "--updates", "3"]
    commands = [train, [*train, "--json"], ["runs"], ["runs", "--json"], ["sample", "1"]]
    command = [sys.executable, "-c", WRITE_TO_A_FULL_DISK, json.dumps(commands)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith(("code", "charrnn-tui: "))]
    assert said[1::2] == [f"code 2 {' '.join(each)}" for each in commands]
    assert all("No space left on device" in line for line in said[::2])
    assert Path("charrnn-lab/checkpoints/words-1/latest.safetensors").exists()


def test_the_console_wants_a_terminal(run: Run, text: Path) -> None:
    code, _, err = run(text.name)
    assert code == 2
    assert "use `charrnn-tui train`" in err


def test_the_console_wants_utf8(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("train", text.name, *FAST, "--updates", "1")
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(encoding="ascii")
    for arguments in ([text.name], ["resume", "1"]):
        code, _, err = run(*arguments)
        assert (code, err.count("\n")) == (2, 1)
        assert "UTF-8" in err
        assert "C.UTF-8" in err


def test_without_a_terminal_resume_says_what_would_do(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "1")
    code, _, err = run("resume", "words-1")
    assert (code, "use `charrnn-tui resume words-1 --headless`" in err) == (2, True)
    code, _, err = run("resume", "nosuch")
    assert (code, "has no run nosuch: the last ones are words-1" in err) == (2, True)


def test_a_text_that_has_moved_is_named_with_its_option(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "1")
    text.rename("moved.txt")
    code, _, err = run("resume", "1", "--headless", "--updates", "2")
    assert (code, "--text" in err, "standard input" in err) == (2, True, False)
    assert run("resume", "1", "--headless", "--updates", "2", "--text", "moved.txt")[0] == 0


def test_a_run_without_its_last_checkpoint_ends_with_2(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _checkpoint: object) -> None:
        raise UserError(f"the checkpoint {path} could not be written: No space left on device")

    monkeypatch.setattr("engine.checkpoints.checkpoint.save", full)
    code, out, err = run("train", text.name, *FAST, "--updates", "3", "--json")
    assert (code, err.count("\n")) == (2, 1)
    assert "words-1 ended at update 3, and is not saved: the checkpoint" in err
    assert err.count("could not be written") == 1
    assert "No space left on device" in err
    assert (events(out)[-1]["event"], events(out)[-1]["checkpoint"]) == ("end", None)
    assert run("train", text.name, *FAST, "--updates", "3")[0] == 2


@pytest.mark.parametrize("ignored", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_was_ignored_stays_ignored(
    run: Run, text: Path, monkeypatch: pytest.MonkeyPatch, ignored: signal.Signals
) -> None:
    seen = {}

    def look(_session: Session) -> End:
        seen.update({number: signal.getsignal(number) for number in terminal.SIGNALS.values()})
        return End(RunStatus.UPDATES, "x", "x", 1, 1, 1.0, None)

    monkeypatch.setattr(Session, "run", look)
    before = signal.signal(ignored, signal.SIG_IGN)
    try:
        assert run("train", text.name)[0] == 0
    finally:
        signal.signal(ignored, before)
    assert seen[ignored] is signal.SIG_IGN
    assert callable(seen[signal.SIGTERM])


def test_an_update_that_is_not_finite_ends_with_1_and_names_the_lab(run: Run, text: Path) -> None:
    wild = ["--lr", "1000", "--weight-decay", "10", "--warmup", "0", "--updates", "2000"]
    code, _, err = run("train", text.name, *FAST, *wild, "--json", "--lab", "a lab")
    assert (code, "see `charrnn-tui runs words-1 --lab 'a lab'`" in err) == (1, True)
    code, _, err = run("train", text.name, *FAST, *wild, "--json")
    assert (code, "see `charrnn-tui runs words-1`" in err) == (1, True)
    assert Path("charrnn-lab/checkpoints/words-1/before-not-finite.safetensors").exists()


@pytest.mark.parametrize("ways", [["--streams", "3"], ["--streams", "1", "--bptt", "geom:6"]])
@pytest.mark.parametrize(("optimizer", "lr"), [("adamw", "3e38"), ("sgd", "3.4e38")])
def test_a_rate_beyond_all_bounds_ends_as_an_update_that_is_not_finite(
    run: Run, text: Path, optimizer: str, lr: str, ways: list[str]
) -> None:
    wild = ["--optimizer", optimizer, "--lr", lr, "--warmup", "0", "--updates", "200", *ways]
    code, out, err = run("train", text.name, *FAST, *wild, "--json")
    assert code == 1
    assert events(out)[-1]["reason"] == "not-finite"
    assert re.fullmatch(r"charrnn-tui: words-1 stopped at update \d+: an update was not finite; see `.*`\n", err)


UNUSUAL = "lr 1e+06 is above the usual range of 1e-05 to 0.1"


def notes(out: str, kind: str) -> list[str]:
    return [event["text"] for event in events(out) if event["event"] == "note" and event["kind"] == kind]


def test_an_unusual_value_is_taken_and_warned_of(run: Run, text: Path) -> None:
    few = ["--updates", "20", "--warmup", "1000"]  # so that the rate stays low
    code, out, err = run("train", text.name, *FAST, *few, "--lr", "1000000", "--json")
    assert (code, notes(out, "unusual"), err) == (0, [UNUSUAL], "")
    code, _, err = run("train", text.name, *FAST, *few, "--lr", "1000000")
    assert (code, err.count(UNUSUAL)) == (0, 1)
    code, out, err = run("resume", "1", "--updates", "22", "--json")
    assert (code, notes(out, "unusual"), err) == (0, [], "")
    assert "unusual: " + UNUSUAL in run("runs", "1")[1]


def test_an_unusual_value_of_a_fork_is_warned_of(run: Run, text: Path) -> None:
    assert run("train", text.name, *FAST, "--updates", "5")[0] == 0
    code, out, err = run("fork", "1", "--set", "lr=1e6", "--set", "clip=2", "--updates", "6", "--json")
    assert (code, notes(out, "unusual"), err) == (0, [UNUSUAL], "")
    code, _, err = run("fork", "1", "--set", "lr=1e6", "--updates", "6", "--headless")
    assert (code, err.count(UNUSUAL)) == (0, 1)


def test_commands_without_a_log_warn_on_standard_error(run: Run, text: Path) -> None:
    assert run("train", text.name, *FAST, "--updates", "5")[0] == 0
    code, _, err = run("sample", "1", "--temperature", "50")
    assert (code, err) == (0, "charrnn-tui: temperature 50 is above the usual range of 0 to 2\n")
    short = ["--vary", "lr=1e6,2e6", "--warmup", "1000", "--updates", "5", "--seeds", "2", "--workers", "1"]
    code, _, err = run("race", text.name, *FAST, *short, "--json")
    assert (code, err.splitlines()) == (
        0,
        [f"charrnn-tui: lr {each} is above the usual range of 1e-05 to 0.1" for each in ("1e+06", "2e+06")],
    )
    code, _, err = run("ask", "climb", "no such text", "--lr", "1e6")
    assert (code, err.splitlines()[0]) == (2, f"charrnn-tui: {UNUSUAL}")


def test_a_sample_falls_back_to_the_newest_checkpoint_that_is_whole(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "3")
    latest = Path("charrnn-lab/checkpoints/words-1/latest.safetensors")
    latest.write_bytes(latest.read_bytes()[:-9])
    for says in ("damaged or cut short", "there is no such file"):
        code, out, err = run("sample", "1", "--chars", "9")
        assert (code, len(out), err.count("\n")) == (0, 10, 1)
        assert says in err
        assert "best.safetensors" in err
        latest.unlink(missing_ok=True)
    latest.with_name("best.safetensors").unlink()
    code, out, err = run("sample", "1", "--chars", "9")
    assert (code, out, "run words-1 has no other checkpoint" in err) == (2, "", True)


def test_a_prime_is_checked_before_it_is_written(run: Run, text: Path) -> None:
    run("train", text.name, *FAST, "--updates", "1")
    code, out, err = run("sample", "1", "--prime", "ÄÖ")
    assert (code, out) == (2, "")
    assert "--prime: the text that was trained on has no Ä Ö; it has" in err
    assert "abcdefghijklmnopqrstuvwxyz" in err


@pytest.mark.parametrize("spoil", ["garbage", "folder", "another program's", "newer", "file"])
def test_doctor_looks_into_the_lab(run: Run, tmp_path: Path, spoil: str) -> None:
    folder = tmp_path / "lab"
    if spoil != "file":
        folder.mkdir()
    file = folder / "lab.sqlite"
    if spoil == "garbage":
        file.write_bytes(b"dear diary, " * 500)
    elif spoil == "folder":
        file.mkdir()
    elif spoil == "file":
        folder.write_text("no folder")
    else:
        Lab.open(folder).close() if spoil == "newer" else file.touch()
        with sqlite3.connect(file) as connection:
            if spoil == "newer":
                connection.execute("update alembic_version set version_num = '0007'")
            else:
                connection.execute("create table diary (day text)")
    code, out, _ = run("doctor", "--lab", str(folder))
    (line,) = [line for line in out.splitlines() if line.split()[1:2] == ["lab"]]
    assert (code, line.split()[0]) == (1, "missing")


def test_doctor_finds_a_good_lab_good(run: Run, tmp_path: Path) -> None:
    Lab.open(tmp_path / "lab").close()
    for lab in ("lab", "not/there/yet"):
        _, out, _ = run("doctor", "--lab", lab)
        assert [line.split()[0] for line in out.splitlines() if line.split()[1:2] == ["lab"]] == ["ok"]


NAME = "a-name-of-a-run-that-nobody-would-want-to-type-but-many-do-copy"


def test_a_runs_name_is_listed_whole(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("train", text.name, *FAST, "--updates", "1", "--name", NAME)
    for columns in ("80", "60", "20"):
        monkeypatch.setenv("COLUMNS", columns)
        lines = run("runs")[1].splitlines()
        assert len(lines) == 2  # in a pipe a line each, and nothing is left out
        assert all(word in lines[1] for word in (NAME, text.name, "lstm 1×12", "updates"))
        assert NAME in run("runs", NAME)[1]
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        listed = run("runs")[1]
        assert NAME in listed
        assert len(listed.splitlines()) == 2
        assert NAME in run("runs", NAME)[1]
        monkeypatch.delenv("TTY_COMPATIBLE")


def test_in_a_terminal_the_list_of_runs_fits(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "25")  # without it Rich takes every dumb terminal to have 80 columns
    long = Path("the-collected-works-of-somebody-who-wrote-much.txt")
    text.rename(long)
    run("train", long.name, *FAST, "--updates", "1")
    name = "the-collected-works-of-somebody-who-wrot-1"
    for columns in (200, 120, 100, 80, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = run("runs")[1].splitlines()
        assert len(lines) == 2
        assert name in lines[1]
        assert all(len(line) <= columns for line in lines)


def test_a_huge_loss_is_short() -> None:
    assert [nats(loss) for loss in (None, 1.5, 9999.5, 5e37)] == ["–", "1.5000", "9999.5000", "5.00e+37"]


def test_without_a_terminal_progress_is_a_line_now_and_then(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bar = train._Bar()
    with bar.showing(Session(Job(NewRun("x", Settings()), Path("lab")))):
        for update in range(400):
            now[0] = update / 10
            bar(Validation(update, update, 1.0))
            bar(Point(update, update, now[0], 1.25, 1.0, 1.0, 0.0, (), 1e-3, 1))
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) in (3, 4)
    assert all("loss 1.2500  val 1.0000" in line for line in lines)


def the_program(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code and output of the program, started with the standard streams as they are."""
    monkeypatch.setattr(sys, "argv", ["charrnn-tui", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_an_encoding_without_the_character_shows_a_replacement(
    run: Run, text: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text.write_text(text.read_text().replace("quick", "qüïck"))
    run("train", text.name, *FAST, "--updates", "1")
    assert isinstance(sys.stdout, io.TextIOWrapper)
    for arguments in (["runs"], ["runs", "1"], ["sample", "1", "--prime", "qüï"], ["doctor"]):
        sys.stdout.reconfigure(encoding="ascii", errors="strict")
        assert the_program(monkeypatch, *arguments) == int(arguments == ["doctor"])
        out, err = capfd.readouterr()
        assert (out.isascii(), "?" in out, err) == (True, True, "")


def test_closed_streams_lead_nowhere(
    run: Run, text: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run("train", text.name, *FAST, "--updates", "1")
    for name, arguments, code in (
        ("stdin", ["train", "-", *FAST], 2),
        ("stdout", ["train", text.name, *FAST, "--updates", "1"], 0),
        ("stdout", ["sample", "1"], 0),
        ("stdout", ["doctor"], 1),
        ("stderr", ["train", "nowhere.txt"], 2),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sys, name, None)
            assert the_program(patch, *arguments) == code
            getattr(sys, name).close()
        assert ("stdin is empty" in capfd.readouterr().err) == (name == "stdin")


def test_every_field_of_the_json_lines_is_listed(run: Run) -> None:
    listed = Path(cli.__file__).parents[2].joinpath("docs", "json.md").read_text()
    for kind, name in NAMES.items():
        (row,) = [line for line in listed.splitlines() if line.startswith(f"| `{name}` |")]
        names = {field.name for field in fields(kind)}
        if kind is Finding:
            # What JSON has of it is agreed on for all time; the other fields are the console's.
            names = names - {"trial", "since_chars", "found_update", "site"} | {"try", "file", "line", "code"}
        assert names <= set(re.findall(r"`(\w+)`", row.split("|")[3]))
    assert {f"`{field.name}`" for field in fields(LabRun)} <= set(re.findall(r"`\w+`", listed))
    assert "docs/json.md" in run("--help")[1]


def test_the_help_lists_exit_codes(run: Run) -> None:
    assert "Exit code: 0" in run("--help")[1]


@pytest.fixture
def completed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    def complete(*words: str) -> list[str]:
        capfd.readouterr()
        monkeypatch.setenv("_CHARRNN_TUI_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", shlex.join(["charrnn-tui", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        with pytest.raises(SystemExit) as caught:
            cli.cli.main([], prog_name="charrnn-tui")
        assert caught.value.code == 0
        monkeypatch.delenv("_CHARRNN_TUI_COMPLETE")
        captured = capfd.readouterr()
        assert captured.err == ""
        return captured.out.split()

    return complete


def test_completion_offers_what_there_is(run: Run, text: Path, completed: Callable[..., list[str]]) -> None:
    assert completed("resume", "") == ["file,"]
    assert completed("runs", "") == []
    run("train", text.name, *FAST, "--updates", "1", "--name", "wonder")
    run("train", text.name, *FAST, "--updates", "1", "--name", "winter", "--lab", "other")
    assert completed("train", "w") == ["file,w"]
    assert {"plain,shakespeare.txt", "plain,words.txt", "plain,other/"} <= set(completed("train", ""))
    assert completed("train", "sh") == ["plain,shakespeare.txt"]
    assert {"plain,train", "plain,runs", "plain,coin.txt", "plain,words.txt"} <= set(completed(""))
    assert completed("words.txt", "--cell", "") == ["plain,rnn", "plain,gru", "plain,lstm"]
    assert completed("train", "words.txt", "--preset", "o") == ["plain,online"]
    assert completed("train", "words.txt", "--clip", "") == ["plain,off"]
    assert completed("resume", "--dtype", "b") == ["plain,bfloat16"]
    assert completed("fork", "wo") == ["plain,wonder"]
    assert completed("fork", "wonder", "--set", "clip") == ["plain,clip=", "plain,clip_by="]
    assert completed("resume", "--text", "coin") == ["plain,coin.txt"]
    assert completed("runs", "") == ["plain,wonder"]
    assert completed("runs", "--lab", "other", "") == ["plain,winter"]
    assert completed("resume", "wo") == ["plain,wonder"]
    folder = "charrnn-lab/checkpoints/wonder/"
    found = [f"plain,{folder}best.safetensors", f"plain,{folder}latest.safetensors"]
    assert completed("sample", folder) == found


def test_completion_offers_commands(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(os.environ, "_CHARRNN_TUI_COMPLETE", "bash_source")
    with pytest.raises(SystemExit) as caught:
        cli.cli.main([], prog_name="charrnn-tui")
    assert caught.value.code == 0
    assert "_charrnn_tui_completion" in capfd.readouterr().out
