"""The agreement of neighbouring updates' gradients: it shows whether a larger batch or a lower rate would help."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.instruments.gradient import Gradient, loss_of
from engine.training.subject import Stretch, Subject

FEWEST, MOST, CHARACTERS = 2, 32, 2048
"""The number of gradients that are compared: as many updates as read `CHARACTERS` together, from `FEWEST` to `MOST`."""

LENGTH, LANES = 64, 16
"""The most characters and streams taken from each update's batch, which bounds the time. The gradient of a larger batch
is less noisy than this measures."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Signal and noise in the gradients g of the next updates, all taken at the current parameters.

    See McCandlish et al. 2018, "An empirical model of large-batch training", appendix A. Let G be the gradient over the
    whole text. On average |g|² is |G|² plus the noise of one batch, and the product of two different g is |G|².
    `noise` / `signal` is the simple noise scale, in batches.

    Attributes:
        cosine: the mean cosine over all pairs of gradients, -1 … 1; nan where a gradient is zero.
        signal: the estimate of |G|², which is the mean product of a pair. It is unbiased, so it can be below 0.
        noise: the mean |g|² less `signal`.
        share: `signal` as a share of the mean |g|², 0 … 1; nan where that is zero or not finite.
    """

    cosine: float
    signal: float
    noise: float
    share: float


def agreement(subject: Subject, effort: float = 1.0) -> Agreement:
    """Compare the gradients of the next 2 to 32 updates, computed in float32 without dropout.

    `effort` is the share of `CHARACTERS` that they read together.
    """
    # |Σg|² is Σ|g|² plus every pair's product twice: two sums replace all pairs, and only one gradient is held at a
    # time.
    total: list[Tensor] = []
    directions: list[Tensor] = []
    norms: list[float] = []
    for gradient in _gradients(subject, round(effort * CHARACTERS)):
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


def _gradients(subject: Subject, characters: int) -> Iterator[Gradient]:
    """Yield the gradient of each of the next updates in turn."""
    settings, network = subject.settings, subject.network
    parameters = list(network.parameters())
    length = min(max(1, round(settings.bptt.mean)), LENGTH)
    lanes = min(settings.streams, LANES, max(1, characters // (FEWEST * length)))
    updates = min(MOST, max(FEWEST, characters // (length * lanes)))
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
    """The norm in float64: it enters differences of large sums, which float32 would leave with few digits."""
    return math.hypot(*(float(torch.linalg.vector_norm(values, dtype=torch.float64)) for values in gradient))
