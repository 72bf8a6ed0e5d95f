"""Instruments change nothing that an update depends on, and give a reading of whatever they are shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.instruments.agreement import agreement
from engine.instruments.gates import gates
from engine.instruments.gradient_by_lag import gradient_by_lag
from engine.instruments.numerics import numerics
from engine.instruments.sharpness import sharpness
from engine.instruments.update_ratio import update_ratio, weights
from engine.network.model import CELLS
from engine.training.subject import Subject
from engine.training.trainer import Trainer
from tests.engine.instruments.reference import trained
from tests.engine.training.test_exactness import assert_same_bits


def moved(subject: Subject) -> object:
    return update_ratio(weights(subject.network), subject.network)


INSTRUMENTS: dict[str, Callable[[Subject], Any]] = {
    "agreement": agreement,
    "gates": gates,
    "gradient_by_lag": gradient_by_lag,
    "numerics": numerics,
    "sharpness": sharpness,
    "update_ratio": moved,
}

RULES: dict[str, dict[str, Any]] = {
    "online": {"streams": 1, "bptt": "1"},
    "random-step": {"streams": 1, "bptt": "geom:11", "targets": "last"},
    "streams": {"streams": 16, "bptt": "7"},
    "dropout": {"streams": 16, "bptt": "3-9", "dropout": 0.3, "layers": 2},
    "one-dropout": {"streams": 1, "bptt": "5", "dropout": 0.3},
}


OPTIMIZERS = ("adamw", "rmsprop", "sgd")

TRAININGS = [
    pytest.param(cell, rule, optimizer, marks=() if (one + other + third) % 3 == 0 else pytest.mark.soak)
    for one, cell in enumerate(CELLS)
    for other, rule in enumerate(RULES)
    for third, optimizer in enumerate(OPTIMIZERS)
]
"""Outside of the soak each cell has each rule once, and each rule has each optimiser once."""


def look(trainer: Trainer) -> None:
    for instrument in INSTRUMENTS.values():
        instrument(trainer.subject())


@pytest.mark.parametrize(("cell", "rule", "optimizer"), TRAININGS)
def test_the_training_goes_on_in_the_same_bits(text: Path, cell: str, rule: str, optimizer: str) -> None:
    changes = {"cell": cell, "optimizer": optimizer, "lr": 1e-3, "warmup": 4} | RULES[rule]
    alone, watched = trained(text, 0, **changes), trained(text, 0, **changes)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    look(watched)
    for _ in range(3):
        alone.train(4)
        watched.train(4)
        gradients = [parameter.grad for parameter in watched.network.parameters()]
        copies = [None if gradient is None else gradient.clone() for gradient in gradients]
        look(watched)
        for parameter, gradient, copy in zip(watched.network.parameters(), gradients, copies, strict=True):
            assert parameter.grad is gradient
            assert (copy is None and gradient is None) or (
                copy is not None and gradient is not None and torch.equal(copy, gradient)
            )
            assert parameter.requires_grad
            assert parameter.is_leaf
    assert torch.equal(before, torch.get_rng_state())
    assert torch.is_grad_enabled()
    assert_same_bits(alone.state(), watched.state(), f"{cell} {rule} {optimizer}")
    alone.train(5)
    watched.train(5)
    assert_same_bits(alone.state(), watched.state(), f"{cell} {rule} {optimizer}, five further on")


def put_nan(trainer: Trainer) -> None:
    trainer.network.embedding.weight.fill_(math.nan)


def put_infinity(trainer: Trainer) -> None:
    trainer.network.rnn[0].get_parameter("weight_hh_l0")[0, 0] = math.inf


def enlarge(trainer: Trainer) -> None:
    for parameter in trainer.network.parameters():
        parameter.mul_(1e4)


def enlarge_beyond_squares(trainer: Trainer) -> None:
    for parameter in trainer.network.parameters():
        parameter.mul_(1e25)


def clear(trainer: Trainer) -> None:
    for parameter in trainer.network.parameters():
        parameter.zero_()


def forget(trainer: Trainer) -> None:
    for slot in trainer.subject().slots.values():
        slot.zero_()


HARM = [put_nan, put_infinity, enlarge, enlarge_beyond_squares, clear, forget]


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_harmed_network_has_a_reading(
    text: Path, instrument: str, cell: str, harm: Callable[[Trainer], None]
) -> None:
    for optimizer, streams in (("adamw", 3), ("sgd", 1)):
        trainer = trained(text, 5, cell=cell, optimizer=optimizer, streams=streams)
        with torch.no_grad():
            harm(trainer)
        check_plain(INSTRUMENTS[instrument](trainer.subject()))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_short_text_has_a_reading(tmp_path: Path, instrument: str, cell: str) -> None:
    path = tmp_path / "short.txt"
    path.write_text("a short text, no more")
    trainer = trained(path, 5, cell=cell, streams=1, bptt="15")
    check_plain(INSTRUMENTS[instrument](trainer.subject()))


def check_plain(reading: Any) -> None:
    """Only numbers and tuples of numbers, which JSON can hold."""
    for value in astuple(reading):
        values = value if isinstance(value, tuple) else (value,)
        assert values
        assert all(type(number) in (int, float) for number in values), value
