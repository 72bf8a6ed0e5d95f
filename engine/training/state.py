"""A copy of everything that the next update depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.budget import CoolDownSpan
from engine.errors import UserError
from engine.network.model import CarriedState
from engine.settings import Settings
from engine.training.randomness import RandomState

COMPILED: Mapping[int, torch.dtype] = {1: torch.float32, 2: torch.bfloat16}
"""The number types of the products in compiled loops, by their numbers in a checkpoint."""


DTYPES: Mapping[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""The number types by their names in a checkpoint."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The progress of a training.

    Attributes:
        updates: the number of updates made.
        tokens: the number of vocabulary entries read, over all streams.
        warm_tokens: the same when the warm-up ended, where a budget's cosine begins.
        changes: the number of knob changes that the training has gone through.
        cool_down: the cosine that the user asked for by key; None without one.
        shards: the number of parts that the streams are shared out in, whose gradients are added up.
        compiled: a key of `COMPILED` where compiled loops make the passes of several streams, else 0.
        dtype: the number type of the matrix products, a key of `DTYPES`; None in checkpoints of versions before 0.3.
    """

    updates: int = 0
    tokens: int = 0
    warm_tokens: int = 0
    changes: int = 0
    cool_down: CoolDownSpan | None = None
    shards: int = 1
    compiled: int = 0
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the next update depends on, apart from the text.

    Attributes:
        settings: the settings with the current value of every knob.
        counters: the progress of the training.
        random: the states of the random generators.
        tensors: parameters, optimiser slots, carried state and cursors, by name.
    """

    settings: Settings
    counters: Counters
    random: RandomState
    tensors: dict[str, Tensor]

    def size(self) -> int:
        """The size of all tensors in bytes."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def __reduce__(self) -> tuple[Any, ...]:
        # Torch would share a tensor's memory between processes, and that memory ends with the process that made it.
        arrays = {name: tensor.numpy() for name, tensor in self.tensors.items()}
        return _unpickled, (self.settings, self.counters, self.random.lengths, self.random.dropout.numpy(), arrays)


def _unpickled(
    settings: Settings,
    counters: Counters,
    lengths: Mapping[str, Any],
    dropout: NDArray[np.uint8],
    arrays: Mapping[str, NDArray[Any]],
) -> State:
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return State(settings, counters, RandomState(lengths, torch.from_numpy(dropout)), tensors)


@dataclass(frozen=True, slots=True)
class SortedTensors:
    """A state's tensors, sorted by the part of the training that they belong to."""

    network: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    carried: CarriedState
    cursors: Tensor

    @classmethod
    def of(cls, state: State) -> SortedTensors:
        """The sorted tensors of a state; raises UserError where a tensor is missing or unknown."""
        network: dict[str, Tensor] = {}
        optimiser: dict[str, Tensor] = {}
        carried: dict[int, Tensor] = {}
        rest: dict[str, Tensor] = {}
        for name, tensor in state.tensors.items():
            family, _, local = name.partition(".")
            if family == "network":
                network[local] = tensor
            elif family == "optimiser":
                optimiser[local] = tensor
            elif family == "carried" and local.isdecimal():
                carried[int(local)] = tensor
            else:
                rest[name] = tensor
        if rest.keys() != {"streams.cursors"}:
            raise UserError("the checkpoint's tensors are not those of a training")
        ordered = tuple(tensor for _, tensor in sorted(carried.items()))
        return cls(network, optimiser, ordered, rest["streams.cursors"])


def parameters(state: State) -> dict[str, Tensor]:
    """The network's parameters in a state, by their names in the network."""
    return SortedTensors.of(state).network


def finite(state: State) -> bool:
    """Whether every number in a state is finite; a state that is not must not replace one that is."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in state.tensors.values())
