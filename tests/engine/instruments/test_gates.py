"""Saturation against gates computed from single cells' weights in float64."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.instruments.gates import gate_names, gates
from engine.training.trainer import Trainer
from tests.engine.instruments.reference import NETWORKS, Loop, trained


def by_hand(trainer: Trainer) -> dict[str, Tensor]:
    """Every gate over the stretch, (time, lanes, H) in float64, by the formulas of torch's documentation."""
    loop, stretch = Loop(trainer.network), trainer.subject().ahead(64, 8)
    cell, per_layer = trainer.settings.cell, trainer.network.states_per_layer
    _, hiddens, memories = loop(stretch)
    found: dict[str, list[Tensor]] = {name: [] for name in gate_names(trainer.settings)}
    for time, ids in enumerate(stretch.inputs):
        values = loop.embedding(ids)
        for layer, module in enumerate(loop.cells):
            before = hiddens[time - 1][layer] if time else stretch.before[layer * per_layer][0].double()
            w_i, w_h, b_i, b_h = module.parameters()
            inputs, states = (
                (values @ w_i.T + b_i).chunk(_COUNT[cell], 1),
                (before @ w_h.T + b_h).chunk(_COUNT[cell], 1),
            )
            if cell == "lstm":
                entered, forgot, new, output = (one + other for one, other in zip(inputs, states, strict=True))
                memory = memories[time][layer].tanh()
                here = [entered.sigmoid(), forgot.sigmoid(), new.tanh(), output.sigmoid(), memory]
            elif cell == "gru":
                reset, update = (inputs[0] + states[0]).sigmoid(), (inputs[1] + states[1]).sigmoid()
                here = [reset, update, (inputs[2] + reset * states[2]).tanh()]
            else:
                here = [(inputs[0] + states[0]).tanh()]
            for place, gate in enumerate(here):
                found[list(found)[layer * len(here) + place]].append(gate)
            values = hiddens[time][layer]
    return {name: torch.stack(values).detach() for name, values in found.items()}


_COUNT = {"lstm": 4, "gru": 3, "rnn": 1}


def saturated(name: str, gate: Tensor) -> tuple[Tensor, Tensor]:
    low = -0.95 if name[:-1] in ("cell", "memory", "new", "hidden") else 0.05
    return gate < low, gate > 0.95


@pytest.mark.parametrize(("cell", "layers", "streams"), NETWORKS)
def test_it_is_what_the_formulas_give(text: Path, cell: str, layers: int, streams: int) -> None:
    trainer = trained(text, cell=cell, layers=layers, streams=streams)
    with torch.no_grad():
        for parameter in trainer.network.rnn.parameters():
            parameter.mul_(3)
    expected = by_hand(trainer)
    reading = gates(trainer.subject())
    assert len(reading.saturated) == len(expected)
    frozen = []
    for name, found, still in zip(expected, reading.saturated, reading.frozen_gates, strict=True):
        below, above = saturated(name, expected[name])
        assert found == pytest.approx(float((below | above).double().mean()), abs=1e-4), name
        constant = [
            bool(below[:, :, unit].all()) or bool(above[:, :, unit].all()) for unit in range(trainer.settings.hidden)
        ]
        frozen.append(sum(constant) / len(constant))
        assert still == frozen[-1]
    assert reading.share == pytest.approx(sum(reading.saturated) / len(expected))
    assert reading.frozen == pytest.approx(sum(frozen) / len(frozen))
    assert 0 < reading.share < 1

    kept = [gate for name, gate in expected.items() if name[:-1] == {"lstm": "forget", "gru": "update"}.get(cell)]
    if not kept:
        assert math.isnan(reading.forget)
        assert math.isnan(reading.memory)
        return
    assert reading.forget == pytest.approx(float(torch.stack(kept).mean()), rel=1e-4)
    memory = torch.cat([1 / (1 - gate.mean(dim=(0, 1))) for gate in kept]).mean()
    assert reading.memory == pytest.approx(float(memory), rel=1e-4)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("lstm", ("input0", "forget0", "cell0", "output0", "memory0", "input1")),
        ("gru", ("reset0", "update0", "new0", "reset1", "update1", "new1")),
        ("rnn", ("hidden0", "hidden1")),
    ],
)
def test_the_names_are_those_of_the_numbers(text: Path, cell: str, names: tuple[str, ...]) -> None:
    trainer = trained(text, 1, cell=cell, layers=2)
    found = gate_names(trainer.settings)
    assert found[: len(names)] == names
    assert len(found) == len(gates(trainer.subject()).saturated)


@pytest.mark.parametrize(("cell", "bias"), [("lstm", 1), ("gru", 1)])
def test_a_gate_that_keeps_everything(text: Path, cell: str, bias: int) -> None:
    trainer = trained(text, 1, cell=cell)
    with torch.no_grad():
        biases = trainer.network.rnn[0].get_parameter("bias_ih_l0").view(-1, trainer.settings.hidden)
        biases[bias] = 100
    reading = gates(trainer.subject())
    assert reading.forget == pytest.approx(1)
    assert reading.memory == pytest.approx(1e6)
    assert (reading.saturated[1], reading.frozen_gates[1]) == (1, 1)


def test_units_that_swing_are_saturated_and_not_frozen(text: Path) -> None:
    trainer = trained(text, 1, cell="rnn")
    with torch.no_grad():
        trainer.network.embedding.weight.mul_(1e4)
    reading = gates(trainer.subject())
    assert reading.share > 0.9
    assert reading.frozen < 0.2
