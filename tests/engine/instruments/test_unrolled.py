"""The unrolled states of a stretch are those that the network computes."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.instruments.unrolled import unroll
from engine.network.model import CELLS
from engine.training.subject import Stretch
from tests.engine.instruments.reference import NETWORKS, Loop, trained


@pytest.mark.parametrize(("cell", "layers", "streams"), NETWORKS)
def test_it_is_what_forward_and_single_cells_give(text: Path, cell: str, layers: int, streams: int) -> None:
    trainer = trained(text, cell=cell, layers=layers, streams=streams)
    stretch = trainer.subject().ahead(20, streams)
    found = unroll(trainer.network, stretch)
    outputs, after = trainer.network(stretch.inputs, stretch.before)
    torch.testing.assert_close(found.outputs, outputs)
    per_layer = trainer.network.states_per_layer
    for index, layer in enumerate(found.layers):
        torch.testing.assert_close(layer.hidden[0], stretch.before[index * per_layer][0])
        torch.testing.assert_close(layer.hidden[-1], after[index * per_layer][0])
        if cell == "lstm":
            torch.testing.assert_close(layer.memory[-1], after[index * per_layer + 1][0])

    _, hiddens, memories = Loop(trainer.network)(stretch)
    for index, layer in enumerate(found.layers):
        hidden = torch.stack([states[index] for states in hiddens])
        torch.testing.assert_close(layer.hidden[1:].double(), hidden, rtol=1e-4, atol=1e-6)
        if cell == "lstm":
            memory = torch.stack([states[index] for states in memories])
            torch.testing.assert_close(layer.memory[1:].double(), memory, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_in_float64_is_read_in_float64(text: Path, cell: str) -> None:
    trainer = trained(text, cell=cell, layers=2)
    stretch = trainer.subject().ahead(20, 3)
    found = unroll(deepcopy(trainer.network).double(), stretch)
    _, hiddens, _ = Loop(trainer.network)(stretch)
    torch.testing.assert_close(found.outputs, torch.stack([states[-1] for states in hiddens]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_the_states_follow_from_the_gates(text: Path, cell: str) -> None:
    trainer = trained(text, cell=cell)
    stretch: Stretch = trainer.subject().ahead(20, 3)
    layer = unroll(trainer.network, stretch).layers[0]
    gates: list[Tensor] = list(layer.gates.unbind(2))
    if cell == "lstm":
        entered, forgot, new, output = gates
        expected = output * (forgot * layer.memory[:-1] + entered * new).tanh()
    elif cell == "gru":
        _, update, new = gates
        expected = (1 - update) * new + update * layer.hidden[:-1]
    else:
        (expected,) = gates
    torch.testing.assert_close(layer.hidden[1:], expected, rtol=1e-5, atol=1e-6)
