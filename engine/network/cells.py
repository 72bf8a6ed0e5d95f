"""The recurrent cells in words, for those who do not load torch; `model.CELLS` has their layers."""

from __future__ import annotations

from collections.abc import Mapping

GATES: Mapping[str, tuple[str, ...]] = {
    "lstm": ("input", "forget", "cell", "output", "memory"),
    "gru": ("reset", "update", "new"),
    "rnn": ("hidden",),
}
"""The values that each cell computes for every unit, in order; an LSTM's `memory` is the tanh of its cell state."""
