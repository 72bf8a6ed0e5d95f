"""What `bench` prints of a network's cost; its comparisons take minutes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import bench
from tests.tui.command_line.conftest import Run

NETWORK = ("--hidden", "8", "--embedding", "4", "--streams", "3", "--bptt", "5", "--dtype", "float32")


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_cost_of_a_network_is_one_object(run: Run, text: Path, cell: str) -> None:
    code, out, _ = run("bench", str(text), *NETWORK, "--cell", cell, "--only-cost", "--json")
    assert code == 0
    (found,) = map(json.loads, out.splitlines())
    assert (found["event"], found["network"]) == ("cost", f"{cell} 1×8, 3 × 5 characters, adamw")
    assert found["bound"] in ("arithmetic", "memory", "calls")
    for amount in ("operations", "bytes"):
        share = found["arithmetic" if amount == "operations" else "memory"]
        assert share == pytest.approx(found[amount] / found["seconds"] / found[f"peak_{amount}"])


def test_the_cost_is_told_in_words(run: Run, text: Path) -> None:
    code, out, _ = run("bench", str(text), *NETWORK, "--only-cost")
    assert code == 0
    assert "An update of lstm 1×8, 3 × 5 characters, adamw, takes" in out
    assert "bounds it: " in out


def test_a_network_that_the_memory_cannot_hold_is_one_line(run: Run, text: Path) -> None:
    code, _, err = run("bench", str(text), "--hidden", "8192", "--layers", "16", "--only-cost")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert "use a smaller --hidden" in err


def test_windows_that_the_memory_cannot_hold_are_one_line(
    run: Run, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("can't allocate memory: you tried to allocate 41943040000 bytes")

    monkeypatch.setattr(bench, "cost_of", fails)
    code, out, err = run("bench", str(text), *NETWORK, "--only-cost")
    assert (code, out, len(err.strip().splitlines())) == (2, "", 1)
    assert "use a smaller one of these, --hidden or --layers" in err
