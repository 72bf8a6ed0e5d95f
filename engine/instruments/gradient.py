"""The loss of a window and its gradient, which the parameters themselves do not get to hold."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor
from torch.nn import functional

from engine.network.model import CarriedState, CharRNN
from engine.training.subject import Stretch, Subject
from engine.windows import ALL

LENGTH, LANES = 64, 2
"""The longest window that instruments take, in characters, and its lanes."""

Gradient = tuple[Tensor, ...]
"""A number for each number of the parameters, in the order of `network.parameters()`."""


def window(subject: Subject, longest: int = LENGTH) -> Stretch:
    """The window that instruments take where all of it would be too slow: its characters, `longest` × 2 at most."""
    return subject.ahead(min(subject.settings.bptt.high, longest), LANES)


def loss_of(network: CharRNN, stretch: Stretch, targets: str) -> tuple[Tensor, CarriedState]:
    """The mean loss over the targets of a window in nats, as an update takes it but without dropout, and the state."""
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
