"""How much one number of a sequence tells of the next: the sign by which the direction of a text is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MOST_CLASSES = 128
"""The most different numbers whose pairs are counted."""

ADDED = 0.5
"""The number added to each count, so that a pair that was not seen is not impossible."""

LONGEST = 8192
"""The most pairs of one window that are counted."""


class Pairs:
    """Counts pairs of numbers, and tells how much the first says of the second."""

    def __init__(self) -> None:
        self._counts: Tensor | None = None
        self.total = 0
        """The pairs that were counted."""

    def count(self, first: Tensor, second: Tensor) -> None:
        """Count pairs. Once a number is too large, none are counted any more."""
        import torch

        one, other = (each.reshape(-1)[:LONGEST] for each in (first, second))
        if self.total < 0 or not len(one):
            return
        if int(torch.minimum(one, other).min()) < 0 or int(torch.maximum(one, other).max()) >= MOST_CLASSES:
            self._counts, self.total = None, -1
            return
        counted = torch.bincount(one * MOST_CLASSES + other, minlength=MOST_CLASSES**2)
        self._counts = counted if self._counts is None else self._counts + counted
        self.total += len(one)

    def gain(self, first: Tensor, second: Tensor) -> float:
        """How much likelier other pairs become, in nats a pair, by what was counted; nan where that was nothing."""
        import torch

        one, other = first.reshape(-1), second.reshape(-1)
        if self._counts is None or not len(one) or int(torch.maximum(one, other).max()) >= MOST_CLASSES:
            return math.nan
        table = self._counts.view(MOST_CLASSES, MOST_CLASSES).double()
        before, after = table.sum(1), table.sum(0)
        alone = (after[other] + ADDED) / (self.total + ADDED * MOST_CLASSES)
        # What was never seen together is about as likely as it is alone.
        together = (table[one, other] + alone) / (before[one] + 1)
        return float((together / alone).log().mean())

    @property
    def information(self) -> float:
        """The mutual information of the two in nats, put right for what a sample lacks (Miller 1955)."""
        if self._counts is None:
            return 0.0
        table = self._counts.view(MOST_CLASSES, MOST_CLASSES).double() / self.total
        alone = table.sum(1, keepdim=True) * table.sum(0, keepdim=True)
        there = table > 0
        raw = float((table[there] * (table[there] / alone[there]).log()).sum())
        cells = int((table.sum(1) > 0).sum()) - 1, int((table.sum(0) > 0).sum()) - 1
        return raw - cells[0] * cells[1] / (2 * self.total)
