"""Dynamic evaluation: against a plain loop in float64, and what it leaves alone."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.network.compute import choose
from engine.network.dynamic_evaluation import FARTHEST, LOOKED_AT, SEGMENT, SMALLEST, evaluate_dynamically
from engine.network.model import CELLS, CharRNN
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer
from tests.conftest import small
from tests.engine.network.test_evaluation import single_pass


def trained(text: Path, cell: str = "lstm", updates: int = 30) -> Trainer:
    settings = small(cell=cell, hidden=16)
    trainer = Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))
    for _ in range(updates):
        trainer.train()
    return trainer


def plainly(network: CharRNN, training: np.ndarray, ids: np.ndarray, rate: float, decay: float) -> float:
    """The same in float64 with one optimiser step after the other, for a single layer."""
    learner = copy.deepcopy(network).double()
    first = [each.detach().clone() for each in learner.parameters()]

    def loss_of(part: np.ndarray, state: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        entries = torch.from_numpy(part.astype(np.int64))
        layer = learner.rnn[0]
        assert isinstance(layer, nn.Module)
        given = state[0] if len(state) == 1 else tuple(state)
        outputs, after = layer(learner.embedding(entries[:-1])[:, None], given)
        loss = functional.cross_entropy(learner.head(outputs[:, 0]), entries[1:])
        return loss, [each.detach() for each in (after if isinstance(after, tuple) else (after,))]

    zeros = [each.double() for each in network.zero_state(1)]
    starts = list(range(0, len(training) - 1 - SEGMENT, max(SEGMENT, (len(training) - 1) // LOOKED_AT)))
    squares = [torch.zeros_like(each) for each in first]
    for start in starts:
        learner.zero_grad()
        loss_of(training[start : start + SEGMENT + 1], zeros)[0].backward()  # type: ignore[no-untyped-call]
        for square, weight in zip(squares, learner.parameters(), strict=True):
            assert weight.grad is not None
            square += weight.grad**2 / len(starts)
    usual = [square.sqrt() for square in squares]
    mean = sum(float(each.sum()) for each in usual) / sum(each.numel() for each in usual)

    total, state = 0.0, zeros
    for begin in range(0, len(ids) - 1, SEGMENT):
        part = ids[begin : begin + SEGMENT + 1]
        learner.zero_grad()
        loss, state = loss_of(part, state)
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach()) * (len(part) - 1)
        with torch.no_grad():
            for weight, size, at_first in zip(learner.parameters(), usual, first, strict=True):
                assert weight.grad is not None
                step = weight.grad / (size + SMALLEST * mean)
                moved = weight - rate * torch.clamp(step, -FARTHEST, FARTHEST)
                weight.copy_(moved + torch.clamp(decay * size / mean, max=1) * (at_first - moved))
    return total / (len(ids) - 1)


@pytest.mark.parametrize("length", [2, SEGMENT + 1, 400])
@pytest.mark.parametrize("cell", CELLS)
def test_it_is_what_a_plain_loop_in_float64_gives(text: Path, cell: str, length: int) -> None:
    trainer = trained(text, cell)
    training, ids = trainer.corpus.ids[:3000], trainer.corpus.ids[3000 : 3000 + length]
    found = evaluate_dynamically(trainer.network, training, ids, rate=1e-3, decay=1e-2)
    assert found == pytest.approx(plainly(trainer.network, training, ids, 1e-3, 1e-2), rel=1e-4)


def test_without_steps_it_is_the_loss_of_fixed_weights_and_the_network_is_left_alone(text: Path) -> None:
    trainer = trained(text)
    before = copy.deepcopy(trainer.network.state_dict())
    ids = trainer.corpus.validation
    found = evaluate_dynamically(trainer.network, trainer.corpus.training, ids, rate=0, decay=0)
    assert found == pytest.approx(single_pass(trainer.network, np.asarray(ids[:])), rel=1e-5)
    evaluate_dynamically(trainer.network, trainer.corpus.training, ids[:200])
    for name, tensor in trainer.network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_text_that_repeats_itself_is_learnt_while_it_is_read(text: Path) -> None:
    trainer = trained(text)
    repeated = np.tile(trainer.corpus.ids[:40], 200)
    fixed = evaluate_dynamically(trainer.network, trainer.corpus.training, repeated, rate=0, decay=0)
    learnt = evaluate_dynamically(trainer.network, trainer.corpus.training, repeated)
    assert fixed is not None
    assert learnt is not None
    assert learnt < 0.9 * fixed


def test_characters_that_were_hardly_trained_on_do_not_make_it_diverge() -> None:
    settings = small(hidden=16)
    network = CharRNN(settings, 20_000)
    network.initialise(torch.Generator().manual_seed(0), torch.ones(20_000))
    common, every = np.arange(8, dtype=np.uint16), np.arange(20_000, dtype=np.uint16)
    training, held_out = np.tile(common, 500), np.concatenate([np.tile(common, 100), every[::50], np.tile(common, 100)])
    fixed = evaluate_dynamically(network, training, held_out, rate=0, decay=0)
    learnt = evaluate_dynamically(network, training, held_out)
    assert fixed is not None
    assert learnt is not None
    assert learnt < fixed


def test_it_is_given_up_on_demand(text: Path) -> None:
    trainer = trained(text, updates=1)
    shares: list[float] = []

    def keep_going(share: float) -> bool:
        shares.append(share)
        return len(shares) < 3

    assert evaluate_dynamically(trainer.network, trainer.corpus.training, trainer.corpus.ids[:999], keep_going) is None
    assert len(shares) == 3
    assert 0 < shares[0] < shares[1] < 1
