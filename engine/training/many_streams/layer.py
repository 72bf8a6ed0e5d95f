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
from engine.training.compiled.rounding import operand
from engine.training.many_streams import steps

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn"}
"""The cells by torch's names of their modules' modes."""


class Layer:
    """A layer with the memory for its windows; T characters of B streams, H hidden units, G gates.

    Args:
        module: torch's module with its parameters, which get the gradients.
        dtype: the number type of the products, float32 or bfloat16; all else is float32.

    Attributes:
        hidden: (T + 1, B, H) the hidden state before the window and after each character.
        rounded: the same in the number type of the products.
        sums: (T, B, G·H) what the inputs add to the gates' sums, then the gates, and the gradient by these sums.
    """

    def __init__(self, module: nn.RNNBase, dtype: torch.dtype) -> None:
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = module.all_weights[0]
        self._cell = CELLS[module.mode]
        self._dtype = dtype
        self._transposed = torch.empty(self.weight_hh.shape[::-1], dtype=dtype)
        self._allocate(1, 1)
        self.make_room(1, 1)

    def make_room(self, times: int, streams: int) -> None:
        """Have memory for a window of so many characters: that of the longest so far, or a part of it."""
        if len(self._through_time) != streams or len(self._every_sums) < times:
            self._allocate(times, streams)
        self.sums, self._recurrent = self._every_sums[:times], self._every_recurrent[:times]
        self._rounded_sums = self._every_rounded_sums[:times]
        self._rounded_recurrent = self._every_rounded_recurrent[:times]
        self.hidden, self._memory = self._every_hidden[: times + 1], self._every_memory[: times + 1]
        self.rounded = self._every_rounded[: times + 1]

    def _allocate(self, times: int, streams: int) -> None:
        gates, hidden = self.weight_hh.shape
        self._every_sums = torch.empty(times, streams, gates)
        self._every_recurrent = torch.empty(times if self._cell == "gru" else 0, streams, gates)
        self._every_hidden = torch.empty(times + 1, streams, hidden)
        self._every_memory = torch.empty(times + 1 if self._cell == "lstm" else 0, streams, hidden)
        self._through_time = torch.empty(streams, hidden)
        # In float32 this is the same memory.
        self._every_rounded = self._every_hidden.to(self._dtype)
        self._every_rounded_sums = self._every_sums.to(self._dtype)
        self._every_rounded_recurrent = self._every_recurrent.to(self._dtype)

    def input_bias(self) -> Tensor:
        """(G·H,) what is added to the product of the inputs: both biases, but for the GRU, which keeps them apart."""
        return self.bias_ih if self._cell == "gru" else self.bias_ih + self.bias_hh

    def begin(self, state: tuple[Tensor, ...]) -> None:
        """Begin a window with this state, each (1, B, H)."""
        self.hidden[0].copy_(state[0][0])
        if self._cell == "lstm":
            self._memory[0].copy_(state[1][0])

    def state(self) -> tuple[Tensor, ...]:
        """The state after the window."""
        states = (self.hidden, self._memory) if self._cell == "lstm" else (self.hidden,)
        return tuple(each[-1:].clone() for each in states)

    def read(self, inputs: Tensor) -> None:
        """Write into `sums` what these inputs add to them, (T·B, size), in the number type of the products."""
        flat = self.sums.flatten(0, 1)
        flat.copy_(self.input_bias().expand_as(flat))
        weight = self.weight_ih.to(self._dtype).t().contiguous()
        add_product(operand(inputs), operand(weight), _floats(flat))

    def forward(self) -> None:
        """Compute the gates and the states, from what the inputs have added to `sums`."""
        self.rounded[0].copy_(self.hidden[0])
        # As a matrix of its own it multiplies a few rows half as quickly again. To round while transposing is slow.
        weight = operand(self._transposed.copy_(self.weight_hh.to(self._dtype).t()))
        gates, hidden, rounded = _floats(self.sums), _floats(self.hidden), operand(self.rounded)
        if self._cell == "lstm":
            steps.lstm(gates, weight, hidden, rounded, _floats(self._memory))
        elif self._cell == "gru":
            steps.gru(gates, weight, _floats(self.bias_hh), hidden, rounded, _floats(self._recurrent))
        else:
            steps.rnn(gates, weight, hidden, rounded)

    def backward(self, above: Tensor) -> None:
        """Turn `sums` into the gradient by them, and give the weights of the state and both biases their gradients.

        Args:
            above: (T, B, H) the gradient by each hidden state, from the layers above; it is overwritten.
        """
        gates, by_hidden, weight = _floats(self.sums), _floats(above), operand(self.weight_hh.detach().to(self._dtype))
        rounded_sums, rounded_recurrent = operand(self._rounded_sums), operand(self._rounded_recurrent)
        if self._cell == "lstm":
            through_time = _floats(self._through_time.zero_())
            steps.lstm_back(gates, rounded_sums, weight, _floats(self._memory), by_hidden, through_time)
        elif self._cell == "gru":
            recurrent = _floats(self._recurrent)
            steps.gru_back(gates, recurrent, rounded_recurrent, weight, _floats(self.hidden), by_hidden)
            self._rounded_sums.copy_(self.sums)
        else:
            steps.rnn_back(gates, rounded_sums, weight, _floats(self.hidden), by_hidden)
        by_state, rounded = (
            (self._recurrent, self._rounded_recurrent) if self._cell == "gru" else (self.sums, self._rounded_sums)
        )
        self.weight_hh.grad = gradient(rounded.flatten(0, 1), self.rounded[:-1].flatten(0, 1))
        self.bias_hh.grad = by_state.sum((0, 1))
        self.bias_ih.grad = self.sums.sum((0, 1)) if self._cell == "gru" else self.bias_hh.grad.clone()

    def by_inputs(self, inputs: Tensor, above: Tensor) -> None:
        """Give the weights of the inputs their gradient, and write that by the inputs into `above`, (T·B, size)."""
        rounded = self._rounded_sums.flatten(0, 1)
        self.weight_ih.grad = gradient(rounded, inputs)
        product(operand(rounded), operand(self.weight_ih.detach().to(self._dtype)), _floats(above))


def gradient(by_sums: Tensor, inputs: Tensor) -> Tensor:
    """The gradient by a weight of (sums, inputs), from both over a window, (T·B, sums) and (T·B, inputs)."""
    found = torch.empty(by_sums.shape[1], inputs.shape[1])
    transposed_product(operand(by_sums), operand(inputs), _floats(found))
    return found


def _floats(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.detach().numpy())
