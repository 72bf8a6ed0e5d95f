"""A cached text that another program shortens while the real process trains on it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from engine.checkpoints import checkpoint
from engine.events import RunStatus
from engine.lab import Lab
from tests.warm_start import Warm

pytestmark = pytest.mark.xdist_group("terminal")  # the programs are forked from one process

FAST = ["--hidden", "12", "--embedding", "6", "--dtype", "float32", "--threads", "1"]

CACHED = "from engine.text import cache; cache.LARGE = 0; from tui.command_line.cli import main; main()"
"""The program, which caches texts of any size."""


def events(out: IO[str]) -> Iterator[dict[str, Any]]:
    return map(json.loads, out)


@pytest.mark.parametrize(("left", "streams"), [(0.0, 4), pytest.param(0.5, 4, marks=pytest.mark.soak), (0.5, 1)])
def test_a_shortened_cache_ends_a_training_with_one_line(
    text: Path, tmp_path: Path, warm: Warm, left: float, streams: int
) -> None:
    lab = tmp_path / "lab"
    arguments = ["train", str(text), *FAST, "--streams", str(streams), "--json", "--lab", str(lab)]
    process, out, err = warm.piped(CACHED, arguments, tmp_path)
    assert next(event for event in events(out) if event["event"] == "point")
    cached = next((lab / "texts").glob("*.npy"))
    os.truncate(cached, int(cached.stat().st_size * left))
    told = list(events(out))
    said = err.read().splitlines()

    assert process.wait() == 2
    end = told[-1]
    # A slow machine may have read the validation split before the file became shorter.
    assert (end["event"], end["reason"]) == ("end", "text-lost")
    assert len(said) == 1
    assert f"another program changed {cached}" in said[0]
    assert f"words-1 is saved at update {end['update']:,}: `resume` continues from there" in said[0]
    with Lab.open(lab) as found:
        run = found.runs.get("1")
        assert run.status is RunStatus.TEXT_LOST
        whole = checkpoint.load(found.runs.checkpoint_folder(run) / "latest.safetensors")
        assert whole.state.counters.updates == end["update"] > 0

    arguments = ["resume", "1", "--updates", str(end["update"] + 3), "--json", "--lab", str(lab)]
    process, out, _ = warm.piped(CACHED, arguments, tmp_path)
    assert list(events(out))[-1]["update"] == end["update"] + 3
    assert process.wait() == 0
    assert cached.stat().st_size > text.stat().st_size // 2
