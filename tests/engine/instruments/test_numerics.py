"""The errors of the training's number type against gradients through single cells in float64."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.instruments import numerics as module
from engine.instruments.gradient import gradient_of, loss_of, window
from engine.instruments.numerics import numerics
from engine.network.compute import Compute
from engine.network.model import CharRNN
from tests.engine.instruments.reference import NETWORKS, Loop, flat, trained


@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize(("cell", "layers", "streams"), NETWORKS)
def test_float32_is_as_far_off_as_it_is(text: Path, cell: str, layers: int, streams: int, targets: str) -> None:
    trainer = trained(text, cell=cell, layers=layers, streams=streams, targets=targets)
    stretch = window(trainer.subject())
    assert stretch.inputs.shape == (7, 2)
    loop = Loop(trainer.network)
    loss, precise = float(loop.loss(stretch, targets).detach()), loop.gradient(stretch, targets)
    rough_loss, rough = gradient_of(trainer.network, stretch, targets)
    reading = numerics(trainer.subject())
    errors = [one.double() - other for one, other in zip(rough, precise, strict=True)]
    # The last digits of errors of 1e-7 depend on the order of the sums.
    assert reading.loss_error == pytest.approx(abs(rough_loss - loss) / loss, abs=1e-12)
    assert reading.gradient_error == pytest.approx(float(flat(errors).norm() / flat(precise).norm()), rel=1e-4)
    assert reading.gradient_error < 1e-5
    names = [name for name, _ in trainer.network.named_parameters() if "bias" not in name]
    assert len(reading.matrix_errors) == len(names) == len(trainer.network.matrices())
    by_name = {
        name: float(error.norm() / gradient.norm())
        for (name, _), error, gradient in zip(trainer.network.named_parameters(), errors, precise, strict=True)
    }
    assert reading.matrix_errors == pytest.approx([by_name[name] for name in names], rel=1e-4)
    assert (reading.non_finite, reading.subnormal) == (0, 0)
    assert reading.lost < 0.01


@pytest.mark.parametrize(("cell", "layers"), [("gru", 1), ("gru", 2), ("rnn", 1)])
def test_bfloat16_is_worse(text: Path, cell: str, layers: int) -> None:
    trainer = trained(text, cell=cell, layers=layers, streams=8, hidden=32, dtype="bfloat16")
    assert trainer.compute.dtype is torch.bfloat16
    reading = numerics(trainer.subject())
    assert 1e-4 < reading.gradient_error < 0.1
    assert 0 < reading.loss_error < 0.01
    assert all(1e-4 < error < 0.2 for error in reading.matrix_errors)


def test_an_error_that_is_put_in_is_found(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trained(text)
    real = torch.autograd.grad

    def wrong(*arguments: Any, **options: Any) -> tuple[Tensor, ...]:
        """A gradient whose embedding part is a tenth too large, and which has lost one number of the last bias."""
        found = list(real(*arguments, **options))
        if found[0].dtype is torch.float32:
            found[0] = found[0] * 1.1
            found[-1][0], found[-1][1], found[-1][2] = 0, 1e-40, float("nan")
        return tuple(found)

    plain = numerics(trainer.subject())
    monkeypatch.setattr(torch.autograd, "grad", wrong)
    reading = numerics(trainer.subject())
    size = trainer.network.size()
    assert reading.matrix_errors[0] == pytest.approx(0.1, rel=1e-4)
    assert reading.matrix_errors[1:] == plain.matrix_errors[1:]
    assert reading.lost - plain.lost == pytest.approx(1 / size)
    assert reading.subnormal == pytest.approx(1 / size)
    assert reading.non_finite == pytest.approx(1 / (2 * size))


def test_a_loss_that_is_off_is_found(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trained(text)
    real = loss_of

    def higher(network: CharRNN, *rest: Any) -> Any:
        loss, after = real(network, *rest)
        return loss * 1.25, after

    monkeypatch.setattr(module, "loss_of", higher)
    reading = numerics(trainer.subject())
    assert reading.loss_error == pytest.approx(0.25, rel=1e-4)
    assert reading.gradient_error == pytest.approx(0.25, rel=1e-4)


def test_no_gradient_is_without_error(text: Path) -> None:
    trainer = trained(text)
    with torch.no_grad():
        # With a head of zeros nothing reaches the layers below.
        trainer.network.head.weight.zero_()
    reading = numerics(trainer.subject())
    assert reading.matrix_errors[:-1] == (0, 0, 0)
    assert 0 < reading.matrix_errors[-1] < 1e-5


def test_the_windows_are_not_longer_than_64(text: Path) -> None:
    assert window(trained(text, 1, bptt="100").subject()).inputs.shape == (64, 2)
    assert window(trained(text, 1, bptt="2-9").subject()).inputs.shape == (9, 2)


def test_it_is_the_training_s_own_number_type(text: Path) -> None:
    trainer = trained(text, cell="gru", hidden=32, streams=8)
    rough = Compute(trainer.compute.device, torch.bfloat16, 1)
    assert numerics(trainer.subject()).gradient_error < 1e-5
    trainer.compute = rough
    assert all(value >= 0 for value in astuple(numerics(trainer.subject())) if isinstance(value, float))
    assert numerics(trainer.subject()).gradient_error > 1e-4
