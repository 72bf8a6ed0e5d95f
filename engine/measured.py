"""What updates measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.annealing import Doubles


@dataclass(slots=True)
class Measured:
    """What some updates measured, as sums, to which those of further updates can be added.

    Attributes:
        norms: (parameters,) the sums of the L2 norms of each parameter's gradient, before clipping.
        updates: how many updates were made.
        length: characters of each stream that they read.
        loss: nats per character, the mean over a window's targets, times the window's length.
        norm: the L2 norms of the whole gradient before clipping.
        highest_norm: the largest of them.
        clipped: how many updates had a gradient that clipping made smaller.
        rate: the last update's learning rate.
        broken: what was not finite at the next update, which was not made; empty where nothing was.
    """

    norms: Doubles
    updates: int = 0
    length: int = 0
    loss: float = 0.0
    norm: float = 0.0
    highest_norm: float = 0.0
    clipped: int = 0
    rate: float = 0.0
    broken: str = field(default="", kw_only=True)

    def add(self, more: Measured) -> None:
        """Add what the updates behind these measured."""
        self.norms = self.norms + more.norms
        self.updates += more.updates
        self.length += more.length
        self.loss += more.loss
        self.norm += more.norm
        self.highest_norm = max(self.highest_norm, more.highest_norm)
        self.clipped += more.clipped
        self.rate = more.rate
        self.broken = more.broken

    @property
    def mean_loss(self) -> float:
        """Nats per character over all of them."""
        return self.loss / self.length
