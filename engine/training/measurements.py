"""What updates measured."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.training.annealing import Doubles


@dataclass(slots=True)
class Measured:
    """What some updates measured, to which that of further updates can be added.

    Attributes:
        norms: (parameters,) the sums of the L2 norms of each parameter's gradient, before clipping.
        by_stream: (streams,) the sums of each stream's loss times its windows' lengths, in nats.
        lengths: of each update, the characters of each stream that it read.
        losses: of each update, in nats per character, the mean over its targets.
        whole_norms: of each update, the L2 norm of the whole gradient before clipping.
        factors: of each update, what clipping by norm multiplied the gradient with; 1 where nothing was clipped so.
        clipped: how many updates had a gradient that clipping made smaller.
        rate: the last update's learning rate.
        broken: what was not finite at the next update, which was not made; empty where nothing was.
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
        """Add what the updates behind these measured."""
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
        """How many they are."""
        return len(self.lengths)

    @property
    def length(self) -> int:
        """Characters of each stream that they read."""
        return sum(self.lengths)

    @property
    def mean_loss(self) -> float:
        """Nats per character over all of them."""
        return float(self.by_stream.mean()) / self.length

    @property
    def loss_spread(self) -> float:
        """The standard deviation of an update's loss around their mean."""
        return float(np.std(self.losses))
