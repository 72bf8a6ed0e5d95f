"""The values of the recurrent layers at every character of a stretch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.network.model import CharRNN
from engine.training.subject import Stretch


@dataclass(frozen=True, slots=True)
class Layer:
    """One recurrent layer's values over a stretch; H is its size.

    Attributes:
        hidden: (time + 1, lanes, H) the hidden state before the stretch and after each of its characters.
        memory: (time + 1, lanes, H) the same for an LSTM's cell state; (0, lanes, H) for the other cells.
        gates: (time, lanes, gates, H) the gates after their nonlinearity, in torch's order: input, forget, cell, output
            for an LSTM; reset, update, new for a GRU; only the hidden state for a plain cell.
        recurrent: (time, lanes, H) the sum that a GRU's reset gate multiplies, W_hn·h + b_hn; (0, lanes, H) for the
            other cells.
    """

    hidden: Tensor
    memory: Tensor
    gates: Tensor
    recurrent: Tensor


@dataclass(frozen=True, slots=True)
class Unrolled:
    """A network's values over a stretch, layer by layer from the lowest to the highest."""

    layers: tuple[Layer, ...]

    @property
    def outputs(self) -> Tensor:
        """The outputs that the head reads, (time, lanes, H)."""
        return self.layers[-1].hidden[1:]


@torch.no_grad()
def unroll(network: CharRNN, stretch: Stretch) -> Unrolled:
    """Read a stretch in the number type of the parameters, without dropout.

    The hidden states are those of `network.forward`. Once they are known, the sums of the gates are two products over
    all characters at once, and only an LSTM's cell state is left to compute step by step.
    """
    dtype, per_layer = network.head.weight.dtype, network.states_per_layer
    inputs = network.embedding(stretch.inputs)
    layers: list[Layer] = []
    for index, module in enumerate(network.rnn):
        states = [state.to(dtype) for state in stretch.before[index * per_layer : (index + 1) * per_layer]]
        outputs, _ = module(inputs, tuple(states) if per_layer > 1 else states[0])
        hidden = torch.cat((states[0], outputs))
        from_input, from_hidden = _sums(module, inputs, hidden[:-1])
        none = hidden[:0]
        match network.cell:
            case "lstm":
                gates = _lstm_gates(from_input + from_hidden)
                layers.append(Layer(hidden, _memory(gates, states[1]), gates, none))
            case "gru":
                layers.append(Layer(hidden, none, _gru_gates(from_input, from_hidden), from_hidden[:, :, 2]))
            case "rnn":
                layers.append(Layer(hidden, none, outputs[:, :, None], none))
            case unknown:
                raise NotImplementedError(f"the steps of the cell {unknown}")
        inputs = outputs
    return Unrolled(tuple(layers))


def _sums(module: nn.Module, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The two parts of the gates' sums, from the layer's inputs and from its state: each (time, lanes, gates, H)."""
    parts = []
    for values, kind in ((inputs, "ih"), (hidden, "hh")):
        weight, bias = module.get_parameter(f"weight_{kind}_l0"), module.get_parameter(f"bias_{kind}_l0")
        parts.append(nn.functional.linear(values, weight, bias).view(*hidden.shape[:2], -1, hidden.shape[2]))
    return parts[0], parts[1]


def _lstm_gates(sums: Tensor) -> Tensor:
    gates = sums.sigmoid()
    gates[:, :, 2] = sums[:, :, 2].tanh()
    return gates


def _gru_gates(from_input: Tensor, from_hidden: Tensor) -> Tensor:
    gates = (from_input + from_hidden).sigmoid_()
    gates[:, :, 2] = (from_input[:, :, 2] + gates[:, :, 0] * from_hidden[:, :, 2]).tanh()
    return gates


def _memory(gates: Tensor, before: Tensor) -> Tensor:
    """An LSTM's cell state, (time + 1, lanes, H): c = f·c + i·g."""
    added, kept = gates[:, :, 0] * gates[:, :, 2], gates[:, :, 1]
    memory = torch.cat((before, added))
    for time in range(len(gates)):
        memory[time + 1].addcmul_(kept[time], memory[time])
    return memory
