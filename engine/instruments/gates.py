"""The saturation of the recurrent layers' gates and states, and the length of the memory that the gates imply."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.instruments.unrolled import Layer, unroll
from engine.network.cells import GATES
from engine.numbers import mean
from engine.settings import Settings
from engine.training.subject import Subject

LENGTH, SHORTEST, LANES = 64, 32, 8
"""The most and the fewest characters and the most lanes that are measured, which bounds the time."""

SIGMOID_EDGES = (0.05, 0.95)
"""The values outside of which a gate is saturated. Its slope is below a fifth of the largest one there."""

TANH_EDGES = (-0.95, 0.95)
"""The values outside of which a tanh is saturated. Its slope is below a tenth of the largest one there."""

LONGEST_MEMORY = 1e6
"""The longest memory that is reported, in characters: a gate that keeps everything would remember for ever."""

TANHS = frozenset({"cell", "memory", "new", "hidden"})
"""The values between -1 and 1; all others are between 0 and 1."""

KEPT = {"lstm": 1, "gru": 1}
"""The index of the gate that says how much of the state is kept: the forget gate, or the update gate (torch's z)."""


@dataclass(frozen=True, slots=True)
class Gates:
    """Saturation over a stretch of text; `gate_names` gives the names of the gates.

    A saturated unit passes hardly any gradient (Karpathy et al. 2016, "Visualizing and understanding recurrent
    networks"). But an LSTM that counts or remembers saturates many units some of the time. Only a unit that is
    saturated on the same side at every character is a constant.

    Attributes:
        saturated: (gates,) the share of saturated values, over all characters, lanes and units.
        share: the mean of `saturated`.
        frozen_gates: (gates,) the share of units that are saturated on the same side at every character of every lane.
        frozen: the mean of `frozen_gates`.
        forget: the mean of the gate that says how much of the state is kept; nan for a plain cell.
        memory: the characters of memory that this gate implies: the mean over units of 1 / (1 - the unit's mean), each
            at most 1e6; nan for a plain cell.
    """

    saturated: tuple[float, ...]
    share: float
    frozen_gates: tuple[float, ...]
    frozen: float
    forget: float
    memory: float


def gate_names(settings: Settings) -> tuple[str, ...]:
    """The name of each number of `Gates.saturated`: `forget0` is the lowest layer's forget gate."""
    return tuple(f"{name}{layer}" for layer in range(settings.layers) for name in GATES[settings.cell])


@torch.no_grad()
def gates(subject: Subject, effort: float = 1.0) -> Gates:
    """Measure saturation over the next 64 characters of up to 8 lanes; `effort` is the share of these that is read."""
    cell, length = subject.settings.cell, LENGTH if effort * LANES >= 1 else SHORTEST
    layers = unroll(subject.network, subject.ahead(length, max(1, round(effort * LANES)))).layers
    saturated: list[float] = []
    frozen: list[float] = []
    for layer in layers:
        for name, values in zip(GATES[cell], _values(cell, layer), strict=True):
            low, high = TANH_EDGES if name in TANHS else SIGMOID_EDGES
            below, above = values < low, values > high
            saturated.append(float((below | above).double().mean()))
            frozen.append(float((below.all(dim=0).all(dim=0) | above.all(dim=0).all(dim=0)).double().mean()))
    forget, memory = _memory([layer.gates[:, :, KEPT[cell]] for layer in layers]) if cell in KEPT else (math.nan,) * 2
    return Gates(tuple(saturated), mean(saturated), tuple(frozen), mean(frozen), forget, memory)


def _values(cell: str, layer: Layer) -> tuple[Tensor, ...]:
    """The values that are examined in a layer, each (time, lanes, H)."""
    kept = layer.gates.unbind(2)
    return (*kept, layer.memory[1:].tanh()) if cell == "lstm" else kept


def _memory(kept: list[Tensor]) -> tuple[float, float]:
    """The mean of the gates (time, lanes, H) of all layers, and the characters of memory that they imply."""
    means = torch.cat([gate.double().mean(dim=(0, 1)) for gate in kept])
    return float(means.mean()), float((1 / (1 - means)).clamp(max=LONGEST_MEMORY).mean())
