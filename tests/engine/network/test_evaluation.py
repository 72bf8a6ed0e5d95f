"""Validation and sampling: right, and without a trace in the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.errors import UserError
from engine.network import lanes
from engine.network.compute import choose
from engine.network.evaluation import evaluate
from engine.network.model import CELLS, CharRNN
from engine.network.sampling import Sampler, Taste, drawn_from
from engine.text.corpus import read_corpus
from engine.text.vocabulary import Vocabulary
from engine.training.trainer import Trainer
from tests.conftest import small
from tests.engine.training.test_exactness import assert_same_bits


def trained(text: Path, cell: str = "lstm") -> Trainer:
    settings = small(cell=cell, hidden=24)
    trainer = Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))
    for _ in range(30):
        trainer.train()
    return trainer


@torch.no_grad()
def single_pass(network: CharRNN, ids: np.ndarray) -> float:
    """The mean loss, one character after the other."""
    state, total = network.zero_state(1), 0.0
    for here, there in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True):
        outputs, state = network(torch.tensor([[here]]), state)
        total += float(functional.cross_entropy(network.head(outputs)[0], torch.tensor([there])))
    return total / (len(ids) - 1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("length", [2, 3, 400, 5003])
def test_lanes_give_what_a_single_pass_gives(text: Path, cell: str, length: int) -> None:
    trainer = trained(text, cell)
    ids = trainer.corpus.ids[:length]
    found = evaluate(trainer.network, ids, trainer.compute)
    assert found == pytest.approx(single_pass(trainer.network, ids), rel=1e-5)


def test_many_lanes_are_read_side_by_side(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trained(text)
    monkeypatch.setattr(lanes, "SHORTEST_LANE", 300)
    ids = trainer.corpus.ids[:5000]
    assert evaluate(trainer.network, ids, trainer.compute) == pytest.approx(single_pass(trainer.network, ids), rel=1e-4)


def test_it_can_be_given_up(text: Path) -> None:
    trainer = trained(text)
    shares: list[float] = []

    def keep_going(share: float) -> bool:
        shares.append(share)
        return len(shares) < 3

    assert evaluate(trainer.network, trainer.corpus.ids, trainer.compute, keep_going) is None
    assert shares == sorted(shares)
    assert len(shares) == 3


def test_neither_leaves_a_trace_in_the_training(text: Path) -> None:
    runs = []
    for disturbed in (False, True):
        trainer = trained(text)
        sampler = Sampler(trainer.network, trainer.corpus.vocabulary, seed=1, prime="the")
        for _ in range(5):
            if disturbed:
                evaluate(trainer.network, trainer.corpus.validation, trainer.compute)
                sampler.draw(Taste(0.9))
            trainer.train()
        runs.append(trainer.state())
    assert_same_bits(runs[0], runs[1], "disturbed")


def write(trainer: Trainer, seed: int, temperature: float, prime: str = "") -> str:
    sampler = Sampler(trainer.network, trainer.corpus.vocabulary, seed, prime)
    return "".join(sampler.draw(Taste(temperature)).text for _ in range(80))


def test_a_seed_gives_the_same_text_and_another_seed_another(text: Path) -> None:
    trainer = trained(text)
    assert write(trainer, 3, 0.8) == write(trainer, 3, 0.8)
    assert write(trainer, 3, 0.8) != write(trainer, 4, 0.8)


def test_temperature_zero_takes_the_likeliest_and_needs_no_seed(text: Path) -> None:
    trainer = trained(text)
    assert write(trainer, 1, 0.0) == write(trainer, 2, 0.0)
    assert write(trainer, 1, 1e-9) == write(trainer, 2, 0.0)


CHANCES = (0.05, 0.4, 0.3, 0.2, 0.05)


@pytest.mark.parametrize(
    ("taste", "left"),
    [
        (Taste(), {0, 1, 2, 3, 4}),
        (Taste(top_k=1), {1}),
        (Taste(top_k=2), {1, 2}),
        (Taste(top_k=99), {0, 1, 2, 3, 4}),
        (Taste(top_p=0.4), {1}),
        (Taste(top_p=0.41), {1, 2}),
        (Taste(top_p=1e-6), {1}),
        (Taste(min_p=0.5), {1, 2, 3}),
        (Taste(min_p=1.0), {1}),
        (Taste(top_k=3, top_p=0.95, min_p=0.7), {1, 2}),
    ],
)
def test_only_what_a_taste_leaves_is_drawn(taste: Taste, left: set[int]) -> None:
    found = drawn_from(torch.tensor(CHANCES, dtype=torch.float64), taste)
    assert {place for place, chance in enumerate(found.tolist()) if chance > 0} == left
    assert all(found[place] == CHANCES[place] for place in left)


def test_a_prime_changes_what_follows(text: Path) -> None:
    trainer = trained(text)
    trainer.train(300)
    assert write(trainer, 1, 0.8, "the quick ") != write(trainer, 1, 0.8, "jugs. 12")


def test_a_foreign_character_in_the_prime_is_named(text: Path) -> None:
    trainer = trained(text)
    with pytest.raises(UserError, match="has no É"):
        Sampler(trainer.network, trainer.corpus.vocabulary, 1, "É")


def test_a_network_that_is_not_finite_cannot_write(text: Path) -> None:
    trainer = trained(text)
    with torch.no_grad():
        trainer.network.head.bias.fill_(float("nan"))
    with pytest.raises(ArithmeticError, match="not finite"):
        write(trainer, 1, 0.8)


def test_a_vocabulary_that_spells_writes_whole_characters() -> None:
    vocabulary = Vocabulary("ab", spells=True)
    settings = small()
    network = CharRNN(settings, vocabulary.size)
    network.initialise(torch.Generator().manual_seed(0), torch.full((vocabulary.size,), 1 / vocabulary.size))
    sampler = Sampler(network, vocabulary, 0, "日本")
    text = "".join(sampler.draw(Taste(1.0)).text for _ in range(200))
    text.encode()


def test_the_chances_are_the_networks_own_whatever_the_taste(text: Path) -> None:
    trainer = trained(text)
    trainer.train(200)
    vocabulary = trainer.corpus.vocabulary
    sampler, read = Sampler(trainer.network, vocabulary, 1, "the "), "the "
    for _ in range(20):
        ids = torch.tensor(vocabulary.encode(read).astype(int)).reshape(-1, 1)
        with torch.no_grad():
            outputs, _ = trainer.network(ids, trainer.network.zero_state(1))
            expected = torch.softmax(trainer.network.head(outputs[-1, 0]).double(), 0)
        drawn = sampler.draw(Taste(2.0, top_k=30))
        found = dict(drawn.chances)
        assert drawn.name in found
        assert [name for name, _ in drawn.chances[:8]] == [
            vocabulary.characters[place] for place in expected.argsort(descending=True)[:8]
        ]
        assert all(
            abs(chance - float(expected[vocabulary.characters.index(name)])) < 1e-5 for name, chance in found.items()
        )
        read += drawn.text


def test_a_byte_is_named_by_its_digits() -> None:
    vocabulary = Vocabulary("ab", spells=True)
    assert [vocabulary.name(entry) for entry in (0, 0xE3, 256, 257)] == ["<00>", "<e3>", "a", "b"]
    assert Vocabulary("ab").name(1) == "b"
