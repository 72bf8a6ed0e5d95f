"""A recurrent layer over a window of several streams.

Torch's own layer computes the same. Here the steps of a window share their memory from update to update, run without
the interpreter, and the gradients by the weights are products over the whole window.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from engine.training.compiled import Floats
from engine.training.compiled.blas import add_product, product, transposed_product
from engine.training.compiled.packing import Packing
from engine.training.compiled.rounding import operand
from engine.training.many_streams import steps
from engine.training.many_streams.room import Room

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn"}
"""The cells by torch's names of their modules' modes."""


class Layer:
    """A layer with the memory for its windows; T characters of B streams, H hidden units, G gates.

    Args:
        module: torch's module with its parameters, which get the gradients.
        dtype: the number type of the products, float32 or bfloat16; all else is float32.

    Attributes:
        room: the memory of the window that is computed now.
    """

    def __init__(self, module: nn.RNNBase, dtype: torch.dtype) -> None:
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = module.all_weights[0]
        self._cell = CELLS[module.mode]
        self._dtype = dtype
        self._ahead, self._back = Packing(), Packing()
        self.room = self._longest = Room.allocate(self._cell, 1, 1, self.weight_hh, dtype)

    def begin(self, times: int, state: tuple[Tensor, ...]) -> None:
        """Begin a window of so many characters with this state, each (1, B, H)."""
        streams = state[0].shape[1]
        if not self._longest.holds(times, streams):
            self._longest = Room.allocate(self._cell, times, streams, self.weight_hh, self._dtype)
        self.room = self._longest.part(times)
        self.room.hidden[0].copy_(state[0][0])
        self.room.rounded[0].copy_(state[0][0])
        if self._cell == "lstm":
            self.room.memory[0].copy_(state[1][0])

    def state(self) -> tuple[Tensor, ...]:
        """The state after the window."""
        states = (self.room.hidden, self.room.memory) if self._cell == "lstm" else (self.room.hidden,)
        return tuple(each[-1:].clone() for each in states)

    def input_bias(self) -> Tensor:
        """(G·H,) what is added to the product of the inputs: both biases, but for the GRU, which keeps them apart."""
        return self.bias_ih if self._cell == "gru" else self.bias_ih + self.bias_hh

    def read(self, inputs: Tensor) -> None:
        """Write what these inputs add to the sums, (T·B, size), in the number type of the products."""
        sums = self.room.sums.flatten(0, 1)
        sums.copy_(self.input_bias().expand_as(sums))
        weight = self.weight_ih.to(self._dtype).t().contiguous()
        add_product(operand(inputs), operand(weight), _floats(sums))

    def forward(self) -> None:
        """Compute the gates and the states, from what the inputs have added to the sums."""
        room = self.room
        weight = self._ahead.pack(self.weight_hh.detach().t(), room.sums.shape[1], self._dtype)
        gates, hidden, rounded = _floats(room.sums), _floats(room.hidden), operand(room.rounded)
        if self._cell == "lstm":
            steps.lstm(gates, weight, hidden, rounded, _floats(room.memory))
        elif self._cell == "gru":
            steps.gru(gates, weight, _floats(self.bias_hh), hidden, rounded, _floats(room.recurrent))
        else:
            steps.rnn(gates, weight, hidden, rounded)

    def backward(self, above: Tensor) -> None:
        """Compute the gradient by the sums, and give the weights of the state and both biases their gradients.

        Args:
            above: (T, B, H) the gradient by each hidden state, from the layers above; it is overwritten.
        """
        room, by_hidden = self.room, _floats(above)
        weight = self._back.pack(self.weight_hh.detach(), room.sums.shape[1], self._dtype)
        gates, rounded_gates = _floats(room.sums), operand(room.rounded_sums)
        by_state, rounded_by_state = room.sums, room.rounded_sums
        if self._cell == "lstm":
            through_time = _floats(torch.zeros_like(above[0]))
            steps.lstm_back(gates, rounded_gates, weight, _floats(room.memory), by_hidden, through_time)
        elif self._cell == "gru":
            by_state, rounded_by_state = room.recurrent, room.rounded_recurrent
            recurrent, rounded = _floats(by_state), operand(rounded_by_state)
            steps.gru_back(gates, recurrent, rounded, weight, _floats(room.hidden), by_hidden)
            room.rounded_sums.copy_(room.sums)
        else:
            steps.rnn_back(gates, rounded_gates, weight, _floats(room.hidden), by_hidden)
        self.weight_hh.grad = gradient(rounded_by_state.flatten(0, 1), room.rounded[:-1].flatten(0, 1))
        self.bias_hh.grad = by_state.sum((0, 1))
        self.bias_ih.grad = room.sums.sum((0, 1)) if self._cell == "gru" else self.bias_hh.grad.clone()

    def by_inputs(self, inputs: Tensor, above: Tensor) -> None:
        """Give the weights of the inputs their gradient, and write that by the inputs into `above`, (T·B, size)."""
        by_sums = self.room.rounded_sums.flatten(0, 1)
        self.weight_ih.grad = gradient(by_sums, inputs)
        product(operand(by_sums), operand(self.weight_ih.detach().to(self._dtype)), _floats(above))


def gradient(by_sums: Tensor, inputs: Tensor) -> Tensor:
    """The gradient by a weight of (sums, inputs), from both over a window, (T·B, sums) and (T·B, inputs)."""
    found = torch.empty(by_sums.shape[1], inputs.shape[1])
    transposed_product(operand(by_sums), operand(inputs), _floats(found))
    return found


def _floats(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.detach().numpy())
