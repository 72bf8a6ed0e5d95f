"""How curved the loss is, beside what the learning rate can bear."""

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
"""The slot of each optimiser's second moment, and its decay rate."""

BOUNDS = {"sgd": 2 * (1 + MOMENTUM), "rmsprop": 2.0} | dict.fromkeys(ADAMS, 2 * (1 + BETAS[0]) / (1 - BETAS[0]))
"""Rate times curvature at which a quadratic loss begins to grow: of gradient descent 2, of momentum β, which adds
gradients up, 2(1 + β), and of Adam's, which averages them, 2(1 + β)/(1 - β) (Cohen et al. 2021 and 2022)."""

STEP = torch.finfo(torch.float64).eps ** (1 / 3)
"""The step of a difference to both sides, as a share of ‖w‖. Its error goes with the step's square and that of rounding
with its inverse: the cube root of what float64 resolves makes both about 1e-10."""


@dataclass(frozen=True, slots=True)
class Sharpness:
    """Curvature of the loss of one window; H is its Hessian, g its gradient.

    With an optimiser that divides by the root of the second moment v it is the preconditioned Hessian
    D^(-1/2) H D^(-1/2), with D = √v̂ + ε, that decides on stability (Cohen et al. 2022, "Adaptive gradient methods at
    the edge of stability"). v is that by which the next update divides, this window's gradient in it already: what the
    optimiser remembers of a character that the text seldom has has faded, and would make it seem infinitely steep.

    Attributes:
        along_gradient: gᵀHg / gᵀg; nan where the gradient is zero or not finite.
        largest: the largest eigenvalue, of the preconditioned Hessian where there is one; nan as above.
        preconditioned: 1 where it is preconditioned; 0 with sgd.
        product: the learning rate times `largest`.
        bound: the product above which the optimiser is unstable.
        ratio: `product` / `bound`: above 1 the loss would grow along that direction, were it quadratic.
    """

    along_gradient: float
    largest: float
    preconditioned: int
    product: float
    bound: float
    ratio: float


def sharpness(subject: Subject) -> Sharpness:
    """Compute it in float64 over the next characters; takes as long as twenty gradients."""
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
    """The Hessian of a window's loss, as products with vectors (numbers of the network,).

    They are differences of gradients: torch's fused cells cannot be differentiated twice.
    """

    def __init__(self, subject: Subject) -> None:
        self._network, self._stretch = exact(subject.network, window(subject))
        self._targets = subject.settings.targets
        self._at = _flat(self._network.parameters())
        self._step = STEP * float(self._at.norm())
        self.gradient = self._gradient(self._at)

    def times(self, vector: Tensor) -> Tensor:
        """H·v."""
        size = float(vector.norm())
        step = vector * (self._step / size if size else 0.0)
        change = self._gradient(self._at + step) - self._gradient(self._at - step)
        return change * (size / (2 * self._step) if self._step else math.nan)

    def along(self, vector: Tensor) -> float:
        """vᵀHv / vᵀv."""
        square = float(vector @ vector)
        return float(vector @ self.times(vector)) / square if square else math.nan

    def _gradient(self, at: Tensor) -> Tensor:
        torch.nn.utils.vector_to_parameters(at, self._network.parameters())
        _, gradient = gradient_of(self._network, self._stretch, self._targets)
        return _flat(gradient)


def _root(subject: Subject, gradient: Tensor) -> Tensor | None:
    """The root of D, (numbers of the network,) float64; None where the optimiser has none."""
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
