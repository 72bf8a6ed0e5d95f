"""Contiguous cursors through the training split."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.text.corpus import TextIds

Lengths = NDArray[np.int64]
"""The lengths of several windows in characters, (windows,)."""


class Streams:
    """`count` cursors, evenly spread, each reading the whole split as a ring.

    After the last character comes the first one again, with the state carried across. So every character is a target
    once in each round of a stream, and no window is ever cut short.

    Attributes:
        cursors: (count,) int64, the place of each stream's next input.
    """

    def __init__(self, ids: TextIds, count: int, device: torch.device) -> None:
        self._ids = ids
        self._device = device
        self.cursors = np.arange(count, dtype=np.int64) * len(ids) // count

    def window(self, length: int) -> tuple[Tensor, Tensor]:
        """The inputs and targets of the next `length` characters of each stream: two tensors, (length, count) int64."""
        places = (self.cursors + np.arange(length + 1, dtype=np.int64)[:, None]) % len(self._ids)
        ids = torch.from_numpy(self._ids[places].astype(np.int64)).to(self._device)
        return ids[:-1], ids[1:]

    def ahead(self, count: int) -> NDArray[np.int64]:
        """The next `count` characters of the first stream, (count,)."""
        places = (self.cursors[0] + np.arange(count, dtype=np.int64)) % len(self._ids)
        ids: NDArray[np.int64] = self._ids[places].astype(np.int64)
        return ids

    def advance(self, length: int) -> None:
        """Move every cursor on by `length` characters."""
        self.cursors = (self.cursors + length) % len(self._ids)
