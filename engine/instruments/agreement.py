"""How much the gradients of neighbouring updates agree: whether a larger batch or a smaller rate would help."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.instruments.gradient import Gradient, loss_of
from engine.training.subject import Stretch, Subject

FEWEST, MOST, CHARACTERS = 2, 32, 2048
"""How many updates' gradients are compared: as many as read so many characters together, within these bounds."""

LENGTH, LANES = 64, 16
"""Of each update's text no more than so many characters are taken of so many streams, which bound the time: the
gradient of a larger batch is less noisy than what is measured."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Signal and noise among the gradients g of the next updates, all at the parameters as they are.

    McCandlish et al. 2018, "An empirical model of large-batch training", appendix A: with G the gradient of the whole
    text, |g|² is |G|² and the noise of one batch, and the product of two different ones is |G|² on average. `noise` /
    `signal` is the simple noise scale, in batches.

    Attributes:
        cosine: the mean over all pairs of the cosine between their gradients, -1 … 1; nan where one of them is zero.
        signal: estimate of |G|², the mean product of a pair; without bias, and hence below 0 at times.
        noise: the mean |g|² less `signal`.
        share: `signal` as a share of the mean |g|², 0 … 1; nan where that is zero or not finite.
    """

    cosine: float
    signal: float
    noise: float
    share: float


def agreement(subject: Subject) -> Agreement:
    """Compute the gradients of the next updates' text, 2 to 32 of them, without dropout, in float32."""
    # Two sums say as much as the pairs do, and only one gradient is held beside them: |Σg|² is Σ|g|² and every pair
    # twice.
    total: list[Tensor] = []
    directions: list[Tensor] = []
    norms: list[float] = []
    for gradient in _gradients(subject):
        norm = _norm(gradient)
        if not norms:
            total = [torch.zeros_like(values) for values in gradient]
            directions = [torch.zeros_like(values) for values in gradient]
        norms.append(norm)
        torch._foreach_add_(total, gradient)
        torch._foreach_add_(directions, gradient, alpha=1 / norm if norm else math.nan)

    count = len(norms)
    pairs = count * (count - 1)
    squares = sum(norm * norm for norm in norms)
    cosine = (_norm(directions) ** 2 - count) / pairs
    signal = (_norm(total) ** 2 - squares) / pairs
    mean = squares / count
    share = signal / mean if mean and math.isfinite(mean) else math.nan
    return Agreement(cosine, signal, mean - signal, min(max(share, 0.0), 1.0) if math.isfinite(share) else math.nan)


def _gradients(subject: Subject) -> Iterator[Gradient]:
    """The gradient of each of the next updates, one after the other."""
    settings, network = subject.settings, subject.network
    parameters = list(network.parameters())
    length = min(max(1, round(settings.bptt.mean)), LENGTH)
    lanes = min(settings.streams, LANES)
    updates = min(MOST, max(FEWEST, CHARACTERS // (length * lanes)))
    ahead = subject.ahead(updates * length, lanes)
    state = ahead.before
    for begin in range(0, updates * length, length):
        here = slice(begin, begin + length)
        with torch.enable_grad():
            loss, after = loss_of(network, Stretch(ahead.inputs[here], ahead.targets[here], state), settings.targets)
            gradient = torch.autograd.grad(loss, parameters)
        state = tuple(tensor.detach() for tensor in after)
        yield gradient


def _norm(gradient: Gradient | list[Tensor]) -> float:
    """Summed up in float64: what is left of the difference of two sums has few digits otherwise."""
    return math.hypot(*(float(torch.linalg.vector_norm(values, dtype=torch.float64)) for values in gradient))
