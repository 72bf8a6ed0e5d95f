"""Fixed places of a text that are read again and again: two readings differ by what the network learnt alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.text.vocabulary import Ids
from engine.training.subject import Subject

RUN_IN = 128
"""Entries that each lane reads from a zero state before any is counted."""

SPAN = 192
"""Entries of each lane that are counted."""

MOST_NUMBERS = 2**21
"""The largest tensor that a reading makes, about: 8 MiB of float32, whatever the vocabulary."""


@dataclass(frozen=True, eq=False, slots=True)
class Panel:
    """Lanes of a text, side by side, none of which overlaps another.

    Attributes:
        ids: (run_in + span + 1, lanes) int64: all that is read, and the last target.
        run_in: how many are read before the first whose successor is counted.
        regions: where in the text the middle of what is counted lies, as a share 0 … 1, for each lane.
    """

    ids: NDArray[np.int64]
    run_in: int
    regions: tuple[float, ...]

    @classmethod
    def over(cls, ids: Ids, most: int) -> Panel:
        """Lanes evenly spread over a text, each in the middle of its share of it.

        Args:
            ids: (n,) with n ≥ 2. Where not even one whole lane fits, there is one over all of the text, of which the
                same share is run-in.
            most: how many lanes, where the text is long enough.
        """
        run_in, span = RUN_IN, SPAN
        if len(ids) <= run_in + span:
            run_in = (len(ids) - 1) * RUN_IN // (RUN_IN + SPAN)
            span = len(ids) - 1 - run_in
        length = run_in + span + 1
        lanes = min(most, len(ids) // length)
        middles = (2 * np.arange(lanes, dtype=np.int64) + 1) * len(ids) // (2 * lanes)
        begins = middles - length // 2
        regions = (begins + run_in + span / 2) / len(ids)
        return cls(ids[begins + np.arange(length)[:, None]].astype(np.int64), run_in, tuple(regions.tolist()))

    @property
    def targets(self) -> NDArray[np.int64]:
        """(span, lanes): the entries whose prediction is counted."""
        return self.ids[self.run_in + 1 :]


@dataclass(frozen=True, eq=False, slots=True)
class PanelReading:
    """What a network predicts on a panel.

    Attributes:
        losses: (span, lanes) float64, nats of each target, which is an entry of the vocabulary.
        chances: (span, lanes, groups) float32 on the network's device, the probability of each group of entries.
    """

    losses: NDArray[np.float64]
    chances: Tensor


@torch.no_grad()
def read(subject: Subject, panel: Panel, groups: NDArray[np.int64]) -> PanelReading:
    """Read a panel without dropout, a few time steps at a time, so that no vocabulary is too large.

    Args:
        subject: whose network reads.
        panel: what it reads.
        groups: (entries,) a group's number for each entry of the vocabulary. Chances by group are what is kept of the
            network's predictions, all of which would not fit into the memory.
    """
    network, device = subject.network, subject.compute.device
    ids = torch.from_numpy(panel.ids).to(device)
    membership = torch.from_numpy(np.eye(groups.max() + 1, dtype=np.float32)[groups]).to(device)
    time, lanes = len(ids) - 1, ids.shape[1]
    # Of an LSTM's layer the four gates are the largest tensor.
    step = max(1, MOST_NUMBERS // (lanes * max(len(groups), 4 * network.hidden)))
    state = network.zero_state(lanes)
    losses: list[Tensor] = []
    chances: list[Tensor] = []

    for begin, end in _chunks(panel.run_in, time, step):
        with subject.compute.precision():
            outputs, state = network(ids[begin:end], state)
            if begin < panel.run_in:
                continue
            logits = network.head(outputs)
        predicted = logits.float().log_softmax(dim=-1)
        losses.append(-predicted.gather(2, ids[begin + 1 : end + 1, :, None])[..., 0])
        # Outside of `precision`: sums of probabilities want all the digits of float32.
        chances.append(predicted.exp_() @ membership)
    return PanelReading(torch.cat(losses).double().cpu().numpy(), torch.cat(chances))


def _chunks(run_in: int, time: int, step: int) -> list[tuple[int, int]]:
    """Begin and end of each chunk; one ends where the run-in does."""
    begins = [*range(0, run_in, step), *range(run_in, time, step)]
    return list(zip(begins, [*begins[1:], time], strict=True))
