"""Which units follow a property of the text, measured on text that did not choose them.

A unit tells a property where a threshold on its value does. Of many units the best one tells any property better than
half of the time: so it stands beside the best of as many random directions, and beside the best unit of a network that
has learnt nothing, whose units tell the last character well. All choices are made on one half of the text and measured
on the other. Balanced accuracy is the mean of the shares told where the property holds and where it does not; guessing
has 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.learnt.properties import Labels

THRESHOLDS = 64
"""The thresholds that are tried for a unit, at equal shares of its values."""

CLEARLY, MARGIN = 3.0, 0.05
"""The standard errors, and the accuracy beyond them, by which a unit must be ahead of chance to be named: networks that
have learnt nothing differ by some percent."""

WELL = 0.8
"""The least balanced accuracy of a unit that is named."""

RIDGE = 1e-2
"""The share of each unit's variance that a linear probe adds to it (ridge regression)."""

SEED = 0


@dataclass(frozen=True, slots=True)
class Followed:
    """A property, and how well the states tell it; accuracies are balanced, on the half of the text not chosen on.

    Attributes:
        name: the property.
        unit: the unit that tells it best.
        accuracy: how well it does.
        by_chance: how well the best of as many random directions does, or of the units that have learnt nothing.
        linear: how well a linear probe of all units does.
        error: the standard error of the difference to chance.
    """

    name: str
    unit: int
    accuracy: float
    by_chance: float
    linear: float
    error: float

    @property
    def named(self) -> bool:
        """Whether the unit is said to follow the property."""
        return self.accuracy >= WELL and self.accuracy - self.by_chance > MARGIN + CLEARLY * self.error


def follow(states: Tensor, untrained: Tensor, properties: dict[str, Labels]) -> list[Followed]:
    """How well the units follow each property.

    Args:
        states: (n, units) float32, the hidden states after each character.
        untrained: (n, units) the same of a network that has learnt nothing.
        properties: (n,) bool each.
    """
    half = len(states) // 2
    scaled, nothing = (_scaled(each, half) for each in (states, untrained))
    random = torch.Generator().manual_seed(SEED)
    turned = scaled @ torch.randn(states.shape[1], states.shape[1], generator=random)
    units, directions, others = (_Binned.of(each, half) for each in (scaled, turned, nothing))
    found = []
    for name, labels in properties.items():
        seen, unseen = torch.from_numpy(labels[:half]), torch.from_numpy(labels[half:])
        if not (seen.any() and unseen.any()) or seen.all() or unseen.all():
            continue
        unit, accuracy = units.best(seen, unseen)
        by_chance = max(each.best(seen, unseen)[1] for each in (directions, others))
        linear = _linear(scaled[:half], seen, scaled[half:], unseen)
        error = math.sqrt(_variance(accuracy, labels[half:]) + _variance(by_chance, labels[half:]))
        found.append(Followed(name, unit, accuracy, by_chance, linear, error))
    return found


def _scaled(states: Tensor, half: int) -> Tensor:
    """With a mean of 0 and a spread of 1 in the first half; a unit that does not move stays at 0."""
    return (states - states[:half].mean(0)) / states[:half].std(0).clamp_min(1e-6)


@dataclass(frozen=True, eq=False, slots=True)
class _Binned:
    """Values in bins of equal shares, both halves apart: (units, n / 2) int64."""

    seen: Tensor
    unseen: Tensor

    @classmethod
    def of(cls, values: Tensor, half: int) -> _Binned:
        """The bins are those of the first half."""
        columns = values.t().contiguous()
        some = columns[:, : half : max(1, half // 4096)]
        edges = torch.quantile(some, torch.arange(1, THRESHOLDS) / THRESHOLDS, dim=1).t().contiguous()
        bins = torch.searchsorted(edges, columns)
        return cls(bins[:, :half], bins[:, half:])

    def best(self, seen: Tensor, unseen: Tensor) -> tuple[int, float]:
        """The unit that tells the labels of the first half best, and its balanced accuracy on the second."""
        ahead = _ahead(self.seen, seen)
        unit, threshold = divmod(int(ahead.abs().argmax()), THRESHOLDS)
        sign = float(ahead[unit, threshold].sign())
        return unit, 0.5 + 0.5 * sign * float(_ahead(self.unseen[unit : unit + 1], unseen)[0, threshold])


def _ahead(bins: Tensor, labels: Tensor) -> Tensor:
    """(units, thresholds) how much larger the share of values above a threshold is where the labels hold."""
    shares = []
    for some in (labels, ~labels):
        chosen = bins[:, some]
        counts = torch.zeros(len(bins), THRESHOLDS).scatter_add_(1, chosen, torch.ones(1).expand(chosen.shape))
        shares.append(1 - counts.cumsum(1) / chosen.shape[1])
    return shares[0] - shares[1]


def _linear(seen: Tensor, labels: Tensor, unseen: Tensor, expected: Tensor) -> float:
    """The balanced accuracy of a linear probe: ridge regression on labels of ± 1, both of which weigh as much."""
    targets = torch.where(labels, 1.0, -1.0)
    weights = torch.where(labels, 0.5 / labels.float().mean(), 0.5 / (~labels).float().mean())
    inputs = torch.cat((seen, seen.new_ones(len(seen), 1)), 1)
    gram = (inputs * weights[:, None]).t() @ inputs / len(seen)
    gram.diagonal()[:-1].add_(RIDGE)
    solution = torch.linalg.solve(gram, (inputs * weights[:, None]).t() @ targets / len(seen))
    told = unseen @ solution[:-1] + solution[-1] > 0
    return 0.5 * float(told[expected].float().mean() + (~told[~expected]).float().mean())


def _variance(accuracy: float, labels: NDArray[np.bool_]) -> float:
    """The variance of a balanced accuracy; characters of one stretch are told together, so that stretches count."""
    changes = int((np.diff(labels.view(np.int8)) != 0).sum())
    return max(accuracy * (1 - accuracy), 1e-4) / max(1, changes)
