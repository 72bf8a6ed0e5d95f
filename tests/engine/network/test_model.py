"""The cells: every place that must know them knows the same."""

from __future__ import annotations

from engine.instruments import adjoint
from engine.network.cells import GATES
from engine.network.model import CELLS
from engine.settings import Choice, setting
from engine.training import one_stream


def test_every_cell_is_known_to_everything_that_looks_into_one() -> None:
    kind = setting("cell").kind
    assert isinstance(kind, Choice)
    for known in (CELLS, GATES, adjoint.CELLS, one_stream.CELLS):
        assert set(known) == set(kind.words)
