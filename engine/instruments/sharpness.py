"""The curvature of the loss, compared with the largest one at which the learning rate is stable."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.instruments.gradient import exact, gradient_of, window
from engine.instruments.lanczos import largest_eigenvalue
from engine.training.optimisers import ALPHA, BETAS, EPSILON, MOMENTUM
from engine.training.subject import Subject

ADAMS = ("adam", "adamw")
SECOND_MOMENTS = {"rmsprop": ("square_avg", ALPHA)} | dict.fromkeys(ADAMS, ("exp_avg_sq", BETAS[1]))
"""The name of each optimiser's second moment among its slots, and its decay rate."""

BOUNDS = {"sgd": 2 * (1 + MOMENTUM), "rmsprop": 2.0} | dict.fromkeys(ADAMS, 2 * (1 + BETAS[0]) / (1 - BETAS[0]))
"""The learning rate times the curvature above which a quadratic loss grows (Cohen et al. 2021 and 2022): 2 for gradient
descent, 2(1 + β) for momentum β, which adds gradients, and 2(1 + β)/(1 - β) for Adam, which averages them."""

STEP = torch.finfo(torch.float64).eps ** (1 / 3)
"""The step of the central difference, as a share of ‖w‖. The truncation error grows with the step's square, and the
rounding error with its inverse. The cube root of float64's epsilon makes both about 1e-10."""


@dataclass(frozen=True, slots=True)
class Sharpness:
    """Curvature of the loss of one window; H is its Hessian, g its gradient.

    With an optimiser that divides by the root of the second moment v, the preconditioned Hessian D^(-1/2) H D^(-1/2),
    with D = √v̂ + ε, decides on stability (Cohen et al. 2022, "Adaptive gradient methods at the edge of stability"). v
    is the moment by which the next update divides: it includes this window's gradient. Without that, the moments of a
    rare character have decayed to nearly zero, and its direction would seem infinitely steep.

    Attributes:
        along_gradient: gᵀHg / gᵀg; nan where the gradient is zero or not finite.
        largest: the largest eigenvalue, of the preconditioned Hessian where there is one; nan as above.
        preconditioned: 1 where the Hessian is preconditioned; 0 with sgd.
        product: the learning rate times `largest`.
        bound: the product above which the optimiser is unstable.
        ratio: `product` / `bound`. Above 1 a quadratic loss would grow along that direction.
    """

    along_gradient: float
    largest: float
    preconditioned: int
    product: float
    bound: float
    ratio: float


def sharpness(subject: Subject) -> Sharpness:
    """Measure the curvature in float64 over the next characters; takes as long as twenty gradients."""
    curvature = _Curvature(subject)
    along = curvature.along(curvature.gradient)
    root = _root(subject, curvature.gradient)
    if root is None:
        largest = largest_eigenvalue(curvature.times, curvature.gradient)
    else:
        largest = largest_eigenvalue(lambda vector: curvature.times(vector / root) / root, curvature.gradient / root)
    product, bound = subject.rate * largest, BOUNDS[subject.settings.optimizer]
    return Sharpness(along, largest, int(root is not None), product, bound, product / bound)


class _Curvature:
    """The Hessian of a window's loss, as products with vectors of (parameters,) numbers.

    The products are differences of gradients, since torch's fused cells cannot be differentiated twice.
    """

    def __init__(self, subject: Subject) -> None:
        self._network, self._stretch = exact(subject.network, window(subject))
        self._targets = subject.settings.targets
        self._at = _flat(self._network.parameters())
        self._step = STEP * float(self._at.norm())
        self.gradient = self._gradient(self._at)

    def times(self, vector: Tensor) -> Tensor:
        """The product H·v, (parameters,)."""
        size = float(vector.norm())
        step = vector * (self._step / size if size else 0.0)
        change = self._gradient(self._at + step) - self._gradient(self._at - step)
        return change * (size / (2 * self._step) if self._step else math.nan)

    def along(self, vector: Tensor) -> float:
        """The curvature along a vector, vᵀHv / vᵀv."""
        square = float(vector @ vector)
        return float(vector @ self.times(vector)) / square if square else math.nan

    def _gradient(self, at: Tensor) -> Tensor:
        torch.nn.utils.vector_to_parameters(at, self._network.parameters())
        _, gradient = gradient_of(self._network, self._stretch, self._targets)
        return _flat(gradient)


def _root(subject: Subject, gradient: Tensor) -> Tensor | None:
    """The square root of D, (parameters,) float64; None where the optimiser has no second moment."""
    kind, slots = subject.settings.optimizer, subject.slots
    if kind not in SECOND_MOMENTS:
        return None
    slot, keep = SECOND_MOMENTS[kind]
    names = [name for name, _ in subject.network.named_parameters()]
    squares = _flat(slots[f"{name}:{slot}"].to("cpu", torch.float64) for name in names)
    squares = keep * squares + (1 - keep) * gradient.square()
    if kind in ADAMS:
        squares = squares / (1 - keep ** (float(slots[f"{names[0]}:step"]) + 1))
    return (squares.sqrt() + EPSILON).sqrt()


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])
