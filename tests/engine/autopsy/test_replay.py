"""Remedies and replays: one thing is changed, and everything else stays as it was, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.autopsy import remedies as r
from engine.autopsy.conductor import turns_of
from engine.autopsy.replay import Replay, through
from engine.budget import Budget, CoolDownSpan
from engine.events import Change
from engine.network.compute import choose
from engine.race.slice import train_slice
from engine.settings import Settings
from engine.text.corpus import Corpus, read_corpus
from engine.training.state import State
from engine.training.trainer import Trainer
from engine.windows import LengthLaw
from tests.conftest import small

WINDOW = 3 * 7
"""Characters per update of `small`."""


@pytest.fixture
def corpus(text: Path) -> Corpus:
    return read_corpus(text, text.name, 1024)


def trained(corpus: Corpus, settings: Settings, updates: int) -> Trainer:
    trainer = Trainer(corpus, settings, choose(settings))
    trainer.train(updates)
    while trainer.counters.updates < updates:
        trainer.train(updates - trainer.counters.updates)
    return trainer


def replayed(corpus: Corpus, replay: Replay) -> Replay:
    while not replay.done:
        replay.take(train_slice(corpus, replay.next_slice()))
    return replay


def same(one: State, other: State) -> bool:
    return one.counters == other.counters and all(
        torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items()
    )


def test_as_it_was_ends_in_the_same_bits_through_changes_of_knobs(corpus: Corpus) -> None:
    trainer = trained(corpus, small(), 10)
    start = trainer.state()
    changes = []
    for knob, value in (("lr", "0.02"), ("bptt", "5")):
        trainer.train(6)
        old = trainer.settings
        trainer.turn(old.with_text(knob, value))
        counters = trainer.counters
        changes.append(Change(counters.updates, trainer.chars, counters.changes, knob, old.write(knob), value))
    trainer.train(8)
    chars = trainer.chars
    ends = [10 * WINDOW + 40 * place for place in range(1, 20) if 10 * WINDOW + 40 * place < chars] + [chars]
    replay = replayed(corpus, Replay(r.UNCHANGED, start, ends, changes, Budget()))
    assert same(replay.state, trainer.state())
    assert replay.state.settings == trainer.settings
    assert (replay.share, replay.broken) == (1.0, "")
    assert [point.chars for point in replay.points] == sorted({point.chars for point in replay.points})


def test_a_cool_down_is_replayed(corpus: Corpus) -> None:
    trainer = trained(corpus, small(), 10)
    start = trainer.state()
    trainer.cool_down(CoolDownSpan(10, 200))
    trainer.train(5)
    changes = [Change(10, 10 * WINDOW, 1, "cool-down", "off", "200 updates")]
    replay = replayed(corpus, Replay(r.UNCHANGED, start, [trainer.chars], changes, Budget()))
    assert same(replay.state, trainer.state())


def test_a_remedy_is_kept_over_later_changes_and_a_change_can_be_left_out(corpus: Corpus) -> None:
    start = trained(corpus, small(lr=0.01), 5).state()
    changes = [Change(7, 7 * WINDOW, 1, "lr", "0.01", "0.3"), Change(8, 8 * WINDOW, 2, "lr", "0.3", "0.6")]
    slower = r.slower(start.settings, 3)
    assert replayed(corpus, Replay(slower, start, [9 * WINDOW], changes, Budget())).state.settings.lr == 0.6 / 3
    assert (
        replayed(corpus, Replay(r.left("lr", "0.01"), start, [9 * WINDOW], changes, Budget())).state.settings.lr == 0.01
    )
    assert through(start.settings, changes).lr == 0.6


def test_without_learning_the_network_stays_as_it_is(corpus: Corpus) -> None:
    start = trained(corpus, small(lr=0.5, clip=None, weight_decay=0.1), 20).state()
    frozen = r.Remedy(r.FROZEN, "no learning", r.frozen)
    end = replayed(corpus, Replay(frozen, start, [60 * WINDOW], [], Budget())).state
    for name, tensor in start.tensors.items():
        if name.startswith("network."):
            torch.testing.assert_close(end.tensors[name], tensor, atol=1e-5, rtol=0)


def test_what_breaks_ends_a_replay(corpus: Corpus) -> None:
    start = trained(corpus, small(optimizer="sgd", clip=None, weight_decay=1.0), 5).state()
    start = replace(start, settings=replace(start.settings, lr=1000.0))
    replay = replayed(corpus, Replay(r.UNCHANGED, start, [200 * WINDOW], [], Budget()))
    assert replay.done
    assert replay.broken
    assert replay.losses[-1] == float("inf")
    assert len(replay.losses) == len(replay.points) + 1


def kinds(settings: Settings, state: State, changes: list[Change] | None = None) -> list[str]:
    found = [*r.remedies(settings, state, 4_000, 100, changes or []), *r.clips(settings, 0.5)]
    return [each.kind for each in found]


def test_only_what_makes_a_difference_is_tried(corpus: Corpus) -> None:
    settings = small()
    fresh = Trainer(corpus, settings, choose(settings)).state()
    usual = trained(corpus, settings, 5).state()
    assert kinds(settings, fresh) == [r.FROZEN, r.RATE, r.WINDOW, r.LONGER, r.PLACE, r.PLACE, r.CLIP]
    assert r.MEMORY in kinds(settings, usual)
    assert r.CARRIED in kinds(settings, usual)
    assert r.WINDOW not in kinds(replace(settings, bptt=LengthLaw.fixed(1)), usual)
    assert r.LONGER not in kinds(replace(settings, streams=64), usual)
    assert r.TARGETS in kinds(replace(settings, targets="last"), usual)
    assert r.FLOAT32 in kinds(replace(settings, dtype="bfloat16"), usual)
    assert r.DECAY in kinds(replace(settings, weight_decay=0.1), usual)
    assert r.CLIP not in kinds(replace(settings, clip=0.4), usual)
    assert r.CLIP in kinds(replace(settings, clip=0.4, clip_by="value"), usual)


def test_the_turns_of_one_knob_are_left_out_together(corpus: Corpus) -> None:
    settings = small()
    state = trained(corpus, settings, 5).state()
    changes = [
        Change(5, 500, 1, "lr", "0.004", "0.02"),
        Change(6, 600, 2, "temperature", "0.8", "1"),
        Change(7, 700, 3, "lr", "0.02", "0.5"),
    ]
    (left,) = [each for each in r.remedies(settings, state, 4_000, 100, changes) if each.kind == r.CHANGE]
    assert (left.label, left.knob, left.value) == ("lr left at 0.004", "lr", "0.004")
    assert left.turn(settings.with_text("lr", "0.5")).lr == 0.004


def turned(*places: int) -> list[Change]:
    """The learning rate doubled at each of these characters."""
    return [Change(chars // 21, chars, number, "lr", "", "") for number, chars in enumerate(places, 1)]


@pytest.mark.parametrize(
    ("presses", "counted"),
    [
        ((940, 960, 990), (940, 960, 990)),
        ((860, 880, 910, 990, 1010), (860, 880, 910, 990, 1010)),  # pressed from before what counts as shortly before
        ((700, 880, 910, 1010), (880, 910, 1010)),  # the first press was long before the others
        ((860, 890), ()),  # no press was shortly before
        ((950, 1500), (950, 1500)),
    ],
)
def test_presses_in_a_row_belong_together(presses: tuple[int, ...], counted: tuple[int, ...]) -> None:
    other = Change(45, 950, 9, "clip", "5", "1")
    found = turns_of([*turned(*presses), Change(60, 1200, 10, "bptt", "20", "10")], since=900, climb=1000, pause=50)
    assert [each.chars for each in found] == list(counted)
    assert turns_of([*turned(860, 880), other], since=900, climb=1000, pause=50) == [other]


@pytest.mark.parametrize(
    ("remedy", "family"),
    [
        (lambda settings: r.slower(settings, 3), ""),
        (lambda settings: next(r.clips(settings, 0.123)), ""),
        (lambda settings: r.window(r.WINDOW, "shorter", settings, 0.25), ""),
        (lambda _settings: r.Remedy(r.PLACE, "before", start=lambda each: r.moved(each, -50, 4_000)), "streams."),
    ],
)
def test_a_remedy_changes_one_thing(corpus: Corpus, remedy: Callable[[Settings], r.Remedy], family: str) -> None:
    start = trained(corpus, small(), 5).state()
    changed = Replay(remedy(start.settings), start, [900], [], Budget()).state
    others = [name for name in start.tensors if not name.startswith(("carried.", family or "-"))]
    assert all(torch.equal(start.tensors[name], changed.tensors[name]) for name in others)
    plain, turned = start.settings.plain(), changed.settings.plain()
    assert len([name for name in plain if plain[name] != turned[name]]) == (0 if family else 1)
    if family:
        moved = (start.tensors["streams.cursors"] - 50) % 4_000
        assert torch.equal(changed.tensors["streams.cursors"], moved)


def test_what_is_to_be_tried_can_be_typed(corpus: Corpus) -> None:
    settings = small(targets="last", weight_decay=0.1)
    state = trained(corpus, settings, 5).state()
    for remedy in [*r.remedies(settings, state, 4_000, 100, []), *r.clips(settings, 0.5), *r.stronger(settings, 0.5)]:
        if remedy.knob:
            settings.with_text(remedy.knob, remedy.value)
