"""A recurrent layer over a window of several streams: products of matrices by torch, all else by compiled loops.

Torch's own layer computes the same. Here the steps of a window share their memory from update to update, and the
gradients by the weights are products over the whole window.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from engine.training.compiled import Floats
from engine.training.many_streams import steps

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn"}
"""The cells by torch's names of their modules' modes."""


class Layer:
    """A layer with the memory for its windows; T characters of B streams, H hidden units, G gates.

    Args:
        module: torch's module with its parameters, which get the gradients.

    Attributes:
        hidden: (T + 1, B, H) the hidden state before the window and after each character.
        memory: (T + 1, B, H) the same for the LSTM's cell state.
        sums: (T, B, G·H) what the inputs add to the gates' sums, then the gates, and the gradient by these sums.
    """

    def __init__(self, module: nn.RNNBase) -> None:
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = module.all_weights[0]
        self._cell = CELLS[module.mode]
        self._transposed = torch.empty(self.weight_hh.shape[::-1])
        self._allocate(1, 1)
        self.make_room(1, 1)

    def make_room(self, times: int, streams: int) -> None:
        """Have memory for a window of so many characters: that of the longest so far, or a part of it."""
        if len(self._through_time) != streams or len(self._every_sums) < times:
            self._allocate(times, streams)
        self.sums, self._recurrent = self._every_sums[:times], self._every_recurrent[:times]
        self.hidden, self.memory = self._every_hidden[: times + 1], self._every_memory[: times + 1]

    def _allocate(self, times: int, streams: int) -> None:
        gates, hidden = self.weight_hh.shape
        self._every_sums = torch.empty(times, streams, gates)
        self._every_recurrent = torch.empty(times if self._cell == "gru" else 0, streams, gates)
        self._every_hidden = torch.empty(times + 1, streams, hidden)
        self._every_memory = torch.empty(times + 1 if self._cell == "lstm" else 0, streams, hidden)
        self._through_time = torch.empty(streams, hidden)

    def input_bias(self) -> Tensor:
        """(G·H,) what is added to the product of the inputs: both biases, but for the GRU, which keeps them apart."""
        return self.bias_ih if self._cell == "gru" else self.bias_ih + self.bias_hh

    def begin(self, state: tuple[Tensor, ...]) -> None:
        """Begin a window with this state, each (1, B, H)."""
        self.hidden[0].copy_(state[0][0])
        if self._cell == "lstm":
            self.memory[0].copy_(state[1][0])

    def state(self) -> tuple[Tensor, ...]:
        """The state after the window."""
        states = (self.hidden, self.memory) if self._cell == "lstm" else (self.hidden,)
        return tuple(each[-1:].clone() for each in states)

    def forward(self) -> None:
        """Compute the gates and the states, from what the inputs have added to `sums`."""
        # As a matrix of its own it multiplies a few rows half as quickly again.
        weight = self._transposed.copy_(self.weight_hh.t())
        before, sums = self.hidden.unbind(), self.sums.unbind()
        hidden, memory, gates = _array(self.hidden), _array(self.memory), _array(self.sums)
        recurrent, each_recurrent = _array(self._recurrent), self._recurrent.unbind()
        for time in range(len(sums)):
            if self._cell == "gru":
                torch.addmm(self.bias_hh, before[time], weight, out=each_recurrent[time])
                steps.gru(gates[time], recurrent[time], hidden[time], hidden[time + 1])
                continue
            sums[time].addmm_(before[time], weight)
            if self._cell == "lstm":
                steps.lstm(gates[time], memory[time], memory[time + 1], hidden[time + 1])
            else:
                steps.rnn(gates[time], hidden[time + 1])

    def backward(self, above: Tensor) -> None:
        """Turn `sums` into the gradient by them, and give the weights of the state and both biases their gradients.

        Args:
            above: (T, B, H) the gradient by each hidden state, from the layers above; it is overwritten.
        """
        through_time = _array(self._through_time.zero_())
        hidden, memory, gates = _array(self.hidden), _array(self.memory), _array(self.sums)
        by_hidden, each_above = _array(above), above.unbind()
        by_state = self._recurrent if self._cell == "gru" else self.sums
        recurrent, each_by_state = _array(self._recurrent), by_state.unbind()
        for time in range(len(each_above) - 1, -1, -1):
            if self._cell == "gru":
                steps.gru_back(gates[time], recurrent[time], hidden[time], by_hidden[time])
            elif self._cell == "lstm":
                steps.lstm_back(gates[time], memory[time], memory[time + 1], by_hidden[time], through_time)
            else:
                steps.rnn_back(gates[time], hidden[time + 1], by_hidden[time])
            if time:
                if self._cell == "gru":
                    each_above[time - 1].add_(each_above[time])
                each_above[time - 1].addmm_(each_by_state[time], self.weight_hh)
        flat = by_state.flatten(0, 1)
        self.weight_hh.grad = flat.t() @ self.hidden[:-1].flatten(0, 1)
        self.bias_hh.grad = flat.sum(0)
        self.bias_ih.grad = self.sums.flatten(0, 1).sum(0) if self._cell == "gru" else self.bias_hh.grad.clone()


def _array(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.numpy())
