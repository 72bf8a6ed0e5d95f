"""A run is registered as the training that it is: with the very network's numbers and names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.lab import Lab, Past
from engine.network.compute import choose
from engine.network.model import CELLS
from engine.recording.registration import register
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer
from tests.conftest import small


@pytest.mark.parametrize("cell", CELLS)
def test_a_run_says_what_its_trainer_trains(text: Path, tmp_path: Path, cell: str) -> None:
    corpus = read_corpus(text, "words.txt", 256, lambda _: None)
    trainer = Trainer(corpus, small(cell=cell, layers=2), choose(small()))
    with Lab.open(tmp_path / "lab") as lab:
        run = register(lab, corpus, trainer.settings, name=None, compute=str(trainer.compute))
    assert (run.name, run.text, run.digest) == ("words-1", "words.txt", corpus.digest)
    assert (run.settings, run.compute) == (trainer.settings.plain(), str(trainer.compute))
    assert (run.network, run.parameters) == (f"{cell} 2×12", trainer.network.size())
    assert run.matrix_names == tuple(trainer.network.matrices())
    assert (run.parent, run.update, run.chars) == (None, 0, 0)


def test_a_fork_keeps_the_settings_that_its_past_began_with(text: Path, tmp_path: Path) -> None:
    corpus = read_corpus(text, "words.txt", 256, lambda _: None)
    with Lab.open(tmp_path / "lab") as lab:
        parent = register(lab, corpus, small(lr=0.1), name="parent", compute="cpu")
        past = Past(parent, tmp_path / "latest.safetensors", 7, 1)
        fork = register(lab, corpus, small(lr=0.2), name="fork", compute="cpu", chars=147, past=past)
    assert fork.settings == parent.settings
    assert (fork.parent, fork.update, fork.chars) == (("parent", 7), 7, 147)


def test_registering_draws_no_random_numbers(text: Path, tmp_path: Path) -> None:
    corpus = read_corpus(text, "words.txt", 256, lambda _: None)
    before = torch.random.get_rng_state()
    with Lab.open(tmp_path / "lab") as lab:
        register(lab, corpus, small(), name=None, compute="cpu", text="other.txt")
    assert torch.equal(torch.random.get_rng_state(), before)
