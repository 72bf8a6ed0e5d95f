"""N updates in a row give the same bits as k updates, a save, a new process, and N − k more updates."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.budget import Budget, CoolDownSpan
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.network.compute import choose
from engine.network.model import CELLS
from engine.settings import PRESETS, Settings
from engine.text.corpus import read_corpus
from engine.training.compiled.blas import MULTIPLIES_BFLOAT16
from engine.training.state import COMPILED, State
from engine.training.trainer import Trainer
from tests.conftest import small

OPTIMIZERS = ("adamw", "adam", "rmsprop", "sgd")

GO_ON = """
import sys
from pathlib import Path
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.network.compute import choose
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer

text, folder, updates = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for path in sorted(folder.glob("*.safetensors")):
    found = checkpoint.load(path)
    settings = found.state.settings
    trainer = Trainer.restored(read_corpus(text, text.name, settings.vocabulary), found.state, choose(settings))
    for _ in range(updates):
        trainer.train()
    checkpoint.save(path.with_suffix(".done"), Checkpoint(found.origin, trainer.state()))
"""


def combinations(*, every: bool) -> dict[str, Settings]:
    """Trainings by name; unless `every` one is wanted, each cell has each preset and each optimiser once."""
    found = {}
    for cell, preset, optimizer in product(CELLS, PRESETS, OPTIMIZERS):
        turn = list(CELLS).index(cell) + list(PRESETS).index(preset)
        if not every and optimizer != OPTIMIZERS[turn % len(OPTIMIZERS)]:
            continue
        changes: dict[str, Any] = dict(PRESETS[preset])
        rule = changes | {"bptt": str(changes["bptt"]), "lr": 1e-3, "hidden": 12}
        found[f"{cell}-{preset}-{optimizer}"] = small(cell=cell, optimizer=optimizer, **rule)
    found["dropout"] = small(dropout=0.4, layers=2, bptt="2-9")
    found["bfloat16"] = small(cell="gru", dtype="bfloat16", hidden=32, streams=8)  # that cell has it everywhere
    found["two-threads"] = small(threads=2, hidden=64, streams=8)
    found["geom-all"] = small(bptt="geom:9", targets="all", clip_by="value", clip=0.01)
    return found


WAYS = {"torch": 0, "float32 loops": 1, **({"bfloat16 loops": 2} if MULTIPLIES_BFLOAT16 else {})}
"""How the passes of several streams are made, as a checkpoint says it."""


def start(text: Path, settings: Settings, shards: int = 1, loops: int = 0) -> tuple[Trainer, Origin]:
    corpus = read_corpus(text, text.name, settings.vocabulary)
    origin = Origin("run", text.name, str(text), corpus.digest, corpus.vocabulary, Budget())
    if loops and settings.streams > 1:
        settings = replace(settings, dtype="auto")
    compute = replace(choose(settings), shards=shards)
    if loops and settings.streams > 1:
        compute = replace(compute, dtype=COMPILED[loops], compiled=True)
    return Trainer(corpus, settings, compute), origin


def assert_same_bits(one: State, other: State, what: str) -> None:
    assert one.counters == other.counters, what
    assert one.random.lengths == other.random.lengths, what
    assert torch.equal(one.random.dropout, other.random.dropout), what
    assert one.tensors.keys() == other.tensors.keys(), what
    for name, tensor in one.tensors.items():
        assert torch.equal(tensor, other.tensors[name]), f"{what}: {name}"


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("first", "total", "every"), [(3, 8, False), pytest.param(17, 40, True, marks=pytest.mark.soak)]
)
def test_a_new_process_goes_on_in_the_same_bits(
    text: Path, tmp_path: Path, first: int, total: int, every: bool, way: str, shards: int
) -> None:
    straight = {}
    for name, settings in combinations(every=every).items():
        if settings.streams == 1 and (shards, way) != (1, "torch"):
            continue  # a single stream has no shards, and loops of its own
        trainer, origin = start(text, settings, shards, WAYS[way])
        for update in range(total):
            if update == first:
                checkpoint.save(tmp_path / f"{name}.safetensors", Checkpoint(origin, trainer.state()))
            trainer.train()
        straight[name] = trainer.state()
    subprocess.run([sys.executable, "-c", GO_ON, text, tmp_path, str(total - first)], check=True)
    for name, state in straight.items():
        assert_same_bits(state, checkpoint.load(tmp_path / f"{name}.done").state, name)


def test_a_change_and_a_cool_down_survive(text: Path, tmp_path: Path) -> None:
    trainer, origin = start(text, small(warmup=3))
    for update in range(20):
        if update == 6:
            trainer.turn(trainer.settings.with_text("bptt", "11").with_text("lr", "0.01"))
            trainer.cool_down(CoolDownSpan(6, 10))
        if update == 9:
            checkpoint.save(tmp_path / "state.safetensors", Checkpoint(origin, trainer.state()))
        trainer.train()
    straight = trainer.state()
    found = checkpoint.load(tmp_path / "state.safetensors")
    assert found.origin == replace(origin)
    again = Trainer.restored(trainer.corpus, found.state, trainer.compute)
    for _ in range(11):
        again.train()
    assert_same_bits(straight, again.state(), "with a change")
    assert again.counters.changes == 2


def test_going_back_gives_the_same_bits_again(text: Path) -> None:
    trainer, _ = start(text, small(bptt="geom:6", dropout=0.2))
    for _ in range(5):
        trainer.train()
    kept = trainer.state()
    for _ in range(7):
        trainer.train()
    first = trainer.state()
    trainer.restore(kept)
    assert_same_bits(kept, trainer.state(), "at once")
    for _ in range(7):
        trainer.train()
    assert_same_bits(first, trainer.state(), "after the same updates")
