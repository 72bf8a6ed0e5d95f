"""Points of what updates measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.network.compute import choose
from engine.recording.collector import Collector
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer
from tests.conftest import small


@pytest.mark.parametrize("streams", [1, 3])
def test_a_point_before_a_broken_update_has_the_rate_of_the_last_one_made(text: Path, streams: int) -> None:
    settings = small(streams=streams, warmup=20, lr=1e-3)
    corpus = read_corpus(text, text.name, settings.vocabulary)
    trainer, collector = Trainer(corpus, settings, choose(settings)), Collector(settings.optimizer)
    collector.add(trainer.train(8))
    with torch.no_grad():
        trainer.network.head.bias[0] = float("inf")
    broken = trainer.train(8)
    assert (broken.updates, bool(broken.broken)) == (0, True)
    collector.add(broken)
    point = collector.point(8, trainer.chars, 1.0, trainer.places)
    assert point is not None
    assert point.updates == 8
    assert point.lr == pytest.approx(1e-3 * 8 / 20)
    assert point.rate_used > 0


def test_without_updates_there_is_no_point(text: Path) -> None:
    settings = small()
    corpus = read_corpus(text, text.name, settings.vocabulary)
    trainer, collector = Trainer(corpus, settings, choose(settings)), Collector(settings.optimizer)
    assert collector.point(0, 0, 0.0, np.zeros(3)) is None
    collector.add(trainer.train())
    assert collector.point(1, trainer.chars, 1.0, trainer.places) is not None
    assert collector.point(1, trainer.chars, 1.0, trainer.places) is None
