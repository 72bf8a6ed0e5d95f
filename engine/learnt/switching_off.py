"""A network without one of its units."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn

from engine.network.model import CharRNN


@torch.no_grad()
def switched_off(network: CharRNN, layer: int, unit: int, value: float = 0.0) -> CharRNN:
    """A copy in which whatever reads a unit's hidden state finds the same value there at every character.

    Its readers are the layer itself at the next character, and the layer above or the head. Their weights for it become
    zero, and what the value would have added goes into their biases. Nothing else changes: the copy computes what the
    network would with that state held.

    Args:
        network: the network, which stays as it is.
        layer: the layer, 0 for the lowest.
        unit: the unit in it.
        value: the value that is held, such as 0 or the unit's mean.
    """
    held = copy.deepcopy(network)
    own = cast(nn.RNNBase, held.rnn[layer]).all_weights[0]
    readers: list[tuple[Tensor, Tensor]] = [(own[1], own[3])]
    if layer + 1 < len(held.rnn):
        above = cast(nn.RNNBase, held.rnn[layer + 1]).all_weights[0]
        readers.append((above[0], above[2]))
    else:
        readers.append((held.head.weight, held.head.bias))
    for weight, bias in readers:
        bias.add_(weight[:, unit], alpha=value)
        weight[:, unit] = 0
    return held
