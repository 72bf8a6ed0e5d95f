"""A look at a training gives what the rules need, and changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from engine.network.compute import choose
from engine.network.model import CELLS
from engine.text.corpus import read_corpus
from engine.training.state import finite
from engine.training.trainer import Trainer
from tests.conftest import small
from tests.sick_runs.activations import Activation, activations
from tests.sick_runs.rivals import RIVALS, Step
from tests.sick_runs.watching import saturated_share, watch, weights


def make(text: Path, **changes: Any) -> Trainer:
    settings = small(**changes)
    return Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))


def train_and_watch(trainer: Trainer, looks: int) -> list[Step]:
    steps: list[Step] = []
    for _ in range(looks):
        before = weights(trainer)
        measured = trainer.train()
        steps.append(watch(trainer, measured, before, None))
    return steps


@pytest.mark.parametrize(
    "changes",
    [
        *({"cell": cell, "layers": 2} for cell in CELLS),
        {"streams": 1},
        {"streams": 6, "dropout": 0.3, "bptt": "3-9"},
        {"targets": "last", "optimizer": "sgd"},
    ],
)
def test_the_training_is_the_same_to_the_last_bit(text: Path, changes: dict[str, Any]) -> None:
    alone, watched = make(text, **changes), make(text, **changes)
    for _ in range(4):
        alone.train()
    train_and_watch(watched, 4)
    one, other = alone.state(), watched.state()
    assert one.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert (one.settings, one.counters) == (other.settings, other.counters)
    assert one.random.lengths == other.random.lengths
    assert torch.equal(one.random.dropout, other.random.dropout)


def test_no_random_numbers_are_drawn(text: Path) -> None:
    trainer = make(text, streams=6, dropout=0.3, bptt="3-9")
    before = weights(trainer)
    measured = trainer.train()
    drawn, lengths = torch.get_rng_state(), trainer.state().random.lengths
    watch(trainer, measured, before, None)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert trainer.state().random.lengths == lengths


def test_nothing_is_left_on_the_parameters(text: Path) -> None:
    trainer = make(text)
    before = weights(trainer)
    measured = trainer.train()
    gradients = [None if each.grad is None else each.grad.clone() for each in trainer.network.parameters()]
    watch(trainer, measured, before, None)
    for parameter, gradient in zip(trainer.network.parameters(), gradients, strict=True):
        assert gradient is not None
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, gradient)


@pytest.mark.parametrize("cell", CELLS)
def test_activations_are_those_of_the_modules(text: Path, cell: str) -> None:
    trainer = make(text, cell=cell, layers=2)
    trainer.train(3)
    subject = trainer.subject()
    stretch = subject.ahead(9, 4)
    found, outputs = activations(subject.network, stretch.inputs, stretch.before)
    expected, _ = subject.network(stretch.inputs, stretch.before)
    torch.testing.assert_close(outputs, expected)
    functions = {"rnn": 1, "gru": 3, "lstm": 5}[cell]
    assert [each.inputs.shape for each in found] == [(*stretch.inputs.shape, 12)] * 2 * functions


def test_a_look_says_what_a_plain_computation_says(text: Path) -> None:
    trainer = make(text, bptt="7", streams=3)
    before = weights(trainer)
    measured = trainer.train()
    step = watch(trainer, measured, before, 2.5)

    network, subject = trainer.network, trainer.subject()
    stretch = subject.ahead(7, 3)
    outputs, _ = network(stretch.inputs, stretch.before)
    loss = functional.cross_entropy(network.head(outputs).flatten(0, 1), stretch.targets.flatten())
    gradients = torch.autograd.grad(loss, list(network.matrices().values()))

    assert (step.update, step.loss, step.validation, step.finite) == (1, measured.mean_loss, 2.5, True)
    assert step.gradients == pytest.approx([gradient.abs().mean().item() for gradient in gradients])
    assert step.gradient_norms == pytest.approx([gradient.norm().item() for gradient in gradients])
    changes = [(matrix - old).abs().mean() / old.abs().mean() for matrix, old in _matrices(trainer, before)]
    assert step.update_ratios == pytest.approx([change.item() for change in changes])
    assert all(0 < ratio < 1 for ratio in step.update_ratios)
    assert step.saturated == (0.0,) * 5
    assert 0 <= step.accuracy <= 1


def test_the_accuracy_rises_with_training_and_is_of_the_same_characters(text: Path) -> None:
    trainer = make(text, lr=0.01)
    before = weights(trainer)
    first = watch(trainer, trainer.train(), before, None)
    for _ in range(5):
        trainer.train(100)
    before = weights(trainer)
    measured = trainer.train()
    last = watch(trainer, measured, before, None)
    assert last.accuracy > first.accuracy + 0.2
    assert watch(trainer, measured, before, None) == last


def test_units_are_saturated_where_hardly_an_input_lies_between_the_ends() -> None:
    inputs = torch.zeros(50, 4, 4)
    inputs[..., 0] = 9.6
    inputs[..., 1] = -9.6
    inputs[..., 2] = 17.1
    inputs[0, 0, 2] = 0.0
    assert saturated_share(Activation("tanh", inputs)) == 0.75
    assert saturated_share(Activation("sigmoid", inputs)) == 0.25
    inputs[1, 0, 2] = 0.0
    assert saturated_share(Activation("sigmoid", inputs)) == 0.0


def test_an_update_that_is_not_made_is_seen_as_not_finite(text: Path) -> None:
    trainer = make(text)
    train_and_watch(trainer, 3)
    with torch.no_grad():
        trainer.network.head.bias[0] = math.inf
    before = weights(trainer)
    measured = trainer.train()
    assert measured.broken
    assert not finite(trainer.state())
    step = watch(trainer, measured, before, None)
    assert (step.finite, step.update_ratios, step.update) == (False, (), 3)
    assert math.isnan(step.loss)
    for rival in RIVALS.values():
        assert "non-finite" in rival([step, replace(step, update=4)])[0].causes


def test_units_that_were_thrown_to_their_ends_are_seen(text: Path) -> None:
    trainer = make(text, cell="rnn")
    with torch.no_grad():
        trainer.network.rnn[0].get_parameter("bias_ih_l0")[:7] = 30.0
    before = weights(trainer)
    step = watch(trainer, trainer.train(), before, None)
    assert step.saturated == pytest.approx((7 / 12,))
    assert "SaturatedActivation" in {alarm.rule for alarm in RIVALS["SageMaker Debugger"]([step])}


def _matrices(trainer: Trainer, before: dict[str, torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(matrix.detach(), before[name]) for name, matrix in trainer.network.matrices().items()]
