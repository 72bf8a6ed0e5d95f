"""The agreement of neighbouring updates' gradients: it shows whether a larger batch or a lower rate would help."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.instruments.gradient import Gradient, loss_of
from engine.training.subject import Stretch, Subject
from engine.windows import ALL

FEWEST, MOST, CHARACTERS = 2, 32, 2048
"""The number of gradients that are compared: as many updates as read `CHARACTERS` together, from `FEWEST` to `MOST`."""

LENGTH, LANES = 64, 16
"""The most characters and streams taken from each update's batch, which bounds the time."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Signal and noise in the gradients g of the next updates, all taken at the current parameters.

    See McCandlish et al. 2018, "An empirical model of large-batch training", appendix A. Let G be the gradient over the
    whole text. On average |g|² is |G|² plus the noise of one batch, and the product of two different g is |G|².
    `noise` / `signal` is the simple noise scale, in batches.

    Attributes:
        cosine: the mean cosine over all pairs of the gradients taken, -1 … 1; nan where one is zero.
        signal: the estimate of |G|², which is the mean product of a pair. It is unbiased, so it can be below 0.
        noise: the mean |g|² less `signal`, of an update's whole batch: a part of it is noisier by as much as it is
            smaller.
        share: `signal` as a share of both together, 0 … 1; nan where they are zero or not finite.
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
    part = _Part.of(subject, round(effort * CHARACTERS))
    for gradient in _gradients(subject, part):
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
    noise = (squares / count - signal) * part.share
    whole = signal + noise
    share = signal / whole if whole and math.isfinite(whole) else math.nan
    return Agreement(cosine, signal, noise, min(max(share, 0.0), 1.0) if math.isfinite(share) else math.nan)


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of each update's batch that is read, and the number of updates.

    Attributes:
        length: the characters of a window.
        lanes: the streams.
        updates: the updates.
        share: the targets that are read, as a share of an update's.
    """

    length: int
    lanes: int
    updates: int
    share: float

    @classmethod
    def of(cls, subject: Subject, characters: int) -> _Part:
        """The part that has about so many characters in all updates together."""
        settings = subject.settings
        whole = max(1, round(settings.bptt.mean))
        length = min(whole, LENGTH)
        lanes = min(settings.streams, LANES, max(1, characters // (FEWEST * length)))
        updates = min(MOST, max(FEWEST, characters // (length * lanes)))
        of_targets = length / whole if settings.targets == ALL else 1.0
        return cls(length, lanes, updates, of_targets * lanes / settings.streams)


def _gradients(subject: Subject, part: _Part) -> Iterator[Gradient]:
    """Yield the gradient of each of the next updates in turn."""
    settings, network = subject.settings, subject.network
    parameters = list(network.parameters())
    ahead = subject.ahead(part.updates * part.length, part.lanes)
    state = ahead.before
    for begin in range(0, part.updates * part.length, part.length):
        here = slice(begin, begin + part.length)
        with torch.enable_grad():
            loss, after = loss_of(network, Stretch(ahead.inputs[here], ahead.targets[here], state), settings.targets)
            gradient = torch.autograd.grad(loss, parameters)
        state = tuple(tensor.detach() for tensor in after)
        yield gradient


def _norm(gradient: Gradient | list[Tensor]) -> float:
    """The norm in float64: it enters differences of large sums, which float32 would leave with few digits."""
    return math.hypot(*(float(torch.linalg.vector_norm(values, dtype=torch.float64)) for values in gradient))
