"""A text that is read by a network in lanes, side by side, as a single pass would read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.network.compute import Compute
from engine.network.model import CharRNN
from engine.text.corpus import TextIds

MOST_LANES = 64
SHORTEST_LANE = 1024
"""The most lanes in which a text is read, and the fewest characters of a lane."""

RUN_IN = 256
"""The number of characters before its own that each lane reads, to start with the state that a single pass has there.
"""

CHUNK = 64
"""The number of characters per lane that are read at a time."""


@dataclass(frozen=True, eq=False, slots=True)
class Chunk:
    """Characters of all lanes that were read together; T characters of L lanes.

    Attributes:
        places: (T, L) int64, the place in the text of each character that was read; the one after it is predicted.
        counted: (T, L) bool, whether a place is one of its lane's own; none of a run-in is.
        targets: (T, L) int64, the characters that are predicted.
        outputs: (T, L, hidden) the last layer's outputs.
        done: the share of the reading that is done, 0 … 1.
    """

    places: NDArray[np.int64]
    counted: NDArray[np.bool_]
    targets: Tensor
    outputs: Tensor
    done: float

    def losses(self, network: CharRNN, compute: Compute) -> Tensor:
        """(T, L) the loss of each prediction in nats."""
        with compute.precision():
            logits = network.head(self.outputs).flatten(0, 1)
            losses = functional.cross_entropy(logits, self.targets.flatten(), reduction="none")
        return losses.view(self.targets.shape)


@torch.no_grad()
def read_in_lanes(network: CharRNN, ids: TextIds, compute: Compute, most: int | None = None) -> Iterator[Chunk]:
    """Read all of `ids` but the last, with the state carried along; every place but it is counted once.

    Each lane first reads a run-in through the text before its stretch, which brings it to the state of a single pass.

    Args:
        network: the network, which reads without dropout.
        ids: (n,) with n ≥ 2.
        compute: the device and the number type of the products.
        most: the approximate number of places to count, spread evenly over `ids`; None for all.
    """
    predictions = len(ids) - 1
    lanes = max(1, min(MOST_LANES, predictions // SHORTEST_LANE))
    stretch = -(-predictions // lanes)
    starts = np.arange(lanes, dtype=np.int64) * stretch
    ends = np.minimum(starts + min(stretch, -(-(most or predictions) // lanes)), predictions)
    length = int((ends - starts).max())
    run_in = RUN_IN if lanes > 1 else 0
    state = network.zero_state(lanes)

    for begin in range(-run_in, length, CHUNK):
        end = min(begin + CHUNK, length) if begin >= 0 else min(begin + CHUNK, 0)
        places = starts + np.arange(begin, end, dtype=np.int64)[:, None]
        read = np.clip(places, 0, predictions - 1)
        inputs, targets = (
            torch.from_numpy(ids[shifted].astype(np.int64)).to(compute.device) for shifted in (read, read + 1)
        )
        if begin == 0:
            # There is no text before the first lane: it starts from zeros, as the single pass does.
            state = tuple(
                tensor.index_fill(1, torch.zeros(1, dtype=torch.int64, device=tensor.device), 0.0) for tensor in state
            )
        with compute.precision():
            outputs, state = network(inputs, state)
        counted = (places >= starts) & (places < ends)
        yield Chunk(read, counted, targets, outputs, (end + run_in) / (length + run_in))
