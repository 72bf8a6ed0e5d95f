"""A text that is lost between two updates, or amidst several: the training is as it was before the next update."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from engine.errors import TextLostError
from engine.network.compute import choose
from engine.settings import Settings
from engine.text.cache import open_corpus
from engine.text.corpus import Corpus, read_corpus
from engine.training.streams import Streams
from engine.training.trainer import Trainer
from tests.conftest import small
from tests.engine.training.test_exactness import assert_same_bits

WAYS = {
    "streams": small(bptt="2-9", dropout=0.3),
    "one-stream": small(streams=1, bptt="geom:6"),
    "one-stream-uncompiled": small(streams=1, bptt="geom:6", dropout=0.3),
}


@pytest.fixture
def stored(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A corpus whose ids stay in a file, and which withholds nothing, as only a long text does."""
    monkeypatch.setattr("engine.text.cache.LARGE", 0)
    monkeypatch.setattr("engine.text.withheld.LONGEST", 0)
    return open_corpus(text, text.name, 1024, tmp_path / "texts", lambda _what, _share: None)


def trained(corpus: Corpus, settings: Settings, updates: int) -> Trainer:
    trainer = Trainer(corpus, settings, choose(settings))
    trainer.train(updates)
    assert trainer.counters.updates == updates
    return trainer


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
def test_a_text_in_a_file_trains_in_the_same_bits(text: Path, stored: Corpus, settings: Settings) -> None:
    from_memory = trained(read_corpus(text, text.name, 1024), settings, 5)
    assert_same_bits(trained(stored, settings, 5).state(), from_memory.state(), "from a file")


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
def test_a_lost_text_changes_nothing(stored: Corpus, tmp_path: Path, settings: Settings) -> None:
    trainer = trained(stored, settings, 2)
    before = trainer.state()
    os.truncate(next((tmp_path / "texts").glob("*.npy")), 300)
    for _ in range(2):
        with pytest.raises(TextLostError):
            trainer.train(4)
        assert_same_bits(trainer.state(), before, "before it was lost")


def test_a_text_that_is_lost_amidst_keeps_the_updates_before(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = read_corpus(text, text.name, 1024)
    trainer = trained(corpus, WAYS["streams"], 1)
    window: Callable[..., tuple[Tensor, Tensor]] = Streams.window
    read: list[int] = []

    def lost(streams: Streams, length: int) -> Any:
        read.append(length)
        if len(read) > 3:
            raise TextLostError("the text is lost")
        return window(streams, length)

    monkeypatch.setattr(Streams, "window", lost)
    assert trainer.train(4).updates == 3
    with pytest.raises(TextLostError):
        trainer.train(4)
    monkeypatch.undo()
    assert_same_bits(trainer.state(), trained(corpus, WAYS["streams"], 4).state(), "three updates later")
