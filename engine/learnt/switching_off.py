"""A network without one of its units: what it loses, and where."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.learnt.properties import Labels
from engine.network.compute import Compute
from engine.network.lanes import read_in_lanes
from engine.network.model import CharRNN
from engine.text.corpus import TextIds

STRETCH = 1_000
"""The characters of a stretch. Losses next to each other go together, so that stretches are what is counted."""


@dataclass(frozen=True, slots=True)
class Rise:
    """The rise of the loss without a unit, in nats per character, each with its standard error.

    Attributes:
        holds, holds_error: where the property holds that the unit follows.
        elsewhere, elsewhere_error: where it does not.
        place: the place in the text of the character whose own loss rises the most.
    """

    holds: float
    holds_error: float
    elsewhere: float
    elsewhere_error: float
    place: int


class Without:
    """Reads a text with a network, and without units of it.

    Args:
        network: the network.
        ids: (n,) the text.
        means: (layers · H,) the mean of each unit, lowest layer first; it is held there.
        compute: the number type of the products, on the CPU.
    """

    def __init__(self, network: CharRNN, ids: TextIds, means: Tensor, compute: Compute) -> None:
        self._network, self._ids, self._means, self._compute = network, ids, means, compute
        self._whole = self._losses(network)
        self._rises: dict[int, NDArray[np.float64]] = {}

    def rise(self, unit: int, labels: Labels) -> Rise:
        """What the network loses without a unit, counted from the lowest layer on.

        Args:
            unit: the unit.
            labels: (n,) the property after each character. Where it holds, the next character is predicted with it.
        """
        if unit not in self._rises:
            layer, place = divmod(unit, self._network.head.in_features)
            held = switched_off(self._network, layer, place, float(self._means[unit]))
            self._rises[unit] = self._losses(held) - self._whole
        rises, where = self._rises[unit], labels[:-1]
        return Rise(*_mean(rises, where), *_mean(rises, ~where), int(rises.argmax()) + 1)

    @torch.no_grad()
    def _losses(self, network: CharRNN) -> NDArray[np.float64]:
        """(n - 1,) the loss of each character but the first."""
        losses = np.zeros(len(self._ids) - 1)
        for chunk in read_in_lanes(network, self._ids, self._compute):
            losses[chunk.places[chunk.counted]] = chunk.losses(network, self._compute).double().numpy()[chunk.counted]
        return losses


def _mean(values: NDArray[np.float64], where: Labels) -> tuple[float, float]:
    """The mean of the values at some places, and its standard error: that of a ratio of sums over stretches."""
    begins = np.arange(0, len(values), STRETCH)
    sums, counts = (np.add.reduceat(each, begins) for each in (values * where, where.astype(np.float64)))
    mean = float(sums.sum() / counts.sum())
    spread = float(((sums - mean * counts) ** 2).sum()) * len(begins) / max(1, len(begins) - 1)
    return mean, math.sqrt(spread) / float(counts.sum())


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
