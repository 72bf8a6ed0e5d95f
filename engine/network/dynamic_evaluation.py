"""The loss of a network that goes on learning from what it has read (Krause et al. 2018, "Dynamic evaluation of neural
sequence models").

It is lower where a text repeats itself: names, habits of a speaker. It says what the network and the text so far know
together, and is not to be compared with a loss of fixed weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.network.model import CarriedState, CharRNN
from engine.text.corpus import TextIds
from engine.text.vocabulary import Ids

SEGMENT = 32
"""The characters between two steps."""

RATE = 1e-3
"""How far a step moves a weight whose gradient is as large as usual."""

DECAY = 3e-3
"""The share of the way back to its first value that each step takes a weight whose gradients are of the mean size."""

LOOKED_AT = 200
"""The segments of the training split from which it is known how large gradients usually are."""

FARTHEST = 30.0
"""The farthest that a step moves a weight, as a multiple of `RATE`: a character that the training split hardly has
comes with gradients thousands of times as large as usual."""

SMALLEST = 1e-3
"""The number added to the usual size of a weight's gradient, as a share of the mean over all: rare characters' weights
have hardly any."""


def evaluate_dynamically(
    network: CharRNN,
    training: TextIds,
    ids: TextIds,
    keep_going: Callable[[float], bool] | None = None,
    *,
    rate: float = RATE,
    decay: float = DECAY,
) -> float | None:
    """The mean loss over all of `ids` but the first, in nats per entry, each predicted before it is learnt from.

    After each segment every weight moves by −η g / (√v + ε), where g is the segment's gradient and v the mean square of
    its gradients over the training split, but no farther than `FARTHEST` η; and then back towards its first value, in
    proportion to √v.

    Args:
        network: the network, which stays as it is; it reads without dropout, in float32.
        training: the ids that it was trained on.
        ids: (n,) with n ≥ 2.
        keep_going: called between segments with the share done; False gives up.
        rate: η.
        decay: the share of the way back.

    Returns:
        The loss; None where it was given up.
    """
    learner = copy.deepcopy(network).float().requires_grad_(True)
    weights = list(learner.parameters())
    first = [each.detach().clone() for each in weights]
    sizes = _usual_sizes(learner, training)
    mean = torch.cat([each.flatten() for each in sizes]).mean()
    steps = [rate / (each + SMALLEST * mean) for each in sizes]
    back = [(decay * each / mean).clamp(max=1.0) for each in sizes]

    total, state = 0.0, learner.zero_state(1)
    for begin, segment in _segments(ids):
        loss, state = _read(learner, segment, state)
        gradients = torch.autograd.grad(loss, weights)
        total += float(loss.detach()) * (len(segment) - 1)
        with torch.no_grad():
            for weight, gradient, step, share, at_first in zip(weights, gradients, steps, back, first, strict=True):
                weight.sub_((gradient * step).clamp_(-FARTHEST * rate, FARTHEST * rate))
                weight.lerp_(at_first, share)
        if keep_going is not None and not keep_going((begin + len(segment) - 1) / (len(ids) - 1)):
            return None
    return total / (len(ids) - 1)


def _usual_sizes(network: CharRNN, ids: TextIds) -> list[Tensor]:
    """The root of the mean square of each weight's gradient, over segments that are spread over `ids`."""
    weights = list(network.parameters())
    squares = [torch.zeros_like(each) for each in weights]
    apart = max(SEGMENT, (len(ids) - 1) // LOOKED_AT)
    starts = range(0, max(1, len(ids) - 1 - SEGMENT), apart)
    for start in starts:
        loss, _ = _read(network, _tensor(ids[start : start + SEGMENT + 1]), network.zero_state(1))
        for square, gradient in zip(squares, torch.autograd.grad(loss, weights), strict=True):
            square.addcmul_(gradient, gradient)
    return [each.div_(len(starts)).sqrt_() for each in squares]


def _read(network: CharRNN, segment: Tensor, state: CarriedState) -> tuple[Tensor, CarriedState]:
    """The mean loss over a segment, (n,), and the state after it."""
    outputs, after = network(segment[:-1, None], state)
    loss = functional.cross_entropy(network.head(outputs[:, 0]), segment[1:])
    return loss, tuple(each.detach() for each in after)


def _segments(ids: TextIds) -> Iterator[tuple[int, Tensor]]:
    """The segments of a text one after the other: the place of each, and its entries with the next one's first."""
    for begin in range(0, len(ids) - 1, SEGMENT):
        yield begin, _tensor(ids[begin : begin + SEGMENT + 1])


def _tensor(ids: Ids) -> Tensor:
    return torch.from_numpy(np.asarray(ids, np.int64))
