"""One step of a recurrent layer for several streams, forward and backward: all but the products of matrices.

Shapes, with B streams, H hidden units, G gates: gates and recurrent (B, G·H), everything else (B, H). What each holds
is described in `compiled/units.py`.
"""

from __future__ import annotations

from engine.training.compiled import Floats, compiled, units


@compiled
def rnn(sums: Floats, after: Floats) -> None:
    """Write the hidden state into `after`."""
    for stream in range(sums.shape[0]):
        units.rnn(sums[stream], after[stream])


@compiled
def rnn_back(sums: Floats, after: Floats, above: Floats) -> None:
    """Write the gradient by each sum into `sums`."""
    for stream in range(sums.shape[0]):
        units.rnn_back(sums[stream], after[stream], above[stream])


@compiled
def lstm(gates: Floats, before: Floats, after: Floats, out: Floats) -> None:
    """Turn sums into gates; write the cell state into `after`, the hidden state into `out`."""
    for stream in range(gates.shape[0]):
        units.lstm(gates[stream], before[stream], after[stream], out[stream])


@compiled
def lstm_back(gates: Floats, before: Floats, after: Floats, above: Floats, through_time: Floats) -> None:
    """Turn gates into the gradient by their sums; carry that by the cell state on in `through_time`."""
    for stream in range(gates.shape[0]):
        units.lstm_back(gates[stream], before[stream], after[stream], above[stream], through_time[stream])


@compiled
def gru(gates: Floats, recurrent: Floats, before: Floats, after: Floats) -> None:
    """Turn sums into gates; write the hidden state into `after`."""
    for stream in range(gates.shape[0]):
        units.gru(gates[stream], recurrent[stream], before[stream], after[stream])


@compiled
def gru_back(gates: Floats, recurrent: Floats, before: Floats, above: Floats) -> None:
    """Write the gradient by each gate's two sums into `gates` and `recurrent`, and the state's own into `above`."""
    for stream in range(gates.shape[0]):
        units.gru_back(gates[stream], recurrent[stream], before[stream], above[stream])
