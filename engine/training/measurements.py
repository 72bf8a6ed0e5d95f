"""The measurements of updates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.training.annealing import Doubles


@dataclass(slots=True)
class Measured:
    """The measurements of consecutive updates, to which those of the next updates can be added.

    Attributes:
        norms: (parameters,) the L2 norm of each parameter's gradient before clipping, summed over the updates.
        by_stream: (streams,) each stream's loss times its window's length in nats, summed over the updates.
        lengths: for each update, the number of characters that it read per stream.
        losses: for each update, the mean loss over its targets, in nats per character.
        whole_norms: for each update, the L2 norm of the whole gradient before clipping.
        factors: for each update, the factor that clipping by norm applied to the gradient; 1 where it did not clip.
        clipped: the number of updates whose gradient was clipped.
        rate: the last update's learning rate.
        broken: the number that was not finite at the next update, in words; that update was not made. Empty where all
            were finite.
    """

    norms: Doubles
    by_stream: Doubles
    lengths: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    whole_norms: list[float] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    clipped: int = 0
    rate: float = 0.0
    broken: str = ""

    def add(self, more: Measured) -> None:
        """Add the measurements of the updates that followed these."""
        self.norms = self.norms + more.norms
        self.by_stream = self.by_stream + more.by_stream
        self.lengths += more.lengths
        self.losses += more.losses
        self.whole_norms += more.whole_norms
        self.factors += more.factors
        self.clipped += more.clipped
        self.rate = more.rate
        self.broken = more.broken

    @property
    def updates(self) -> int:
        """The number of updates."""
        return len(self.lengths)

    @property
    def length(self) -> int:
        """The number of characters that the updates read per stream."""
        return sum(self.lengths)

    @property
    def mean_loss(self) -> float:
        """The mean loss over all characters of the updates, in nats per character."""
        return float(self.by_stream.mean()) / self.length

    @property
    def loss_spread(self) -> float:
        """The standard deviation of the updates' losses, in nats per character."""
        return float(np.std(self.losses))
