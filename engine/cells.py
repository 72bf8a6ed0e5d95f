"""The recurrent cells."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

CELLS: dict[str, Callable[[int, int], nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
"""A layer of each, by the name that the settings have for it; of the size of its input and of its own."""
