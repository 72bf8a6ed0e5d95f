"""The loss over a whole split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
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
"""The number of characters per lane that are read at a time; between two chunks the evaluation may be given up."""


@torch.no_grad()
def evaluate(
    network: CharRNN,
    ids: TextIds,
    compute: Compute,
    keep_going: Callable[[float], bool] | None = None,
    most: int | None = None,
) -> float | None:
    """The mean loss over all of `ids` but the first, in nats per entry of the vocabulary, with the state carried along.

    The loss of a single pass from the first entry to the last is computed in lanes side by side. Each lane first reads
    a run-in through the text before its stretch, which brings it to the state of the single pass.

    Args:
        network: the network, which reads without dropout.
        ids: (n,) with n ≥ 2.
        compute: the device and the number type of the products.
        keep_going: called between chunks with the share done; False gives up.
        most: the approximate number of entries to predict, spread evenly over `ids`; None for all.

    Returns:
        The loss; None where it was given up.
    """
    predictions = len(ids) - 1
    lanes = max(1, min(MOST_LANES, predictions // SHORTEST_LANE))
    stretch = -(-predictions // lanes)
    starts = np.arange(lanes, dtype=np.int64) * stretch
    ends = np.minimum(starts + min(stretch, -(-(most or predictions) // lanes)), predictions)
    length = int((ends - starts).max())
    run_in = RUN_IN if lanes > 1 else 0
    state = network.zero_state(lanes)
    total = torch.zeros((), dtype=torch.float64)

    for begin in range(-run_in, length, CHUNK):
        end = min(begin + CHUNK, length) if begin >= 0 else min(begin + CHUNK, 0)
        places = starts + np.arange(begin, end, dtype=np.int64)[:, None]
        inside = torch.from_numpy((places >= starts) & (places < ends)).to(compute.device)
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
            if begin >= 0:
                logits = network.head(outputs).flatten(0, 1)
                losses = functional.cross_entropy(logits, targets.flatten(), reduction="none")
                total += (losses * inside.flatten()).sum(dtype=torch.float64).cpu()
        if keep_going is not None and not keep_going((end + run_in) / (length + run_in)):
            return None
    return float(total) / int((ends - starts).clip(0).sum())
