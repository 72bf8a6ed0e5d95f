"""The loss over a whole split."""

from __future__ import annotations

from collections.abc import Callable

import torch

from engine.network.compute import Compute
from engine.network.lanes import read_in_lanes
from engine.network.model import CharRNN
from engine.text.corpus import TextIds


@torch.no_grad()
def evaluate(
    network: CharRNN,
    ids: TextIds,
    compute: Compute,
    keep_going: Callable[[float], bool] | None = None,
    most: int | None = None,
) -> float | None:
    """The mean loss over all of `ids` but the first, in nats per entry of the vocabulary, with the state carried along.

    Args:
        network: the network, which reads without dropout.
        ids: (n,) with n ≥ 2.
        compute: the device and the number type of the products.
        keep_going: called several times with the share done; False gives up.
        most: the approximate number of entries to predict, spread evenly over `ids`; None for all.

    Returns:
        The loss; None where it was given up.
    """
    total, count = torch.zeros((), dtype=torch.float64), 0
    for chunk in read_in_lanes(network, ids, compute, most):
        if counted := int(chunk.counted.sum()):
            inside = torch.from_numpy(chunk.counted).to(compute.device)
            total += (chunk.losses(network, compute) * inside).sum(dtype=torch.float64).cpu()
            count += counted
        if keep_going is not None and not keep_going(chunk.done):
            return None
    return float(total) / count
