"""Samples that are written while a network learns: what is asked for, what is kept, and what ends one early."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.network.compute import choose
from engine.network.sampling import Taste
from engine.session.sample_writer import LENGTH, Writer
from engine.session.snapshot import SHOWN
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer
from tests.conftest import small, words


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    path, settings = words(tmp_path), small()
    return Trainer(read_corpus(path, path.name, settings.vocabulary), settings, choose(settings))


@pytest.fixture
def writer(trainer: Trainer) -> Writer:
    return Writer(trainer.network, trainer.corpus.vocabulary, 0)


def whole(writer: Writer) -> str:
    """The rest of the sample that is being written."""
    while writer.writing:
        if (text := writer.write(Taste())) is not None:
            return text
    raise AssertionError("nothing is being written")


def test_what_was_asked_for_is_kept_with_its_alternatives(writer: Writer) -> None:
    writer.begin("update 1")
    whole(writer)
    before = writer.continuation
    assert before is None
    writer.begin("update 2", "the ")
    text = whole(writer)
    found = writer.continuation
    assert found is not None
    assert (found.prime, found.finished, found.trouble) == ("the ", True, "")
    assert text == "the " + "".join(each.text for each in found.drawn)
    assert len(text) == len("the ") + LENGTH
    assert all(each.chances for each in found.drawn)
    writer.begin("update 3")
    assert whole(writer)
    assert writer.continuation == found


def test_a_long_beginning_does_not_shorten_what_follows(writer: Writer) -> None:
    prime = "the quick " * 2 * LENGTH
    writer.begin("update 1", prime)
    assert len(whole(writer)) == len(prime) + LENGTH
    assert len(writer.shown) == SHOWN


def test_a_beginning_that_cannot_be_read_changes_nothing(writer: Writer) -> None:
    writer.begin("update 1", "the ")
    before = (writer.shown, writer.continuation)
    with pytest.raises(UserError, match="É"):
        writer.begin("update 2", "É")
    assert (writer.shown, writer.continuation) == before
    assert whole(writer).startswith("the ")


def test_a_network_that_is_not_finite_ends_it_and_says_why(trainer: Trainer, writer: Writer) -> None:
    with torch.no_grad():
        trainer.network.head.bias.fill_(float("nan"))
    writer.begin("update 1", "the ")
    with pytest.raises(ArithmeticError):
        writer.write(Taste())
    assert not writer.writing
    assert writer.continuation is not None
    assert writer.continuation.finished
    assert "not finite" in writer.continuation.trouble
