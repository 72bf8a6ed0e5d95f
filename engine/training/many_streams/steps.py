"""The steps of a recurrent layer over a window of several streams, forward and backward.

Shapes, with T characters of B streams, H hidden units, G gates: gates, recurrent and rounded gates (T, B, G·H); the
states and their rounded form (T + 1, B, H), from the one before the window on; `above` (T, B, H). What each gate holds
is described in `compiled/units.py`. What is rounded is a side of a product: in float32 it is the same memory. Weights
may be packed.
"""

from __future__ import annotations

from engine.training.compiled import Floats, compiled, units
from engine.training.compiled.blas import add_product
from engine.training.compiled.rounding import Operand, round_to


@compiled
def rnn(gates: Floats, weight: Operand, hidden: Floats, rounded: Operand) -> None:
    """Turn sums into the hidden states; the weight is (H, H), by columns of the units before."""
    for time in range(gates.shape[0]):
        add_product(rounded[time], weight, gates[time])
        for stream in range(gates.shape[1]):
            units.rnn(gates[time, stream], hidden[time + 1, stream])
            round_to(hidden[time + 1, stream], rounded[time + 1, stream])


@compiled
def rnn_back(gates: Floats, rounded_gates: Operand, weight: Operand, hidden: Floats, above: Floats) -> None:
    """Write the gradient by each sum into `gates`, from that by each hidden state, which is overwritten."""
    for time in range(gates.shape[0] - 1, -1, -1):
        for stream in range(gates.shape[1]):
            units.rnn_back(gates[time, stream], hidden[time + 1, stream], above[time, stream])
            round_to(gates[time, stream], rounded_gates[time, stream])
        if time:
            add_product(rounded_gates[time], weight, above[time - 1])


@compiled
def lstm(gates: Floats, weight: Operand, hidden: Floats, rounded: Operand, memory: Floats) -> None:
    """Turn sums into the gates and the states; the weight is (H, 4·H)."""
    for time in range(gates.shape[0]):
        add_product(rounded[time], weight, gates[time])
        for stream in range(gates.shape[1]):
            units.lstm(gates[time, stream], memory[time, stream], memory[time + 1, stream], hidden[time + 1, stream])
            round_to(hidden[time + 1, stream], rounded[time + 1, stream])


@compiled
def lstm_back(
    gates: Floats, rounded_gates: Operand, weight: Operand, memory: Floats, above: Floats, through_time: Floats
) -> None:
    """Turn gates into the gradient by their sums; the weight is (4·H, H), and `through_time` (B, H) begins as zeros."""
    for time in range(gates.shape[0] - 1, -1, -1):
        for stream in range(gates.shape[1]):
            before, after = memory[time, stream], memory[time + 1, stream]
            units.lstm_back(gates[time, stream], before, after, above[time, stream], through_time[stream])
            round_to(gates[time, stream], rounded_gates[time, stream])
        if time:
            add_product(rounded_gates[time], weight, above[time - 1])


@compiled
def gru(gates: Floats, weight: Operand, bias: Floats, hidden: Floats, rounded: Operand, recurrent: Floats) -> None:
    """Turn sums into the gates and the hidden states; the weight is (H, 3·H), the bias (3·H,) is that of the state."""
    for time in range(gates.shape[0]):
        recurrent[time, :] = bias
        add_product(rounded[time], weight, recurrent[time])
        for stream in range(gates.shape[1]):
            before, after = hidden[time, stream], hidden[time + 1, stream]
            units.gru(gates[time, stream], recurrent[time, stream], before, after)
            round_to(after, rounded[time + 1, stream])


@compiled
def gru_back(
    gates: Floats, recurrent: Floats, rounded_recurrent: Operand, weight: Operand, hidden: Floats, above: Floats
) -> None:
    """Write the gradient by each gate's two sums into `gates` and `recurrent`; `above` is overwritten."""
    for time in range(gates.shape[0] - 1, -1, -1):
        for stream in range(gates.shape[1]):
            by_hidden = above[time, stream]
            units.gru_back(gates[time, stream], recurrent[time, stream], hidden[time, stream], by_hidden)
            round_to(recurrent[time, stream], rounded_recurrent[time, stream])
            if time:
                above[time - 1, stream] += by_hidden
        if time:
            add_product(rounded_recurrent[time], weight, above[time - 1])
