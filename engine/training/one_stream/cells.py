"""One recurrent layer over one window, forward and backward, for each cell.

Gates are in torch's order: input, forget, cell, output for the LSTM (Hochreiter & Schmidhuber 1997, Gers et al. 2000);
reset, update, new for the GRU (Cho et al. 2014, with the reset gate after the recurrent product, as in torch).

Shapes, with H hidden units, G gates, T characters:
    from_input (T, G·H)     `W_ih x + b_ih` before forward, the gates after it, the gradient by their sums after
                            backward.
    from_hidden (T, G·H)    the GRU's `W_hh h + b_hh` after forward, its gradient after backward; unused by other cells.
    hidden (T + 1, H)       the hidden state before the window and after each character.
    memory (T + 1, H)       the same for the LSTM's cell state; unused by other cells.
    above (T, H)            the gradient of the loss by each hidden state, from the layers above; overwritten.
"""

from __future__ import annotations

import numpy as np

from engine.training.compiled import Floats, compiled, units
from engine.training.one_stream.products import add_product, add_transposed_product


@compiled
def rnn_forward(from_input: Floats, weight_hh: Floats, bias_hh: Floats, hidden: Floats) -> None:
    """Compute hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh)."""
    for time in range(from_input.shape[0]):
        sums = from_input[time]
        for unit in range(sums.size):
            sums[unit] += bias_hh[unit]
        add_product(weight_hh, hidden[time], sums)
        units.rnn(sums, hidden[time + 1])


@compiled
def rnn_backward(from_input: Floats, weight_hh: Floats, hidden: Floats, above: Floats) -> None:
    """Write the gradient by each sum within tanh into `from_input`."""
    for time in range(from_input.shape[0] - 1, -1, -1):
        units.rnn_back(from_input[time], hidden[time + 1], above[time])
        if time > 0:
            add_transposed_product(weight_hh, from_input[time], above[time - 1])


@compiled
def lstm_forward(from_input: Floats, weight_hh: Floats, bias_hh: Floats, hidden: Floats, memory: Floats) -> None:
    """Compute cₜ = f·cₜ₋₁ + i·g and hₜ = o·tanh(cₜ)."""
    for time in range(from_input.shape[0]):
        gates = from_input[time]
        for place in range(gates.size):
            gates[place] += bias_hh[place]
        add_product(weight_hh, hidden[time], gates)
        units.lstm(gates, memory[time], memory[time + 1], hidden[time + 1])


@compiled
def lstm_backward(from_input: Floats, weight_hh: Floats, memory: Floats, above: Floats) -> None:
    """Write the gradient by each gate's sum into `from_input`."""
    through_time = np.zeros(memory.shape[1], np.float32)
    for time in range(from_input.shape[0] - 1, -1, -1):
        gates = from_input[time]
        units.lstm_back(gates, memory[time], memory[time + 1], above[time], through_time)
        if time > 0:
            add_transposed_product(weight_hh, gates, above[time - 1])


@compiled
def gru_forward(from_input: Floats, from_hidden: Floats, weight_hh: Floats, bias_hh: Floats, hidden: Floats) -> None:
    """Compute hₜ = (1 - z)·n + z·hₜ₋₁ with n = tanh(W_in x + b_in + r·(W_hn hₜ₋₁ + b_hn))."""
    for time in range(from_input.shape[0]):
        recurrent = from_hidden[time]
        recurrent[:] = bias_hh
        add_product(weight_hh, hidden[time], recurrent)
        units.gru(from_input[time], recurrent, hidden[time], hidden[time + 1])


@compiled
def gru_backward(from_input: Floats, from_hidden: Floats, weight_hh: Floats, hidden: Floats, above: Floats) -> None:
    """Write the gradient by each gate's two sums: the input's into `from_input`, the state's into `from_hidden`."""
    for time in range(from_input.shape[0] - 1, -1, -1):
        recurrent = from_hidden[time]
        units.gru_back(from_input[time], recurrent, hidden[time], above[time])
        if time > 0:
            for unit in range(hidden.shape[1]):
                above[time - 1, unit] += above[time, unit]
            add_transposed_product(weight_hh, recurrent, above[time - 1])
