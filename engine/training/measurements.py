"""Measurements of updates, in the units of those who make the updates and in the units of everyone else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.training.annealing import Doubles
from engine.training.streams import Lengths


@dataclass(slots=True)
class RawMeasurements:
    """Measurements by parameter and by vocabulary entry, as `Autograd` and `OneStream` take them.

    Attributes:
        parameter_norm_sums: (parameters,) the L2 norm of each parameter's gradient before clipping, summed over the
            updates.
        stream_loss_sums: (streams,) each stream's loss in nats per vocabulary entry, times the length of its window,
            summed over the updates.
        losses: the loss of each update in nats per vocabulary entry, the mean over its targets.
        gradient_norms: the L2 norm of each update's whole gradient before clipping.
        factors: the norm that clipping left of each update's gradient, as a share of the norm before.
        clipped: the number of updates whose gradient clipping made smaller.
        broken: what was not finite at the next update, which was not made; empty where all were made.
    """

    parameter_norm_sums: Doubles
    stream_loss_sums: Doubles
    losses: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    clipped: int = 0
    broken: str = ""

    @property
    def updates(self) -> int:
        """The number of updates."""
        return len(self.losses)


@dataclass(frozen=True, slots=True)
class Measurements:
    """Measurements by weight matrix and by character, as a trainer returns them.

    Attributes:
        lengths: (updates,) the vocabulary entries of each stream that an update read.
        rates: (updates,) the learning rate of each update.
        matrix_norm_sums: (matrices,) the L2 norm of each weight matrix's gradient before clipping, summed over the
            updates.
        stream_loss_sums: (streams,) each stream's loss in nats per character, times the length of its window in
            vocabulary entries, summed over the updates.
        losses: (updates,) the loss of each update in nats per character, the mean over its targets.
        gradient_norms: (updates,) the L2 norm of each update's whole gradient before clipping.
        factors: (updates,) the norm that clipping left of each update's gradient, as a share of the norm before.
        clipped: the number of updates whose gradient clipping made smaller.
        broken: what was not finite at the next update, which was not made; empty where all were made.
    """

    lengths: Lengths
    rates: Doubles
    matrix_norm_sums: Doubles
    stream_loss_sums: Doubles
    losses: Doubles
    gradient_norms: Doubles
    factors: Doubles
    clipped: int
    broken: str

    @classmethod
    def converted(
        cls, raw: RawMeasurements, lengths: Lengths, rates: Doubles, matrix_places: list[int], tokens_per_char: float
    ) -> Measurements:
        """Raw measurements in the units of everyone else.

        Args:
            raw: of some updates.
            lengths: (updates,) the vocabulary entries of each stream that each of them read.
            rates: (updates,) the learning rate of each.
            matrix_places: the places of the weight matrices among the parameters.
            tokens_per_char: the vocabulary entries that a character of the text takes.
        """
        return cls(
            lengths=lengths,
            rates=rates,
            matrix_norm_sums=raw.parameter_norm_sums[matrix_places],
            stream_loss_sums=raw.stream_loss_sums * tokens_per_char,
            losses=np.array(raw.losses) * tokens_per_char,
            gradient_norms=np.array(raw.gradient_norms),
            factors=np.array(raw.factors),
            clipped=raw.clipped,
            broken=raw.broken,
        )

    @classmethod
    def joined(cls, calls: Sequence[Measurements]) -> Measurements:
        """The measurements of several calls of a trainer, one after the other, as if one call had made all updates."""
        return cls(
            lengths=np.concatenate([each.lengths for each in calls]),
            rates=np.concatenate([each.rates for each in calls]),
            matrix_norm_sums=np.sum([each.matrix_norm_sums for each in calls], axis=0),
            stream_loss_sums=np.sum([each.stream_loss_sums for each in calls], axis=0),
            losses=np.concatenate([each.losses for each in calls]),
            gradient_norms=np.concatenate([each.gradient_norms for each in calls]),
            factors=np.concatenate([each.factors for each in calls]),
            clipped=sum(each.clipped for each in calls),
            broken=calls[-1].broken,
        )

    @property
    def updates(self) -> int:
        """The number of updates."""
        return len(self.lengths)

    @property
    def length(self) -> int:
        """The number of vocabulary entries that the updates read per stream."""
        return int(self.lengths.sum())

    @property
    def mean_loss(self) -> float:
        """The mean loss over all characters of the updates, in nats per character."""
        return float(self.stream_loss_sums.mean()) / self.length

    @property
    def loss_spread(self) -> float:
        """The standard deviation of the updates' losses, in nats per character."""
        return float(np.std(self.losses))
