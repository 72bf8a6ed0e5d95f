"""The slice: the same arguments give the same bits, in any number of parts, here or in another process."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from engine.budget import Budget
from engine.errors import UserError
from engine.network.compute import choose
from engine.network.evaluation import evaluate
from engine.race.slice import Slice, Trained, train_slice
from engine.race.starts import elsewhere, without_carried, without_memory
from engine.settings import Settings
from engine.text.cache import open_corpus
from engine.text.corpus import Corpus, read_corpus
from engine.training.state import State
from engine.training.trainer import Trainer
from engine.workers.task import carry_out, pack
from tests.conftest import small

WAYS = [
    small(threads=1, cell=cell, optimizer=optimizer, bptt=law, targets=targets, streams=streams, dropout=dropout)
    for cell, optimizer, law, targets, streams, dropout in (
        ("lstm", "adamw", "7", "all", 3, 0.0),
        ("gru", "sgd", "3-9", "last", 2, 0.2),
        ("rnn", "rmsprop", "geom:5", "last", 1, 0.0),
        ("lstm", "adam", "1", "all", 1, 0.0),
    )
]


def ends(*chars: int) -> tuple[Budget, ...]:
    return tuple(Budget(chars=each) for each in chars)


def same(one: State, other: State) -> bool:
    assert one.tensors.keys() == other.tensors.keys()
    return (
        one.counters == other.counters
        and one.settings == other.settings
        and one.random.lengths == other.random.lengths
        and torch.equal(one.random.dropout, other.random.dropout)
        and all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    )


@pytest.fixture
def corpus(text: Path) -> Corpus:
    return read_corpus(text, "words", 1024)


@pytest.mark.parametrize("settings", WAYS, ids=lambda each: f"{each.cell}-{each.optimizer}-{each.bptt}")
def test_in_parts_and_through_pickles_it_ends_in_the_same_bits(corpus: Corpus, settings: Settings) -> None:
    whole = train_slice(corpus, Slice(settings, None, ends(500, 1_000, 2_000)))
    state, validation = None, None
    for place in (500, 1_000, 2_000):
        task = pickle.loads(pickle.dumps(Slice(settings, state, ends(place))))
        trained: Trained = pickle.loads(pickle.dumps(train_slice(pickle.loads(pickle.dumps(corpus)), task)))
        state, validation = trained.state, trained.validation
    assert state is not None
    assert same(whole.state, state)
    assert whole.validation == validation is not None


def test_it_is_the_training_that_a_trainer_makes(corpus: Corpus) -> None:
    settings = small(threads=1)
    trainer = Trainer(corpus, settings, choose(settings))
    trained = train_slice(corpus, Slice(settings, None, ends(1_000)))
    while trainer.counters.updates < trained.position.updates:
        trainer.train(1)
    assert same(trainer.state(), trained.state)
    loss = evaluate(trainer.network, corpus.validation, trainer.compute)
    assert trained.validation is not None
    assert trained.validation.loss == pytest.approx(loss)
    assert trained.points[-1].update == trainer.counters.updates


def test_it_changes_nothing_that_it_was_given(corpus: Corpus) -> None:
    settings = small(threads=1)
    before = train_slice(corpus, Slice(settings, None, ends(300))).state
    kept = pickle.loads(pickle.dumps(before))
    train_slice(corpus, Slice(settings, before, ends(900)))
    assert same(before, kept)


def test_the_rate_falls_along_a_budget_where_there_is_one(corpus: Corpus) -> None:
    settings = small(threads=1, warmup=0)
    steady = train_slice(corpus, Slice(settings, None, ends(1_000)))
    annealed = train_slice(corpus, Slice(settings, None, ends(1_000), course=Budget(chars=1_000)))
    assert steady.points[-1].lr == settings.lr
    assert annealed.points[-1].lr < 0.2 * settings.lr


def test_an_update_that_is_not_finite_ends_it_there(corpus: Corpus) -> None:
    settings = small(threads=1, optimizer="sgd", lr=1e3, weight_decay=10, clip=None, warmup=0)
    trained = train_slice(corpus, Slice(settings, None, ends(5_000, 50_000)))
    assert trained.broken
    assert trained.validation is None
    assert trained.position.chars < 50_000
    assert trained.points[-1].update == trained.position.updates


def test_with_nothing_left_to_train_it_measures(corpus: Corpus) -> None:
    settings = small(threads=1)
    before = train_slice(corpus, Slice(settings, None, ends(700)))
    after = train_slice(corpus, Slice(settings, before.state, ends(700)))
    assert after.points == ()
    assert after.validation == before.validation
    assert same(after.state, before.state)


def test_a_state_of_another_network_is_refused(corpus: Corpus) -> None:
    state = train_slice(corpus, Slice(small(threads=1), None, ends(300))).state
    with pytest.raises(UserError, match="its settings give"):
        train_slice(corpus, Slice(small(threads=1), _with_settings(state, small(hidden=20)), ends(600)))


def _with_settings(state: State, settings: Settings) -> State:
    return State(settings, state.counters, state.random, state.tensors)


def test_resets_zero_what_they_name_and_nothing_else(corpus: Corpus) -> None:
    state = train_slice(corpus, Slice(small(threads=1), None, ends(600))).state
    for reset, family in ((without_carried, "carried."), (without_memory, "optimiser.")):
        for name, tensor in reset(state).tensors.items():
            assert torch.equal(tensor, torch.zeros_like(tensor) if name.startswith(family) else state.tensors[name])
    length = len(corpus.training)
    moved, again, other = (elsewhere(state, length, seed) for seed in (1, 1, 2))
    cursors = [each.tensors["streams.cursors"].tolist() for each in (state, moved, again, other)]
    assert cursors[1] == cursors[2] != cursors[0]
    assert cursors[3] != cursors[1]
    assert all(0 <= cursor < length for cursor in cursors[1])


@pytest.fixture
def stored(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A corpus whose ids stay in a file."""
    monkeypatch.setattr("engine.text.cache.LARGE", 0)
    return open_corpus(text, "words", 1024, tmp_path / "texts", lambda _what, _share: None)


def test_a_text_that_stays_in_a_file_is_read_there_by_whoever_unpickles_it(stored: Corpus) -> None:
    pickled = pickle.dumps(stored)
    assert len(pickled) < len(stored.ids)
    again = pickle.loads(pickled)
    assert (again.ids[:] == stored.ids[:]).all()
    assert (again.name, again.vocabulary, again.digest) == (stored.name, stored.vocabulary, stored.digest)
    assert len(pickle.dumps(stored.in_memory())) > len(stored.ids)


def test_a_slice_of_a_text_in_a_file_is_the_same(corpus: Corpus, stored: Corpus) -> None:
    task = Slice(small(bptt="2-9", threads=1), None, (Budget(updates=9),))
    from_memory, from_file = train_slice(corpus, task), train_slice(pickle.loads(pickle.dumps(stored)), task)
    assert same(from_memory.state, from_file.state)
    assert from_memory.validation == from_file.validation


def test_a_worker_whose_text_was_lost_says_so(stored: Corpus, tmp_path: Path) -> None:
    task = pack(train_slice, (stored, Slice(small(threads=1), None, (Budget(updates=1),))), {})
    os.truncate(next((tmp_path / "texts").glob("*.npy")), 0)
    assert "another program changed" in str(carry_out(task).error)
    assert isinstance(carry_out(task).error, UserError)


def test_a_part_of_the_validation_split_is_spread_over_all_of_it(corpus: Corpus) -> None:
    settings = small(threads=1)
    trainer = Trainer(corpus, settings, choose(settings))
    ids = corpus.ids[:4_097]
    whole = evaluate(trainer.network, ids, trainer.compute)
    assert evaluate(trainer.network, ids, trainer.compute, most=4_096) == whole
    # Four lanes of a quarter each: the mean over the first quarter of every lane.
    quarter = evaluate(trainer.network, ids, trainer.compute, most=1_024)
    assert quarter is not None
    assert whole is not None
    assert quarter != whole
    assert quarter == pytest.approx(whole, abs=0.2)
