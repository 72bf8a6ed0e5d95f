"""How far back the gradient reaches: the norm of the gradient by the hidden states k characters earlier."""

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
"""The longest lag in windows, and its bounds in characters. Nothing is learnt beyond one window; the reading shows
whether the gradient would reach further."""

LANES, FEWEST_LANES, CHARACTERS = 8, 2, 1024
"""The most and the fewest lanes that are averaged over, and the most characters in all lanes, which bounds the time."""

NOISE = 1e-4
"""The share of the gradient below which its decay is not fitted: there only a few units contribute."""

FELT = 0.01
"""The smallest share of the gradient that counts as reaching a lag."""

GONE, ROUND = 1e-30, 16
"""The recursion checks every `ROUND` characters whether at least the share `GONE` is left, and ends if not. The rest
would be zeros and subnormal numbers, and a processor takes many times as long for these."""


@dataclass(frozen=True, slots=True)
class GradientByLag:
    """The gradient of one character's loss by the hidden states of all layers k characters before it.

    It measures vanishing and exploding gradients (Bengio et al. 1994; Pascanu et al. 2013, "On the difficulty of
    training recurrent neural networks"). For an LSTM it is the gradient by the hidden state alone, with the cell state
    held fixed.

    Attributes:
        norm: ‖∂loss/∂h‖₂ at lag 0 in nats, root mean square over the lanes.
        relative: (lags + 1,) the same at each lag, as a share of `norm`; 0 where `norm` is 0.
        decay: the factor per character, by least squares over the logarithms from lag 1 to the first lag where the
            share is below 1e-4; nan where the gradient is zero or not finite.
        half_life: the characters over which the gradient halves; inf where it does not decay.
        reach: the first lag from which the share stays below 1 %; lags + 1 where it never does.
    """

    norm: float
    relative: tuple[float, ...]
    decay: float
    half_life: float
    reach: int


@torch.no_grad()
def gradient_by_lag(subject: Subject, effort: float = 1.0) -> GradientByLag:
    """Follow the gradient of the last character's loss back through a stretch, without autograd.

    `effort` is the share of `CHARACTERS` and of `WINDOWS` that is read.
    """
    windows = max(1, round(effort * WINDOWS))
    lags = min(max(SHORTEST, windows * subject.settings.bptt.high), LONGEST, len(subject.corpus.training) - 2)
    lanes = max(FEWEST_LANES, min(LANES, round(effort * CHARACTERS) // lags))
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
    """The first lag from which the shares stay below `FELT`; nan counts as large."""
    return max((lag + 1 for lag, share in enumerate(relative) if not share < FELT), default=0)
