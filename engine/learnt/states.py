"""The hidden states of every layer at every character of a text."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.network.model import CharRNN
from engine.text.corpus import TextIds

LANE, RUN_IN = 2_000, 128
"""The characters of a lane, and those before its own that it reads first, to start with the state of a single pass."""


@torch.no_grad()
def hidden_states(network: CharRNN, ids: TextIds) -> Tensor:
    """(n, layers · H) float32, the states after each character, of the lowest layer first.

    Args:
        network: the network, which reads without dropout, in the number type of its parameters.
        ids: (n,).
    """
    lanes = -(-len(ids) // LANE)
    places = np.arange(lanes) * LANE + np.arange(-RUN_IN, LANE)[:, None]
    inputs = torch.from_numpy(np.asarray(ids)[places.clip(0, len(ids) - 1)].astype(np.int64))
    # The first lane has no text before it: its run-in is read, and its state begins anew.
    head, state = inputs[:RUN_IN], network.zero_state(lanes)
    _, state = network(head, state)
    for each in state:
        each[:, 0] = 0
    outputs, layers = network.embedding(inputs[RUN_IN:]), []
    per_layer = network.states_per_layer
    for index, layer in enumerate(network.rnn):
        before = state[index * per_layer : (index + 1) * per_layer]
        outputs, _ = layer(outputs, tuple(before) if per_layer > 1 else before[0])
        layers.append(outputs.transpose(0, 1).flatten(0, 1)[: len(ids)])
    return torch.cat(layers, 1).float()
