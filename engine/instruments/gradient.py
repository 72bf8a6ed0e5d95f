"""The loss of a window and its gradient, computed without touching the parameters' own `grad`."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor
from torch.nn import functional

from engine.network.model import CarriedState, CharRNN
from engine.training.subject import Stretch, Subject
from engine.windows import ALL

LENGTH, LANES = 64, 2
"""The longest window that instruments take, in characters, and the number of its lanes."""

Gradient = tuple[Tensor, ...]
"""The gradient by each parameter, in the order of `network.parameters()`."""


def window(subject: Subject, longest: int = LENGTH) -> Stretch:
    """The part of the next window that slow instruments take: at most `longest` characters × 2 lanes."""
    return subject.ahead(min(subject.settings.bptt.high, longest), LANES)


def loss_of(network: CharRNN, stretch: Stretch, targets: str) -> tuple[Tensor, CarriedState]:
    """The mean loss over a window's targets in nats, as in an update but without dropout, and the state after it."""
    outputs, after = network(stretch.inputs, stretch.before)
    if targets == ALL:
        logits, expected = network.head(outputs).flatten(0, 1), stretch.targets.flatten()
    else:
        logits, expected = network.head(outputs[-1]), stretch.targets[-1]
    return functional.cross_entropy(logits, expected), after


@torch.enable_grad()
def gradient_of(network: CharRNN, stretch: Stretch, targets: str) -> tuple[float, Gradient]:
    """The loss of a window and its gradient, in the number type of the parameters."""
    loss, _ = loss_of(network, stretch, targets)
    return float(loss.detach()), torch.autograd.grad(loss, list(network.parameters()))


def exact(network: CharRNN, stretch: Stretch) -> tuple[CharRNN, Stretch]:
    """A copy of both in float64, on the CPU, since not every device has that type."""
    before = tuple(state.to("cpu", torch.float64) for state in stretch.before)
    copied = deepcopy(network).to("cpu", torch.float64)
    return copied, Stretch(stretch.inputs.cpu(), stretch.targets.cpu(), before)
