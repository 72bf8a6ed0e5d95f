"""A recurrent layer over a window of some streams.

Torch's own layer computes the same. Here the steps of a window share their memory from update to update, run without
the interpreter, and the gradients by the weights are products over the whole window.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from engine.training.compiled import Floats
from engine.training.compiled.blas import add_product, product, transposed_product
from engine.training.compiled.brgemm import release
from engine.training.compiled.rounding import operand
from engine.training.many_streams import steps
from engine.training.many_streams.room import Room
from engine.training.many_streams.weight import Weight

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn"}
"""The cells by torch's names of their modules' modes."""


class Weights:
    """The parameters of a layer, for all shards.

    Args:
        module: torch's module.
        dtype: the number type of the products.

    Attributes:
        cell: the name of its cell.
        of_inputs, of_state: its two weights.
        bias_ih, bias_hh: its two biases, (G·H,).
    """

    def __init__(self, module: nn.RNNBase, dtype: torch.dtype) -> None:
        self.cell = CELLS[module.mode]
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = (each.detach() for each in module.all_weights[0])
        self.of_inputs, self.of_state = Weight(self.weight_ih, dtype), Weight(self.weight_hh, dtype)

    def input_bias(self) -> Tensor:
        """(G·H,) what is added to the product of the inputs: both biases, but for the GRU, which keeps them apart."""
        return self.bias_ih if self.cell == "gru" else self.bias_ih + self.bias_hh


class Layer:
    """A layer with the memory for the windows of one shard; T characters of B streams, H hidden units, G gates.

    Args:
        weights: its parameters, packed before each window.
        dtype: the number type of the products, float32 or bfloat16; all else is float32.

    Attributes:
        room: the memory of the window that is computed now.
        by_row: after `backward`, the gradient by the rows of the table that was looked up; empty without one.
        by_weight_ih, by_weight_hh, by_bias_ih, by_bias_hh: after `backward`, the gradients by the parameters; that by
            the weight of the inputs after `by_inputs`.
    """

    def __init__(self, weights: Weights, dtype: torch.dtype) -> None:
        self.weights = weights
        self._dtype = dtype
        self.room = self._longest = Room.allocate(weights.cell, 1, 1, weights.weight_hh, dtype)
        self._table = self.by_row = torch.empty(0, len(weights.weight_hh))
        self._places = torch.empty(0, 1, dtype=torch.int64)
        self.by_weight_ih, self.by_weight_hh = torch.empty_like(weights.weight_ih), torch.empty_like(weights.weight_hh)
        self.by_bias_ih, self.by_bias_hh = torch.empty_like(weights.bias_ih), torch.empty_like(weights.bias_hh)

    def begin(self, times: int, state: tuple[Tensor, ...]) -> None:
        """Begin a window of so many characters with this state, each (1, B, H)."""
        streams = state[0].shape[1]
        if not self._longest.holds(times, streams):
            self._longest = Room.allocate(self.weights.cell, times, streams, self.weights.weight_hh, self._dtype)
        self.room = self._longest.part(times)
        self.room.hidden[0].copy_(state[0][0])
        self.room.rounded[0].copy_(state[0][0])
        if self.weights.cell == "lstm":
            self.room.memory[0].copy_(state[1][0])

    def state(self) -> tuple[Tensor, ...]:
        """The state after the window."""
        states = (self.room.hidden, self.room.memory) if self.weights.cell == "lstm" else (self.room.hidden,)
        return tuple(each[-1:].clone() for each in states)

    def look_up(self, table: Tensor, places: Tensor) -> None:
        """Take as what the inputs add to the sums the rows of a table (n, G·H) at these places, (T, B)."""
        self._table, self._places = table, places

    def read(self, inputs: Tensor) -> None:
        """Write what these inputs add to the sums, (T·B, size), in the number type of the products."""
        sums = self.room.sums.flatten(0, 1)
        sums.copy_(self.weights.input_bias().expand_as(sums))
        weight = self.weights.of_inputs.ahead[len(inputs)]
        add_product(operand(inputs), weight, _floats(sums))
        release(weight)

    def forward(self) -> None:
        """Compute the gates and the states, from what the inputs add to the sums."""
        room, weights = self.room, self.weights
        weight = weights.of_state.ahead[room.sums.shape[1]]
        sums = _floats(room.sums), _floats(self._table), self._places.numpy()
        hidden, rounded = _floats(room.hidden), operand(room.rounded)
        if weights.cell == "lstm":
            steps.lstm(*sums, weight, hidden, rounded, _floats(room.memory))
        elif weights.cell == "gru":
            steps.gru(*sums, weight, _floats(weights.bias_hh), hidden, rounded, _floats(room.recurrent))
        else:
            steps.rnn(*sums, weight, hidden, rounded)

    def backward(self, above: Tensor) -> None:
        """Compute the gradient by the sums, by the weight of the state and by both biases.

        Args:
            above: (T, B, H) the gradient by each hidden state, from the layers above; it is overwritten.
        """
        room, by_hidden = self.room, _floats(above)
        weight = self.weights.of_state.back[room.sums.shape[1]]
        self.by_row = torch.zeros_like(self._table)
        rows = self._places.numpy(), _floats(self.by_row)
        gates, rounded_gates = _floats(room.sums), operand(room.rounded_sums)
        by_state, rounded_by_state = room.sums, room.rounded_sums
        if self.weights.cell == "lstm":
            through_time = _floats(torch.zeros_like(above[0]))
            steps.lstm_back(gates, rounded_gates, *rows, weight, _floats(room.memory), by_hidden, through_time)
        elif self.weights.cell == "gru":
            by_state, rounded_by_state = room.recurrent, room.rounded_recurrent
            recurrent, rounded = _floats(by_state), operand(rounded_by_state)
            steps.gru_back(gates, recurrent, rounded, *rows, weight, _floats(room.hidden), by_hidden)
            room.rounded_sums.copy_(room.sums)
        else:
            steps.rnn_back(gates, rounded_gates, *rows, weight, _floats(room.hidden), by_hidden)
        states = operand(room.rounded[:-1].flatten(0, 1))
        transposed_product(operand(rounded_by_state.flatten(0, 1)), states, _floats(self.by_weight_hh))
        torch.sum(self.by_row if len(self.by_row) else room.sums.flatten(0, 1), 0, out=self.by_bias_ih)
        if self.weights.cell == "gru":
            torch.sum(by_state, (0, 1), out=self.by_bias_hh)
        else:
            self.by_bias_hh.copy_(self.by_bias_ih)

    def by_inputs(self, inputs: Tensor, above: Tensor) -> None:
        """Compute the gradient by the weight of the inputs, and write that by the inputs into `above`, (T·B, size)."""
        by_sums = operand(self.room.rounded_sums.flatten(0, 1))
        transposed_product(by_sums, operand(inputs), _floats(self.by_weight_ih))
        weight = self.weights.of_inputs.back[len(inputs)]
        product(by_sums, weight, _floats(above))
        release(weight)


def _floats(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.numpy())
