"""How far back the gradient reaches: its size by the hidden states of so many characters ago."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.instruments.adjoint import Adjoint
from engine.instruments.unrolled import unroll
from engine.network.model import CharRNN
from engine.training.subject import Stretch, Subject

WINDOWS, SHORTEST, LONGEST = 4, 64, 512
"""So many windows are looked back over, but lags between these two bounds: beyond the window nothing is learnt, and
whether the gradient would go on there is what the reading is for."""

LANES, FEWEST_LANES, CHARACTERS = 8, 2, 1024
"""Lanes that are averaged over, and characters of all of them together, which bound the time."""

NOISE = 1e-4
"""A share of the gradient below which its decay is not fitted: far down it is that of a few units."""

FELT = 0.01
"""A share of the gradient that still counts as reaching."""

GONE, ROUND = 1e-30, 16
"""Once in so many characters the recursion looks whether less than this share is left, and ends: what follows would be
zeros and subnormal numbers, with which a processor takes many times as long."""


@dataclass(frozen=True, slots=True)
class GradientByLag:
    """The gradient of one character's loss by the hidden states of all layers k characters before it.

    The measure of vanishing and exploding gradients (Bengio et al. 1994; Pascanu et al. 2013, "On the difficulty of
    training recurrent neural networks"). Of an LSTM it is the gradient by the hidden state alone, the cell state given.

    Attributes:
        norm: ‖∂loss/∂h‖₂ at lag 0 in nats, root mean square over the lanes.
        relative: (lags + 1,) the same at each lag, as a share of `norm`; 0 where `norm` is 0.
        decay: the factor per character, by least squares over the logarithms from lag 1 until the share is first below
            1e-4; nan where there is no gradient or it is not finite.
        half_life: characters over which that halves it; inf where it does not decay.
        reach: the lag from which on the share is below 1 %; lags + 1 where it never stays there.
    """

    norm: float
    relative: tuple[float, ...]
    decay: float
    half_life: float
    reach: int


@torch.no_grad()
def gradient_by_lag(subject: Subject) -> GradientByLag:
    """Follow the loss of the last character of a stretch back through it; takes no autograd."""
    lags = min(max(SHORTEST, WINDOWS * subject.settings.bptt.high), LONGEST, len(subject.corpus.training) - 2)
    lanes = max(FEWEST_LANES, min(LANES, CHARACTERS // lags))
    norms = lag_norms(subject.network, subject.ahead(lags + 1, lanes))
    sizes = norms.square().mean(dim=1).sqrt()
    norm = float(sizes[0])
    relative: list[float] = (sizes / norm if norm else torch.zeros_like(sizes)).tolist()
    decay = _decay(relative) if norm else math.nan
    return GradientByLag(norm, tuple(relative), decay, _half_life(decay), _reach(relative))


@torch.no_grad()
def lag_norms(network: CharRNN, stretch: Stretch) -> Tensor:
    """‖∂loss/∂h‖₂ of the stretch's last character, by lag and lane: (time, lanes) float64."""
    unrolled = unroll(network, stretch)
    adjoint = Adjoint(network, unrolled)
    by_output = _by_output(network, unrolled.outputs[-1], stretch.targets[-1])
    length, lanes = stretch.inputs.shape
    norms = by_output.new_zeros(length, lanes, dtype=torch.float64)
    for lag in range(length):
        by_hidden = adjoint.step(length - 1 - lag, by_output if lag == 0 else None)
        norms[lag] = torch.linalg.vector_norm(by_hidden, dim=(0, 2), dtype=torch.float64)
        if lag % ROUND == ROUND - 1 and adjoint.largest() < GONE * float(norms[0].max()):
            break
    return norms


def _by_output(network: CharRNN, outputs: Tensor, targets: Tensor) -> Tensor:
    """The gradient of each lane's cross entropy by the outputs that the head reads, (lanes, H)."""
    by_logits: Tensor = network.head(outputs).softmax(dim=1)
    by_logits[torch.arange(len(targets), device=targets.device), targets] -= 1
    return by_logits @ network.head.weight


def _decay(relative: Sequence[float]) -> float:
    shares = relative[1:]
    fitted = next((place for place, share in enumerate(shares) if share < NOISE), len(shares))
    if fitted < 2:
        return shares[0]
    logarithms = torch.tensor(shares[:fitted], dtype=torch.float64).log()
    lags = torch.arange(fitted, dtype=torch.float64)
    lags -= lags.mean()
    return float(((lags @ logarithms) / (lags @ lags)).exp())


def _half_life(decay: float) -> float:
    if decay >= 1:
        return math.inf
    return -math.log(2) / math.log(decay) if decay > 0 or math.isnan(decay) else 0.0


def _reach(relative: Sequence[float]) -> int:
    """What is not a number counts as large."""
    return max((lag + 1 for lag, share in enumerate(relative) if not share < FELT), default=0)
