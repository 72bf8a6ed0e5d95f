"""The units of each cell at one character of one stream: all but the products of matrices, forward and backward.

Gates are in torch's order: input, forget, cell, output for the LSTM (Hochreiter & Schmidhuber 1997, Gers et al. 2000);
reset, update, new for the GRU (Cho et al. 2014, with the reset gate after the recurrent product, as in torch).
"""

from __future__ import annotations

from engine.training.compiled import F, Floats, compiled
from engine.training.compiled.activations import sigmoid, tanh


@compiled
def rnn(sums: Floats, after: Floats) -> None:
    """hₜ = tanh(sums), each (H,)."""
    for unit in range(sums.size):
        after[unit] = tanh(sums[unit])


@compiled
def rnn_back(sums: Floats, after: Floats, above: Floats) -> None:
    """Write the gradient by each sum into `sums`, from that by the hidden state `after`, each (H,)."""
    for unit in range(sums.size):
        sums[unit] = above[unit] * (F(1) - after[unit] * after[unit])


@compiled
def lstm(gates: Floats, before: Floats, after: Floats, out: Floats) -> None:
    """Turn the sums (4·H,) into the gates; cₜ = f·cₜ₋₁ + i·g and hₜ = o·tanh(cₜ), each (H,)."""
    size = before.size
    inputs, forgets, news, outputs = gates[:size], gates[size : 2 * size], gates[2 * size : 3 * size], gates[3 * size :]
    for unit in range(size):
        i, f, g, o = sigmoid(inputs[unit]), sigmoid(forgets[unit]), tanh(news[unit]), sigmoid(outputs[unit])
        c = f * before[unit] + i * g
        inputs[unit], forgets[unit], news[unit], outputs[unit] = i, f, g, o
        after[unit] = c
        out[unit] = o * tanh(c)


@compiled
def lstm_back(gates: Floats, before: Floats, after: Floats, above: Floats, through_time: Floats) -> None:
    """Turn the gates (4·H,) into the gradient by their sums.

    Args:
        gates: the gates, then the gradient.
        before, after: the cell state, (H,).
        above: the gradient by the hidden state, (H,).
        through_time: that by the cell state, (H,), from the character after; then that for the one before.
    """
    size = before.size
    inputs, forgets, news, outputs = gates[:size], gates[size : 2 * size], gates[2 * size : 3 * size], gates[3 * size :]
    for unit in range(size):
        i, f, g, o = inputs[unit], forgets[unit], news[unit], outputs[unit]
        by_hidden, squashed = above[unit], tanh(after[unit])
        by_memory = through_time[unit] + by_hidden * o * (F(1) - squashed * squashed)
        through_time[unit] = by_memory * f
        inputs[unit] = by_memory * g * i * (F(1) - i)
        forgets[unit] = by_memory * before[unit] * f * (F(1) - f)
        news[unit] = by_memory * i * (F(1) - g * g)
        outputs[unit] = by_hidden * squashed * o * (F(1) - o)


@compiled
def gru(gates: Floats, recurrent: Floats, before: Floats, after: Floats) -> None:
    """Turn the sums (3·H,) into the gates; hₜ = (1 - z)·n + z·hₜ₋₁ with n = tanh(its sum + r·(that of the state))."""
    size = before.size
    resets, updates, news = gates[:size], gates[size : 2 * size], gates[2 * size :]
    own_resets, own_updates, own_news = recurrent[:size], recurrent[size : 2 * size], recurrent[2 * size :]
    for unit in range(size):
        r, z = sigmoid(resets[unit] + own_resets[unit]), sigmoid(updates[unit] + own_updates[unit])
        n = tanh(news[unit] + r * own_news[unit])
        resets[unit], updates[unit], news[unit] = r, z, n
        after[unit] = (F(1) - z) * n + z * before[unit]


@compiled
def gru_back(gates: Floats, recurrent: Floats, before: Floats, above: Floats) -> None:
    """Write the gradient by each gate's two sums into `gates` and `recurrent`, and the state's own into `above`."""
    size = before.size
    resets, updates, news = gates[:size], gates[size : 2 * size], gates[2 * size :]
    own_resets, own_updates, own_news = recurrent[:size], recurrent[size : 2 * size], recurrent[2 * size :]
    for unit in range(size):
        r, z, n, by_hidden = resets[unit], updates[unit], news[unit], above[unit]
        by_new = by_hidden * (F(1) - z) * (F(1) - n * n)
        by_reset = by_new * own_news[unit] * r * (F(1) - r)
        by_update = by_hidden * (before[unit] - n) * z * (F(1) - z)
        resets[unit], updates[unit], news[unit] = by_reset, by_update, by_new
        own_resets[unit], own_updates[unit], own_news[unit] = by_reset, by_update, by_new * r
        above[unit] = by_hidden * z
