"""kill -9 at any moment: the newest checkpoint loads, every committed row is there, and the run goes on."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from engine.checkpoints import checkpoint
from engine.events import Point
from engine.lab import Lab
from tests.warm_start import Warm

pytestmark = pytest.mark.xdist_group("terminal")  # the programs are forked from one process

MAIN = "from tui.command_line.cli import main; main()"
FAST = ["--hidden", "24", "--embedding", "8", "--streams", "4", "--bptt", "10", "--dtype", "float32", "--threads", "1"]


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_kill_9_loses_nothing_that_was_complete(text: Path, tmp_path: Path, warm: Warm, kills: int) -> None:
    lab = tmp_path / "lab"
    chance = random.Random(0)
    arguments = ["train", str(text), *FAST, "--warmup", "5"]
    reached = 0
    stored: set[Point] = set()
    for _ in range(kills):
        process, out, _ = warm.piped(
            MAIN, [*arguments, "--checkpoint-every", "1", "--lab", str(lab), "--json"], tmp_path
        )
        saved = 0
        for line in out:
            event = json.loads(line)
            saved = event["update"] if event["event"] == "checkpoint" and event["kind"] == "auto" else saved
            if saved > reached + 5:
                break
        # A moment within the next writes, which follow each other every few milliseconds.
        end = time.monotonic() + chance.random() / 5
        while time.monotonic() < end:
            out.readline()
        process.kill()
        process.wait()

        with Lab.open(lab) as found:
            run = found.runs.get("1")
            assert run.status == "interrupted"
            points = found.events.points(run)
            assert set(points) >= stored
            assert [point.update for point in points] == sorted({point.update for point in points})
            whole = checkpoint.load(found.runs.checkpoint_folder(run) / "latest.safetensors")
            assert whole.state.counters.updates >= saved > reached
            reached = whole.state.counters.updates
            stored = {point for point in points if point.update <= reached}
        arguments = ["resume", "1", "--headless"]
    process, out, _ = warm.piped(
        MAIN, [*arguments, "--updates", str(reached + 3), "--lab", str(lab), "--json"], tmp_path
    )
    assert json.loads(out.readlines()[-1])["update"] == reached + 3
    assert process.wait() == 0
    assert not list((lab / "checkpoints" / "words-1").glob(".*.part.*"))
