"""The cells: every place that must know them knows the same."""

from __future__ import annotations

import pytest
import torch

from engine.instruments import adjoint
from engine.network.cells import GATES
from engine.network.model import CELLS, CharRNN
from engine.settings import Choice, setting
from engine.training import one_stream
from tests.conftest import small


def test_every_cell_is_known_to_everything_that_looks_into_one() -> None:
    kind = setting("cell").kind
    assert isinstance(kind, Choice)
    for known in (CELLS, GATES, adjoint.CELLS, one_stream.CELLS):
        assert set(known) == set(kind.words)


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", list(CELLS))
@torch.no_grad()
def test_a_step_reads_what_a_window_of_one_character_reads(cell: str, layers: int, streams: int) -> None:
    network = CharRNN(small(cell=cell, layers=layers), 9).double()
    network.initialise(torch.Generator().manual_seed(1), torch.full((9,), 1 / 9))
    stepped = read = network.zero_state(streams)
    for ids in torch.randint(0, 9, (4, streams)):
        outputs, stepped = network.step(ids, stepped)
        expected, read = network(ids[None], read)
        torch.testing.assert_close(outputs, expected[0])
    for one, other in zip(stepped, read, strict=True):
        torch.testing.assert_close(one, other)
