"""Fixed places of a text that are read repeatedly, so that two readings differ only by what the network has learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.text.corpus import TextIds
from engine.training.subject import Subject

RUN_IN, SPAN = 128, 192
"""The number of entries that each lane reads from a zero state before the first counted one, and that of the counted
ones. The run-in covers every lag at which missed information is measured."""

SHORT_RUN_IN, SHORT_SPAN = 64, 128
"""The same where only the loss is measured."""

MOST_NUMBERS = 2**21
"""The approximate size of the largest tensor that a reading makes: 8 MiB of float32, whatever the vocabulary."""


@dataclass(frozen=True, eq=False, slots=True)
class Panel:
    """Lanes of a text that do not overlap, side by side.

    Attributes:
        ids: (run_in + span + 1, lanes) int64: all entries that are read, and the last target.
        run_in: the number of entries that are read before the first one whose successor is counted.
        regions: for each lane, the place in the text of the middle of its counted entries, as a share 0 … 1.
    """

    ids: NDArray[np.int64]
    run_in: int
    regions: tuple[float, ...]

    @classmethod
    def over(cls, ids: TextIds, most: int, run_in: int = RUN_IN, span: int = SPAN) -> Panel:
        """Lanes spread evenly over a text, each in the middle of its share.

        Args:
            ids: (n,) with n ≥ 2. Where not even one whole lane fits, a single lane covers all of the text, with the
                same share of it as run-in.
            most: the number of lanes where the text is long enough.
            run_in: the number of entries that each lane reads before the first counted one.
            span: the number of counted entries in each lane.
        """
        if len(ids) <= run_in + span:
            run_in = (len(ids) - 1) * run_in // (run_in + span)
            span = len(ids) - 1 - run_in
        length = run_in + span + 1
        lanes = min(most, len(ids) // length)
        middles = (2 * np.arange(lanes, dtype=np.int64) + 1) * len(ids) // (2 * lanes)
        begins = middles - length // 2
        regions = (begins + run_in + span / 2) / len(ids)
        return cls(ids[begins + np.arange(length)[:, None]].astype(np.int64), run_in, tuple(regions.tolist()))

    @classmethod
    def at(cls, ids: TextIds, begins: NDArray[np.int64], span: int) -> Panel:
        """Lanes whose counted entries are given, each with a short run-in through the text before it.

        Args:
            ids: (n,).
            begins: (lanes,) the place of the first counted entry of each lane, more than `SHORT_RUN_IN`.
            span: the number of counted entries in each lane.
        """
        places = begins - SHORT_RUN_IN - 1 + np.arange(SHORT_RUN_IN + 1 + span, dtype=np.int64)[:, None]
        return cls(ids[places].astype(np.int64), SHORT_RUN_IN, tuple(((begins + span / 2) / len(ids)).tolist()))

    @property
    def targets(self) -> NDArray[np.int64]:
        """The entries whose prediction is counted, (span, lanes)."""
        return self.ids[self.run_in + 1 :]


@dataclass(frozen=True, eq=False, slots=True)
class PanelReading:
    """The predictions of a network on a panel.

    Attributes:
        losses: (span, lanes) float64, the loss of each target in nats per entry of the vocabulary.
        chances: (span, lanes, groups) float32 on the network's device, the probability of each group of entries.
    """

    losses: NDArray[np.float64]
    chances: Tensor


@torch.no_grad()
def read(subject: Subject, panel: Panel, groups: NDArray[np.int64]) -> PanelReading:
    """Read a panel without dropout, a few time steps at a time, so that no vocabulary is too large.

    Args:
        subject: the one whose network reads.
        panel: the text to read.
        groups: (entries,) the group of each entry of the vocabulary. Only the probabilities of the groups are kept: all
            predictions would not fit into memory.
    """
    network, device = subject.network, subject.compute.device
    ids = torch.from_numpy(panel.ids).to(device)
    membership = torch.from_numpy(np.eye(groups.max() + 1, dtype=np.float32)[groups]).to(device)
    time, lanes = len(ids) - 1, ids.shape[1]
    # In an LSTM layer the four gates are the largest tensor.
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
        # Outside of `precision`: sums of probabilities need all the digits of float32.
        chances.append(predicted.exp_() @ membership)
    return PanelReading(torch.cat(losses).double().cpu().numpy(), torch.cat(chances))


def _chunks(run_in: int, time: int, step: int) -> list[tuple[int, int]]:
    """The begin and end of each chunk; one chunk ends where the run-in does."""
    begins = [*range(0, run_in, step), *range(run_in, time, step)]
    return list(zip(begins, [*begins[1:], time], strict=True))
