"""The inputs of the activation functions of a recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from engine.network.model import CarriedState, CharRNN


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation function of one layer.

    Attributes:
        kind: which function.
        inputs: the inputs of the function, (time, lanes, hidden).
    """

    kind: Literal["tanh", "sigmoid"]
    inputs: Tensor


@torch.no_grad()
def activations(network: CharRNN, ids: Tensor, before: CarriedState) -> tuple[list[Activation], Tensor]:
    """Read (time, lanes) characters step by step; also returns the last layer's outputs, (time, lanes, hidden)."""
    outputs: Tensor = network.embedding(ids)
    found: list[Activation] = []
    per_layer = network.states_per_layer
    for index, layer in enumerate(network.rnn):
        states = [state[0] for state in before[index * per_layer : (index + 1) * per_layer]]
        kept: list[list[Activation]] = []
        hidden: list[Tensor] = []
        for inputs in outputs:
            at_this_time, states = _step(network.cell, layer, inputs, states)
            kept.append(at_this_time)
            hidden.append(states[0])
        outputs = torch.stack(hidden)
        found += [
            Activation(each[0].kind, torch.stack([one.inputs for one in each])) for each in zip(*kept, strict=True)
        ]
    return found, outputs


def _step(cell: str, layer: nn.Module, inputs: Tensor, states: list[Tensor]) -> tuple[list[Activation], list[Tensor]]:
    """The inputs of each function for one character, and the states after it."""
    hidden = states[0]
    from_input = nn.functional.linear(inputs, layer.get_parameter("weight_ih_l0"), layer.get_parameter("bias_ih_l0"))
    from_hidden = nn.functional.linear(hidden, layer.get_parameter("weight_hh_l0"), layer.get_parameter("bias_hh_l0"))
    if cell == "rnn":
        total = from_input + from_hidden
        return [Activation("tanh", total)], [total.tanh()]
    if cell == "gru":
        input_reset, input_update, input_new = from_input.chunk(3, dim=-1)
        hidden_reset, hidden_update, hidden_new = from_hidden.chunk(3, dim=-1)
        reset, update = input_reset + hidden_reset, input_update + hidden_update
        new = input_new + reset.sigmoid() * hidden_new
        after = torch.lerp(new.tanh(), hidden, update.sigmoid())
        return [Activation("sigmoid", reset), Activation("sigmoid", update), Activation("tanh", new)], [after]
    enter, forget, new, leave = (from_input + from_hidden).chunk(4, dim=-1)
    memory = forget.sigmoid() * states[1] + enter.sigmoid() * new.tanh()
    gates = [Activation("sigmoid", gate) for gate in (enter, forget, leave)]
    return [*gates, Activation("tanh", new), Activation("tanh", memory)], [leave.sigmoid() * memory.tanh(), memory]
