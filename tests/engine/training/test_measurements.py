"""Measurements in other units, and of several calls together."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from engine.network.compute import choose
from engine.text.corpus import read_corpus
from engine.training.measurements import Measurements, RawMeasurements
from engine.training.trainer import Trainer
from tests.conftest import small


def test_losses_become_those_per_character_and_norms_those_of_the_matrices() -> None:
    raw = RawMeasurements(
        parameter_norm_sums=np.array([1.0, 2.0, 3.0, 4.0]),
        stream_loss_sums=np.array([10.0, 20.0]),
        losses=[1.0, 2.0],
        gradient_norms=[5.0, 6.0],
        factors=[1.0, 0.5],
        clipped=1,
        broken="the loss is nan",
    )
    found = Measurements.converted(raw, np.array([4, 6]), np.array([0.1, 0.2]), [3, 1], tokens_per_char=1.5)
    assert found.matrix_norm_sums.tolist() == [4.0, 2.0]
    assert found.stream_loss_sums.tolist() == [15.0, 30.0]
    assert found.losses.tolist() == [1.5, 3.0]
    assert (found.updates, found.length) == (2, 10)
    assert found.mean_loss == pytest.approx(1.5 * (10 + 20) / 2 / 10)
    assert found.loss_spread == pytest.approx(0.75)
    assert (found.gradient_norms.tolist(), found.factors.tolist()) == ([5.0, 6.0], [1.0, 0.5])
    assert (found.clipped, found.broken) == (1, "the loss is nan")


@pytest.mark.parametrize("streams", [1, 3])
def test_several_calls_measure_what_one_does(text: Path, streams: int) -> None:
    settings = small(streams=streams, bptt="geom:5", warmup=4, clip=0.5)
    corpus = read_corpus(text, text.name, settings.vocabulary)
    one, other = (Trainer(corpus, settings, choose(settings)) for _ in range(2))
    one.train(4)  # ends with the warm-up
    other.train(4)
    whole = one.train(9)
    joined = Measurements.joined([other.train(count) for count in (1, 5, 3)])
    assert (joined.updates, joined.clipped) == (9, whole.clipped)
    for each in fields(Measurements):
        assert getattr(joined, each.name) == pytest.approx(getattr(whole, each.name), rel=1e-12), each.name
