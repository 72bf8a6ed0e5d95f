"""The steps of a recurrent layer over a window of several streams, forward and backward.

Shapes, with T characters of B streams, H hidden units, G gates: gates, recurrent and rounded gates (T, B, G·H); the
states and their rounded form (T + 1, B, H), from the one before the window on; `above` (T, B, H). What each gate holds
is described in `compiled/units.py`. What is rounded is a side of a product: in float32 it is the same memory. Weights
may be packed.

The sums of the lowest layer come from a `table` (n, G·H) with a row for each distinct id, and `places` (T, B) says
which row; its gradient is added up in `by_row` (n, G·H). They are taken one step at a time, while the step's memory is
near the processor. In the layers above `places` is empty, (0, B), and the gates hold the sums of their inputs already.

Rows are copied and added number by number: Numba takes six times as long for slices of arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.compiled import Floats, compiled, units
from engine.training.compiled.blas import add_product
from engine.training.compiled.brgemm import release
from engine.training.compiled.rounding import Operand, round_to

Places = NDArray[np.int64]


@compiled
def look_up(table: Floats, places: Places, gates: Floats) -> None:
    """Write the row of each stream's id into `gates` (B, G·H); `places` is (1, B), or empty."""
    for streams in places:
        for stream, row in enumerate(streams):
            for place in range(gates.shape[1]):
                gates[stream, place] = table[row, place]


@compiled
def add_up(gates: Floats, places: Places, by_row: Floats) -> None:
    """Add the gradient by the sums of each stream, (B, G·H), to that by the row that they came from."""
    for streams in places:
        for stream, row in enumerate(streams):
            for place in range(by_row.shape[1]):
                by_row[row, place] += gates[stream, place]


@compiled
def rnn(gates: Floats, table: Floats, places: Places, weight: Operand, hidden: Floats, rounded: Operand) -> None:
    """Turn sums into the hidden states; the weight is (H, H), by columns of the units before."""
    for time in range(gates.shape[0]):
        look_up(table, places[time : time + 1], gates[time])
        add_product(rounded[time], weight, gates[time])
        for stream in range(gates.shape[1]):
            units.rnn(gates[time, stream], hidden[time + 1, stream])
            round_to(hidden[time + 1, stream], rounded[time + 1, stream])
    release(weight)


@compiled
def rnn_back(
    gates: Floats,
    rounded_gates: Operand,
    places: Places,
    by_row: Floats,
    weight: Operand,
    hidden: Floats,
    above: Floats,
) -> None:
    """Write the gradient by each sum into `gates`, from that by each hidden state, which is overwritten."""
    for time in range(gates.shape[0] - 1, -1, -1):
        for stream in range(gates.shape[1]):
            units.rnn_back(gates[time, stream], hidden[time + 1, stream], above[time, stream])
            round_to(gates[time, stream], rounded_gates[time, stream])
        add_up(gates[time], places[time : time + 1], by_row)
        if time:
            add_product(rounded_gates[time], weight, above[time - 1])
    release(weight)


@compiled
def lstm(
    gates: Floats,
    table: Floats,
    places: Places,
    weight: Operand,
    hidden: Floats,
    rounded: Operand,
    memory: Floats,
) -> None:
    """Turn sums into the gates and the states; the weight is (H, 4·H)."""
    for time in range(gates.shape[0]):
        look_up(table, places[time : time + 1], gates[time])
        add_product(rounded[time], weight, gates[time])
        for stream in range(gates.shape[1]):
            units.lstm(gates[time, stream], memory[time, stream], memory[time + 1, stream], hidden[time + 1, stream])
            round_to(hidden[time + 1, stream], rounded[time + 1, stream])
    release(weight)


@compiled
def lstm_back(
    gates: Floats,
    rounded_gates: Operand,
    places: Places,
    by_row: Floats,
    weight: Operand,
    memory: Floats,
    above: Floats,
    through_time: Floats,
) -> None:
    """Turn gates into the gradient by their sums; the weight is (4·H, H), and `through_time` (B, H) begins as zeros."""
    for time in range(gates.shape[0] - 1, -1, -1):
        for stream in range(gates.shape[1]):
            before, after = memory[time, stream], memory[time + 1, stream]
            units.lstm_back(gates[time, stream], before, after, above[time, stream], through_time[stream])
            round_to(gates[time, stream], rounded_gates[time, stream])
        add_up(gates[time], places[time : time + 1], by_row)
        if time:
            add_product(rounded_gates[time], weight, above[time - 1])
    release(weight)


@compiled
def gru(
    gates: Floats,
    table: Floats,
    places: Places,
    weight: Operand,
    bias: Floats,
    hidden: Floats,
    rounded: Operand,
    recurrent: Floats,
) -> None:
    """Turn sums into the gates and the hidden states; the weight is (H, 3·H), the bias (3·H,) is that of the state."""
    for time in range(gates.shape[0]):
        look_up(table, places[time : time + 1], gates[time])
        for stream in range(gates.shape[1]):
            for place in range(bias.size):
                recurrent[time, stream, place] = bias[place]
        add_product(rounded[time], weight, recurrent[time])
        for stream in range(gates.shape[1]):
            before, after = hidden[time, stream], hidden[time + 1, stream]
            units.gru(gates[time, stream], recurrent[time, stream], before, after)
            round_to(after, rounded[time + 1, stream])
    release(weight)


@compiled
def gru_back(
    gates: Floats,
    recurrent: Floats,
    rounded_recurrent: Operand,
    places: Places,
    by_row: Floats,
    weight: Operand,
    hidden: Floats,
    above: Floats,
) -> None:
    """Write the gradient by each gate's two sums into `gates` and `recurrent`; `above` is overwritten."""
    for time in range(gates.shape[0] - 1, -1, -1):
        for stream in range(gates.shape[1]):
            by_hidden = above[time, stream]
            units.gru_back(gates[time, stream], recurrent[time, stream], hidden[time, stream], by_hidden)
            round_to(recurrent[time, stream], rounded_recurrent[time, stream])
            if time:
                for unit in range(by_hidden.size):
                    above[time - 1, stream, unit] += by_hidden[unit]
        add_up(gates[time], places[time : time + 1], by_row)
        if time:
            add_product(rounded_recurrent[time], weight, above[time - 1])
    release(weight)
