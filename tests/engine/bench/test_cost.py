"""What an update costs, against products of matrices that torch counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from engine.bench.cost import Cost, cost, operations
from engine.network.compute import Compute
from tests.conftest import small

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
ENTRIES, HIDDEN, EMBEDDING, STREAMS, LENGTH = 11, 6, 5, 3, 7


def weight(rows: int, columns: int) -> Tensor:
    return torch.randn(rows, columns, requires_grad=True)


def counted(cell: str, layers: int, told: int) -> int:
    """The operations of an update of a network with as many products as the cell has, counted by torch."""
    width = GATES[cell] * HIDDEN
    with FlopCounterMode(display=False) as counter:
        table = weight(ENTRIES, EMBEDDING) @ weight(EMBEDDING, width)
        inputs = table[torch.randint(0, ENTRIES, (LENGTH, STREAMS))]
        for layer in range(layers):
            hidden, recurrent, outputs = weight(STREAMS, HIDDEN), weight(HIDDEN, width), []
            for given in inputs:
                sums = given + hidden @ recurrent
                hidden = sums.view(STREAMS, GATES[cell], HIDDEN).tanh().sum(1)
                outputs.append(hidden)
            if layer < layers - 1:
                inputs = (torch.stack(outputs).flatten(0, 1) @ weight(HIDDEN, width)).view(LENGTH, STREAMS, width)
        rows = torch.stack(outputs[-told:]).flatten(0, 1)
        (rows @ weight(HIDDEN, ENTRIES)).sum().backward()  # type: ignore[no-untyped-call]
    return int(counter.get_total_flops())


@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", list(GATES))
def test_the_operations_are_those_that_torch_counts(cell: str, layers: int, targets: str) -> None:
    settings = small(
        cell=cell,
        layers=layers,
        hidden=HIDDEN,
        embedding=EMBEDDING,
        streams=STREAMS,
        bptt=str(LENGTH),
        targets=targets,
    )
    assert operations(settings, ENTRIES) == counted(cell, layers, LENGTH if targets == "all" else 1)


def test_shares_are_of_the_peaks_and_say_what_bounds_an_update() -> None:
    fast = Cost(seconds=2.0, operations=600.0, bytes=100.0, peak_operations=400.0, peak_bytes=1000.0)
    assert (fast.arithmetic, fast.memory, fast.bound) == (0.75, 0.05, "arithmetic")
    moving = Cost(seconds=2.0, operations=600.0, bytes=1800.0, peak_operations=400.0, peak_bytes=1000.0)
    assert (moving.memory, moving.bound) == (0.9, "memory")
    assert Cost(20.0, 600.0, 1800.0, 400.0, 1000.0).bound == "calls"


def test_a_longer_window_costs_more_and_peaks_are_measured() -> None:
    compute = Compute(torch.device("cpu"), torch.float32, 1)
    short, long = (cost(small(bptt=length), ENTRIES, compute, 0.1) for length in ("4", "40"))
    assert long.operations > 2 * short.operations
    assert long.bytes > 2 * short.bytes
    assert min(short.peak_operations, short.peak_bytes) > 0
