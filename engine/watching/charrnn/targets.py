"""How often each class is a target, which says what a network can know without looking at its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MOST_CLASSES = 4096
"""The most classes that are counted. With more, a training does not see enough of each."""

MOST_AT_ONCE = 65_536
"""The most targets that are counted at once."""

ENOUGH = 20
"""The targets for each class that occurs from which the entropy is told."""

GROWS = 2
"""How many times as many targets there must be until it is told again."""


class Targets:
    """Counts targets, and tells their entropy now and then."""

    def __init__(self) -> None:
        self._counts: Tensor | None = None
        self._told = 0

    def count(self, classes: int, target: Tensor, ignored: int = -100) -> tuple[float, int] | None:
        """Count targets; returns their entropy in nats, and how many it is of, where that is due.

        Targets that are no class, and those that the loss leaves out, are not counted. The entropy is put right
        for what a sample lacks (Miller 1955, eq. 7).
        """
        import torch

        if target.device.type != "cpu" or not 1 < classes <= MOST_CLASSES:
            return None
        taken = target.detach().reshape(-1)[:MOST_AT_ONCE]
        there = (taken >= 0) & (taken < classes) & (taken != ignored)
        counts = torch.bincount(taken[there], minlength=classes)
        if self._counts is None or len(self._counts) != len(counts):
            self._counts, self._told = torch.zeros_like(counts), 0
        self._counts += counts
        total, occur = int(self._counts.sum()), int((self._counts > 0).sum())
        if not total or total < max(ENOUGH * occur, GROWS * self._told):
            return None
        self._told = total
        shares = self._counts[self._counts > 0].double() / total
        return float(-(shares * shares.log()).sum()) + (occur - 1) / (2 * total), total
