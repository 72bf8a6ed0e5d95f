"""Curvature against Hessians that autograd makes by differentiating single cells twice."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from engine.instruments.gradient import window
from engine.instruments.lanczos import largest_eigenvalue
from engine.instruments.sharpness import sharpness
from engine.network.model import CELLS
from engine.training.trainer import Trainer
from tests.engine.instruments.reference import NETWORKS, Loop, flat, trained

TINY: dict[str, Any] = {"hidden": 3, "embedding": 2, "bptt": "4"}


def hessian(trainer: Trainer) -> tuple[Tensor, Tensor]:
    """The whole Hessian, (n, n), and the gradient."""
    loop, stretch = Loop(trainer.network), window(trainer.subject())
    names, parameters = [name for name, _ in loop.named_parameters()], list(loop.parameters())
    sizes, shapes = [each.numel() for each in parameters], [each.shape for each in parameters]

    def loss(values: Tensor) -> Tensor:
        parts = [part.view(shape) for part, shape in zip(torch.split(values, sizes), shapes, strict=True)]
        logits, _, _ = functional_call(loop, dict(zip(names, parts, strict=True)), (stretch,))
        chosen = logits.log_softmax(2).gather(2, stretch.targets[:, :, None])[:, :, 0]
        total: Tensor = -(chosen if trainer.settings.targets == "all" else chosen[-1]).mean()
        return total

    at = flat([each.detach() for each in parameters])
    found: Tensor = torch.autograd.functional.hessian(loss, at, vectorize=True)  # type: ignore[no-untyped-call]
    return found, flat(loop.gradient(stretch, trainer.settings.targets))


def along(matrix: Tensor, vector: Tensor) -> float:
    return float(vector @ matrix @ vector / (vector @ vector))


def assert_largest(found: float, matrix: Tensor) -> None:
    """Right to 2 %; or between the two largest eigenvalues, where these are too close for eight products."""
    *_, second, first = torch.linalg.eigvalsh(matrix).tolist()
    lowest = second if second > 0.9 * first else 0.98 * first
    assert lowest <= found <= first * (1 + 1e-4)


def second_moment(trainer: Trainer, slot: str) -> Tensor:
    slots = trainer.subject().slots
    return flat([slots[f"{name}:{slot}"].double() for name, _ in trainer.network.named_parameters()])


@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize(("cell", "layers", "streams"), NETWORKS)
def test_sgd_against_the_whole_hessian(text: Path, cell: str, layers: int, streams: int, targets: str) -> None:
    trainer = trained(
        text, 30, cell=cell, layers=layers, streams=streams, targets=targets, optimizer="sgd", lr=0.05, **TINY
    )
    matrix, gradient = hessian(trainer)
    reading = sharpness(trainer.subject())
    assert reading.along_gradient == pytest.approx(along(matrix, gradient), rel=1e-4)
    assert_largest(reading.largest, matrix)
    assert reading.preconditioned == 0
    assert reading.product == pytest.approx(trainer.rate() * reading.largest)
    assert reading.bound == pytest.approx(3.8)
    assert reading.ratio == pytest.approx(reading.product / 3.8)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("optimizer", "slot", "bound"),
    [("adamw", "exp_avg_sq", 38), ("adam", "exp_avg_sq", 38), ("rmsprop", "square_avg", 2)],
)
def test_the_preconditioned_hessian(text: Path, cell: str, optimizer: str, slot: str, bound: float) -> None:
    trainer = trained(text, 30, cell=cell, optimizer=optimizer, **TINY)
    matrix, gradient = hessian(trainer)
    squares = 0.99 * second_moment(trainer, slot) + 0.01 * gradient.square()
    if optimizer != "rmsprop":
        squares /= 1 - 0.99**31
    scale = 1 / (squares.sqrt() + 1e-8).sqrt()
    reading = sharpness(trainer.subject())
    assert reading.preconditioned == 1
    assert reading.along_gradient == pytest.approx(along(matrix, gradient), rel=1e-4)
    assert_largest(reading.largest, scale[:, None] * matrix * scale)
    assert reading.bound == pytest.approx(bound)
    assert reading.ratio == pytest.approx(trainer.rate() * reading.largest / bound)


def test_before_the_first_update_its_own_gradient_is_what_it_divides_by(text: Path) -> None:
    trainer = trained(text, 0, optimizer="adamw", **TINY)
    matrix, gradient = hessian(trainer)
    scale = 1 / (gradient.abs() + 1e-8).sqrt()
    reading = sharpness(trainer.subject())
    assert_largest(reading.largest, scale[:, None] * matrix * scale)


def test_a_rare_character_does_not_look_infinitely_steep(tmp_path: Path) -> None:
    path = tmp_path / "rare.txt"
    path.write_text("abcd" * 2_000 + "".join(chr(200 + place) for place in range(40)) + "abcd" * 1_000)
    trainer = trained(path, 300, streams=1, bptt="7", hidden=6, embedding=4)
    # The next window consists of characters that have never been read.
    trainer.subject().cursors[:] = 8_003
    assert sharpness(trainer.subject()).ratio < 5


def test_a_rate_that_the_curvature_does_not_bear(text: Path) -> None:
    """The bound is exact for gradient descent on a quadratic loss; this test checks only the product."""
    trainer = trained(text, 30, optimizer="sgd", **TINY)
    subject = trainer.subject()
    assert sharpness(replace(subject, rate=100.0)).ratio > 1 > sharpness(replace(subject, rate=1e-4)).ratio


def test_no_gradient_has_no_curvature_along_it(text: Path) -> None:
    trainer = trained(text, optimizer="sgd", **TINY)
    with torch.no_grad():
        for parameter in trainer.network.parameters():
            parameter.zero_()
        trainer.network.head.bias[:] = -1e4
        trainer.network.head.bias[window(trainer.subject()).targets[0, 0]] = 0
    trainer.turn(trainer.settings.with_text("targets", "last").with_text("bptt", "1"))
    subject = trainer.subject()
    subject.cursors[:] = subject.cursors[0]
    reading = sharpness(subject)
    assert math.isnan(reading.along_gradient)
    assert math.isnan(reading.largest)


def symmetric(values: list[float]) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    basis, _ = torch.linalg.qr(torch.randn(len(values), len(values), dtype=torch.float64, generator=random))
    return basis @ torch.tensor(values, dtype=torch.float64).diag() @ basis.T, basis.sum(dim=1)


@pytest.mark.parametrize(
    "values",
    [[1.0, 2.0, 3.0, 100.0], [-100.0, 1.0, 2.0, 10.0], [-5.0, -4.0, -3.0], [7.0], [*[0.1] * 50, 1.0, 9.0, 10.0]],
)
def test_the_largest_eigenvalue_and_not_the_largest_magnitude(values: list[float]) -> None:
    matrix, start = symmetric(values)
    products = 0

    def times(vector: Tensor) -> Tensor:
        nonlocal products
        products += 1
        return matrix @ vector

    assert largest_eigenvalue(times, start) == pytest.approx(max(values), rel=0.02)
    assert products <= 8


def test_eigenvalues_of_nothing() -> None:
    matrix, start = symmetric([1.0, 2.0, 3.0])
    assert math.isnan(largest_eigenvalue(lambda vector: matrix @ vector, start * 0))
    assert math.isnan(largest_eigenvalue(lambda vector: matrix @ vector, start * math.nan))
    assert math.isnan(largest_eigenvalue(lambda vector: vector * math.inf, start))
    assert largest_eigenvalue(lambda vector: vector * 0, start) == 0
