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

from engine.training.one_stream.activations import sigmoid, tanh
from engine.training.one_stream.compiled import compiled
from engine.training.one_stream.products import F, Floats, add_product, add_transposed_product


@compiled
def rnn_forward(from_input: Floats, weight_hh: Floats, bias_hh: Floats, hidden: Floats) -> None:
    """Compute hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh)."""
    for time in range(from_input.shape[0]):
        gates = from_input[time]
        for unit in range(gates.size):
            gates[unit] += bias_hh[unit]
        add_product(weight_hh, hidden[time], gates)
        tanh(gates, hidden[time + 1])


@compiled
def rnn_backward(from_input: Floats, weight_hh: Floats, hidden: Floats, above: Floats) -> None:
    """Write the gradient by each sum within tanh into `from_input`."""
    for time in range(from_input.shape[0] - 1, -1, -1):
        sums, after = from_input[time], hidden[time + 1]
        for unit in range(sums.size):
            sums[unit] = above[time, unit] * (F(1) - after[unit] * after[unit])
        if time > 0:
            add_transposed_product(weight_hh, sums, above[time - 1])


@compiled
def lstm_forward(from_input: Floats, weight_hh: Floats, bias_hh: Floats, hidden: Floats, memory: Floats) -> None:
    """Compute cₜ = f·cₜ₋₁ + i·g and hₜ = o·tanh(cₜ)."""
    size = hidden.shape[1]
    for time in range(from_input.shape[0]):
        gates = from_input[time]
        for place in range(gates.size):
            gates[place] += bias_hh[place]
        add_product(weight_hh, hidden[time], gates)
        sigmoid(gates[: 2 * size])
        tanh(gates[2 * size : 3 * size], gates[2 * size : 3 * size])
        sigmoid(gates[3 * size :])
        before, after, out = memory[time], memory[time + 1], hidden[time + 1]
        for unit in range(size):
            after[unit] = gates[size + unit] * before[unit] + gates[unit] * gates[2 * size + unit]
        tanh(after, out)
        for unit in range(size):
            out[unit] *= gates[3 * size + unit]


@compiled
def lstm_backward(from_input: Floats, weight_hh: Floats, memory: Floats, above: Floats) -> None:
    """Write the gradient by each gate's sum into `from_input`."""
    size = memory.shape[1]
    squashed = np.empty(size, np.float32)
    through_time = np.zeros(size, np.float32)
    for time in range(from_input.shape[0] - 1, -1, -1):
        gates, before = from_input[time], memory[time]
        tanh(memory[time + 1], squashed)
        for unit in range(size):
            i, f, g, o = gates[unit], gates[size + unit], gates[2 * size + unit], gates[3 * size + unit]
            by_hidden = above[time, unit]
            by_memory = through_time[unit] + by_hidden * o * (F(1) - squashed[unit] * squashed[unit])
            through_time[unit] = by_memory * f
            gates[unit] = by_memory * g * i * (F(1) - i)
            gates[size + unit] = by_memory * before[unit] * f * (F(1) - f)
            gates[2 * size + unit] = by_memory * i * (F(1) - g * g)
            gates[3 * size + unit] = by_hidden * squashed[unit] * o * (F(1) - o)
        if time > 0:
            add_transposed_product(weight_hh, gates, above[time - 1])


@compiled
def gru_forward(from_input: Floats, from_hidden: Floats, weight_hh: Floats, bias_hh: Floats, hidden: Floats) -> None:
    """Compute hₜ = (1 - z)·n + z·hₜ₋₁ with n = tanh(W_in x + b_in + r·(W_hn hₜ₋₁ + b_hn))."""
    size = hidden.shape[1]
    for time in range(from_input.shape[0]):
        gates, recurrent, before, after = from_input[time], from_hidden[time], hidden[time], hidden[time + 1]
        recurrent[:] = bias_hh
        add_product(weight_hh, before, recurrent)
        for place in range(2 * size):
            gates[place] += recurrent[place]
        sigmoid(gates[: 2 * size])
        new = gates[2 * size :]
        for unit in range(size):
            new[unit] += gates[unit] * recurrent[2 * size + unit]
        tanh(new, new)
        for unit in range(size):
            update = gates[size + unit]
            after[unit] = (F(1) - update) * new[unit] + update * before[unit]


@compiled
def gru_backward(from_input: Floats, from_hidden: Floats, weight_hh: Floats, hidden: Floats, above: Floats) -> None:
    """Write the gradient by each gate's two sums: the input's into `from_input`, the state's into `from_hidden`."""
    size = hidden.shape[1]
    for time in range(from_input.shape[0] - 1, -1, -1):
        gates, recurrent, before = from_input[time], from_hidden[time], hidden[time]
        for unit in range(size):
            reset, update, new = gates[unit], gates[size + unit], gates[2 * size + unit]
            by_hidden = above[time, unit]
            by_new = by_hidden * (F(1) - update) * (F(1) - new * new)
            by_reset = by_new * recurrent[2 * size + unit] * reset * (F(1) - reset)
            by_update = by_hidden * (before[unit] - new) * update * (F(1) - update)
            gates[unit], gates[size + unit], gates[2 * size + unit] = by_reset, by_update, by_new
            recurrent[unit], recurrent[size + unit], recurrent[2 * size + unit] = by_reset, by_update, by_new * reset
            above[time, unit] = by_hidden * update
        if time > 0:
            for unit in range(size):
                above[time - 1, unit] += above[time, unit]
            add_transposed_product(weight_hh, recurrent, above[time - 1])
