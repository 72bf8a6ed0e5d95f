"""Sizes of an update against arithmetic by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from engine.instruments.update_ratio import update_ratio, weights
from tests.engine.instruments.reference import NETWORKS, trained


@pytest.mark.parametrize(("cell", "layers", "streams"), NETWORKS)
def test_one_update(text: Path, cell: str, layers: int, streams: int) -> None:
    trainer = trained(text, cell=cell, layers=layers, streams=streams)
    old = [matrix.detach().clone().double() for matrix in trainer.network.matrices().values()]
    before = weights(trainer.network)
    trainer.train(1)
    reading = update_ratio(before, trainer.network)
    new = [matrix.detach().double() for matrix in trainer.network.matrices().values()]
    moved = [math.sqrt(float((one - other).square().sum())) for one, other in zip(new, old, strict=True)]
    norms = [math.sqrt(float(matrix.square().sum())) for matrix in old]
    assert reading.norms == pytest.approx(norms, rel=1e-6)
    expected = [change / size for change, size in zip(moved, norms, strict=True)]
    assert reading.ratios == pytest.approx(expected, rel=1e-4)
    whole = math.sqrt(sum(change**2 for change in moved) / sum(size**2 for size in norms))
    assert reading.whole == pytest.approx(whole, rel=1e-4)
    assert all(0 < ratio < 0.2 for ratio in reading.ratios)


def test_matrices_of_zeros(text: Path) -> None:
    network = trained(text, 1).network
    with torch.no_grad():
        network.head.weight.zero_()
        network.embedding.weight.zero_()
    before = weights(network)
    with torch.no_grad():
        network.head.weight.fill_(1)
    reading = update_ratio(before, network)
    assert list(reading.ratios) == [0, 0, 0, math.inf]
    assert [reading.norms[0], reading.norms[3]] == [0, 0]


def test_no_update_no_movement(text: Path) -> None:
    network = trained(text, 1).network
    assert update_ratio(weights(network), network).whole == 0
