"""Backpropagation through time (Werbos 1990), one character at a time, through values computed beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from engine.instruments.unrolled import Layer, Unrolled
from engine.network.model import CharRNN


class _Cell(Protocol):
    """One layer in the backward pass."""

    def back(self, time: int, by_hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Go back by one character.

        Args:
            time: the character's place in the stretch.
            by_hidden: (lanes, H) the gradient by the hidden state after the character.

        Returns:
            The gradient by the sums that the layer's input enters, (lanes, gates·H), and by the hidden state before
            the character, (lanes, H).
        """

    def largest(self) -> Tensor:
        """The largest magnitude carried back besides the gradient by the hidden state: that by an LSTM's cell state."""


class Adjoint:
    """The gradient by the hidden states of every layer, from the last character of a stretch to its first."""

    def __init__(self, network: CharRNN, unrolled: Unrolled) -> None:
        cell = CELLS[network.cell]
        layers = zip(network.rnn, unrolled.layers, strict=True)
        self._cells = [cell(module.get_parameter("weight_hh_l0"), layer) for module, layer in layers]
        self._into = [module.get_parameter("weight_ih_l0") for module in network.rnn]
        self._carried = unrolled.outputs.new_zeros(len(self._cells), *unrolled.outputs.shape[1:])

    def step(self, time: int, by_output: Tensor | None = None) -> Tensor:
        """The gradient by the hidden state of every layer after the character at `time`.

        Args:
            time: the character's place; each call must go one further back, beginning at the last character.
            by_output: (lanes, H) the gradient that reaches the highest layer from above at this character; None where
                there is none.

        Returns:
            (layers, lanes, H).
        """
        found = torch.empty_like(self._carried)
        above = by_output
        for index in range(len(self._cells) - 1, -1, -1):
            carried = self._carried[index]
            found[index] = carried if above is None else carried + above
            by_sums, self._carried[index] = self._cells[index].back(time, found[index])
            above = by_sums @ self._into[index] if index else None
        return found

    def largest(self) -> float:
        """The largest magnitude among all gradients carried back to the character before."""
        beside = [cell.largest() for cell in self._cells]
        return float(torch.stack([self._carried.abs().max(), *beside]).max())


class _Plain:
    """h = tanh(sum)."""

    def __init__(self, weight: Tensor, layer: Layer) -> None:
        self._weight = weight
        self._slope = 1 - layer.hidden[1:].square()

    def back(self, time: int, by_hidden: Tensor) -> tuple[Tensor, Tensor]:
        by_sums = by_hidden * self._slope[time]
        return by_sums, by_sums @ self._weight

    def largest(self) -> Tensor:
        return self._weight.new_zeros(())


class _Gru:
    """n = tanh(… + r·(W_hn·h + b_hn)), h' = (1 − z)·n + z·h."""

    def __init__(self, weight: Tensor, layer: Layer) -> None:
        self._weight = weight
        reset, update, new = layer.gates.unbind(2)
        by_new = (1 - update) * (1 - new.square())
        by_update = (layer.hidden[:-1] - new) * update * (1 - update)
        by_reset = by_new * layer.recurrent * reset * (1 - reset)
        self._slopes = torch.stack((by_reset, by_update, by_new), dim=2)
        self._recurrent_slopes = torch.stack((by_reset, by_update, by_new * reset), dim=2)
        self._kept = update

    def back(self, time: int, by_hidden: Tensor) -> tuple[Tensor, Tensor]:
        by_sums = (by_hidden[:, None] * self._slopes[time]).flatten(1)
        # The new gate has separate sums for the input and the state, since the reset gate multiplies only the latter.
        by_recurrent = (by_hidden[:, None] * self._recurrent_slopes[time]).flatten(1)
        return by_sums, torch.addmm(by_hidden * self._kept[time], by_recurrent, self._weight)

    def largest(self) -> Tensor:
        return self._weight.new_zeros(())


class _Lstm:
    """c' = f·c + i·g, h' = o·tanh(c'); the gradient by c is carried back besides that by h."""

    def __init__(self, weight: Tensor, layer: Layer) -> None:
        self._weight = weight
        entered, forgot, cell, output = layer.gates.unbind(2)
        shown = layer.memory[1:].tanh()
        by_entered = cell * entered * (1 - entered)
        by_forgot = layer.memory[:-1] * forgot * (1 - forgot)
        by_cell = entered * (1 - cell.square())
        self._slopes = torch.stack((by_entered, by_forgot, by_cell), dim=2)
        self._output_slope = shown * output * (1 - output)
        self._shown_slope = output * (1 - shown.square())
        self._kept = forgot
        self._carried = torch.zeros_like(layer.memory[0])

    def back(self, time: int, by_hidden: Tensor) -> tuple[Tensor, Tensor]:
        by_memory = torch.addcmul(self._carried, by_hidden, self._shown_slope[time])
        self._carried = by_memory * self._kept[time]
        by_output = by_hidden * self._output_slope[time]
        by_sums = torch.cat(((by_memory[:, None] * self._slopes[time]).flatten(1), by_output), dim=1)
        return by_sums, by_sums @ self._weight

    def largest(self) -> Tensor:
        return self._carried.abs().max()


CELLS: dict[str, Callable[[Tensor, Layer], _Cell]] = {"rnn": _Plain, "gru": _Gru, "lstm": _Lstm}
