"""The error of the training's number type: its loss and gradient compared with those in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.instruments.gradient import Gradient, exact, gradient_of, loss_of, window
from engine.training.subject import Subject

LENGTH, SHORTEST = 32, 12
"""The longest window, in characters: float64 is slow; and the shortest on a slow machine."""

SMALLEST_NORMAL = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class Numerics:
    """Errors of one window's loss and gradient relative to float64, and the shares of numbers that are unusable.

    Attributes:
        loss_error: |loss - exact| / exact.
        gradient_error: ‖g - exact‖₂ / ‖exact‖₂ over all parameters together.
        matrix_errors: (matrices,) the same for each matrix, in the order of `network.matrices()`.
        non_finite: the share of the parameters' and the gradient's numbers that are not finite.
        subnormal: the share of the gradient's numbers that are too small for float32 to hold all their digits; an
            update treats them as zero.
        lost: the share of the gradient's numbers that are zero but not zero in float64.
    """

    loss_error: float
    gradient_error: float
    matrix_errors: tuple[float, ...]
    non_finite: float
    subnormal: float
    lost: float


def numerics(subject: Subject, effort: float = 1.0) -> Numerics:
    """Compute the gradient of the next window twice, without dropout: in the training's number type and in float64.

    `effort` is the share of the longest window that is read.

    With one stream in float32 it examines torch's gradient and not that of the compiled loops, which add the same
    products in another order.

    Raises:
        RuntimeError: from torch, where this processor cannot compute in the training's number type.
    """
    network, targets, stretch = (
        subject.network,
        subject.settings.targets,
        window(subject, max(SHORTEST, round(effort * LENGTH))),
    )
    parameters = list(network.parameters())
    with torch.enable_grad():
        with subject.compute.precision():
            rough_loss, _ = loss_of(network, stretch, targets)
        rough = _on_cpu(torch.autograd.grad(rough_loss, parameters))
    exact_loss, precise = gradient_of(*exact(network, stretch), targets)

    errors = _norms(one.double() - other for one, other in zip(rough, precise, strict=True))
    sizes = _norms(precise)
    places = {id(parameter): place for place, parameter in enumerate(parameters)}
    matrices = [places[id(matrix)] for matrix in network.matrices().values()]
    return Numerics(
        loss_error=_relative(abs(float(rough_loss.detach()) - exact_loss), abs(exact_loss)),
        gradient_error=_relative(float(errors.norm()), float(sizes.norm())),
        matrix_errors=tuple(_relative(float(errors[place]), float(sizes[place])) for place in matrices),
        non_finite=_share(~values.isfinite() for values in (*parameters, *rough)),
        subnormal=_share((values != 0) & (values.abs() < SMALLEST_NORMAL) for values in rough),
        lost=_share((one == 0) & (other != 0) for one, other in zip(rough, precise, strict=True)),
    )


def _norms(gradient: Iterable[Tensor]) -> Tensor:
    """The L2 norm of each parameter's gradient, (parameters,) float64."""
    return torch.stack([torch.linalg.vector_norm(values) for values in gradient])


def _share(masks: Iterable[Tensor]) -> float:
    """The share of all numbers that the masks mark."""
    marked, count = 0, 0
    for mask in masks:
        marked, count = marked + int(mask.sum()), count + mask.numel()
    return marked / count


def _relative(error: float, size: float) -> float:
    """The error as a share of the size: 0 without an error, even where the size is 0."""
    if error == 0:
        return 0.0
    return error / size if size else math.inf


def _on_cpu(gradient: Gradient) -> Gradient:
    return tuple(values.cpu() for values in gradient)
