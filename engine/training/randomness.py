"""The random numbers that an update may draw, apart from those of the rest of the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class RandomState:
    """Where the generators are: `lengths` as JSON holds it, `dropout` as bytes (n,) uint8."""

    lengths: Mapping[str, Any]
    dropout: torch.Tensor


class Randomness:
    """Generators that one training owns.

    Attributes:
        lengths: draws window lengths.
        dropout: draws dropout masks, on the network's device.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        lengths, dropout, initial = np.random.SeedSequence(seed).generate_state(3, np.uint64)
        self.lengths = np.random.Generator(np.random.PCG64(int(lengths)))
        self.dropout = torch.Generator(device).manual_seed(int(dropout) >> 1)
        self._initial = int(initial) >> 1

    def initial(self) -> torch.Generator:
        """A fresh generator, on the CPU, for the first values of the parameters."""
        return torch.Generator().manual_seed(self._initial)

    def state(self) -> RandomState:
        """Where both generators are."""
        return RandomState(self.lengths.bit_generator.state, self.dropout.get_state())

    def restore(self, state: RandomState) -> None:
        """Go back to where `state` was taken; raises ValueError, KeyError, TypeError or RuntimeError if it is none."""
        self.lengths.bit_generator.state = state.lengths
        self.dropout.set_state(state.dropout)
