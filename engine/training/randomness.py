"""The random generators of a training, which nothing else in the program draws from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class RandomState:
    """The generators' states: `lengths` in a form that JSON can hold, `dropout` as bytes, (n,) uint8."""

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
        """A fresh generator on the CPU for the parameters' initial values."""
        return torch.Generator().manual_seed(self._initial)

    def state(self) -> RandomState:
        """The current state of both generators."""
        return RandomState(self.lengths.bit_generator.state, self.dropout.get_state())

    def restore(self, state: RandomState) -> None:
        """Return to `state`; raises ValueError, KeyError, TypeError or RuntimeError where it is not valid."""
        self.lengths.bit_generator.state = state.lengths
        self.dropout.set_state(state.dropout)
