"""Where the streams are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.compute import choose
from engine.corpus import read_corpus
from engine.instruments.place import MOST, place
from engine.trainer import Trainer
from tests.conftest import small


def test_each_stream_has_its_place(text: Path) -> None:
    settings = small()
    trainer = Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))
    assert place(trainer.subject()).places == pytest.approx((0, 1 / 3, 2 / 3), abs=1e-3)
    trainer.train(5)  # as many as the warm-up has, where a call ends
    trainer.train(5)
    moved = 10 * 7 / len(trainer.corpus.training)
    assert place(trainer.subject()).places == pytest.approx((moved, 1 / 3 + moved, 2 / 3 + moved), abs=1e-3)


@pytest.mark.parametrize("streams", [1, 63, 64, 65, 1000])
def test_of_many_streams_some_are_shown(text: Path, streams: int) -> None:
    settings = small()
    trainer = Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))
    cursors = np.arange(streams, dtype=np.int64) * len(trainer.corpus.training) // streams
    found = place(replace(trainer.subject(), cursors=cursors)).places
    assert len(found) == min(streams, MOST)
    assert list(found) == sorted(set(found))
    assert np.diff(found) == pytest.approx(1 / len(found), abs=1.1 / streams + 1e-3)
