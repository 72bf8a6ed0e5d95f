"""The loss of a run over the held-out part of its text, on the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from engine.checkpoints import checkpoint
from tests.tui.command_line.conftest import Run

NETWORK = ("--hidden", "8", "--embedding", "4", "--streams", "3", "--bptt", "5", "--dtype", "float32")


@pytest.fixture
def lab(run: Run, text: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    code, *_ = run("train", str(text), *NETWORK, "--updates", "40", "--name", "one", "--lab", str(folder))
    assert code == 0
    return folder


def test_the_loss_is_that_of_the_end_of_the_training(run: Run, text: Path, lab: Path) -> None:
    _, out, _ = run("runs", "--json", "--lab", str(lab))
    (trained,) = map(json.loads, out.splitlines())
    code, out, _ = run("evaluate", "one", "--json", "--lab", str(lab))
    assert code == 0
    found = json.loads(out)
    assert (found["event"], found["run"], found["update"], found["dynamic"]) == ("evaluation", "one", 40, None)
    assert found["loss"] == pytest.approx(trained["val_loss"], rel=1e-6)
    assert 0 < found["chars"] < len(text.read_text(encoding="utf-8"))


def test_dynamic_evaluation_is_told_apart(run: Run, lab: Path) -> None:
    _, out, _ = run("evaluate", "one", "--dynamic", "--json", "--lab", str(lab))
    found = json.loads(out)
    assert math.isfinite(found["dynamic"])
    assert found["dynamic"] != found["loss"]
    code, out, _ = run("evaluate", "one", "--dynamic", "--lab", str(lab))
    assert code == 0
    fixed, learnt = out.splitlines()
    assert fixed.startswith("one at update 40, over the last")
    assert learnt.startswith("while it goes on learning from what it has read: ")


def test_a_file_is_evaluated_as_well(run: Run, lab: Path) -> None:
    path = lab / "checkpoints" / "one" / "latest.safetensors"
    code, out, _ = run("evaluate", str(path), "--json", "--lab", str(lab))
    assert (code, json.loads(out)["run"]) == (0, "one")


def test_what_cannot_be_evaluated_is_one_line(run: Run, text: Path, lab: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(text.read_text(encoding="utf-8")[::-1], encoding="utf-8")
    path = lab / "checkpoints" / "one" / "latest.safetensors"
    broken = checkpoint.load(path)
    broken.state.tensors["network.head.bias"].fill_(math.nan)
    checkpoint.save(tmp_path / "broken.safetensors", broken)
    for arguments, says in (
        (["one", "--text", str(other)], "is not the text that one was trained on"),
        (["one", "--text", "nowhere.txt"], "there is no text nowhere.txt: give its present path with --text"),
        (["two"], "has no run two"),
        ([str(tmp_path / "broken.safetensors")], "the network's numbers are not finite"),
    ):
        code, out, err = run("evaluate", *arguments, "--lab", str(lab))
        assert (code, out, len(err.strip().splitlines())) == (2, "", 1)
        assert says in err
