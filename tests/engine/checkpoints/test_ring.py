"""The states that are kept on the disk: spread over the run, bounded, and never of another branch."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.budget import Budget
from engine.checkpoints import checkpoint, ring
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.checkpoints.ring import FOLDER, MOST_STATES, Ring, kept_in, to_drop
from engine.checkpoints.saver import COST
from engine.errors import UserError
from engine.network.compute import choose
from engine.text.corpus import read_corpus
from engine.training.state import State
from engine.training.trainer import Trainer
from tests.conftest import small


@pytest.fixture
def state(text: Path) -> State:
    settings = small()
    return Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings)).state()


@pytest.fixture
def kept(text: Path, tmp_path: Path) -> Ring:
    corpus = read_corpus(text, text.name, 1024)
    return Ring(tmp_path / "run", Origin("run", text.name, str(text), corpus.digest, corpus.vocabulary, Budget()))


def at(state: State, update: int, changes: int = 0) -> State:
    return replace(state, counters=replace(state.counters, updates=update, changes=changes))


def updates(folder: Path) -> list[int]:
    return [each.update for each in kept_in(folder)]


def simulated(count: int, climbs_since: int | None = None) -> list[int]:
    there: list[int] = []
    for update in range(count):
        there.append(update)
        if len(there) > MOST_STATES:
            del there[to_drop(there, climbs_since if climbs_since is not None and update > climbs_since else None)]
    return there


@pytest.mark.parametrize("count", [20, 100, 1_000, 5_000])
def test_there_is_a_state_shortly_before_any_update(count: int) -> None:
    there = simulated(count)
    assert there[0] == 0
    assert there[-1] == count - 1
    for onset in range(count):
        newest = max(update for update in there if update <= onset)
        age = count - onset
        # The state is at most a few times as far back as the onset, however late that is noticed.
        assert count - newest <= 8 * age + 8


def test_the_state_before_a_climb_stays_however_long_it_lasts() -> None:
    assert 700 in simulated(20_000, climbs_since=700)
    assert 700 not in simulated(20_000)


def test_a_state_is_a_checkpoint_like_any_other(kept: Ring, state: State, tmp_path: Path) -> None:
    kept.keep(at(state, 40, changes=2), None)
    (found,) = kept_in(tmp_path / "run")
    assert (found.update, found.changes) == (40, 2)
    assert checkpoint.load(found.path).state.counters.updates == 40


def test_files_are_bounded_in_number_and_size(
    kept: Ring, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for update in range(12):
        kept.keep(at(state, update), None)
    assert len(updates(tmp_path / "run")) == MOST_STATES
    size = kept_in(tmp_path / "run")[0].path.stat().st_size
    monkeypatch.setattr(ring, "MOST_BYTES", 3 * size)
    kept.keep(at(state, 20), None)
    assert len(updates(tmp_path / "run")) == 3
    monkeypatch.setattr(ring, "MOST_BYTES", 1)
    kept.keep(at(state, 21), climbs_since=20)
    assert updates(tmp_path / "run") == [20]


def test_what_the_training_went_back_behind_is_forgotten(kept: Ring, state: State, tmp_path: Path) -> None:
    for update, changes in ((10, 0), (20, 1), (20, 2), (30, 2)):
        kept.keep(at(state, update, changes), None)
    kept.forget_behind(20, 1)
    assert [(each.update, each.changes) for each in kept_in(tmp_path / "run")] == [(10, 0), (20, 1)]


def test_a_disk_that_fails_is_one_line_and_keeps_what_is_there(kept: Ring, state: State, tmp_path: Path) -> None:
    kept.keep(at(state, 1), None)
    folder = tmp_path / "run" / FOLDER
    folder.rename(tmp_path / "aside")
    folder.write_text("in the way")
    with pytest.raises(UserError, match="could not be written"):
        kept.keep(at(state, 2), None)
    assert updates(tmp_path / "run") == []
    folder.unlink()
    (tmp_path / "aside").rename(folder)
    assert updates(tmp_path / "run") == [1]


def test_writing_takes_its_share_of_the_time_and_no_more(
    kept: Ring, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, save = [100.0], checkpoint.save

    def take_a_second(path: Path, content: Checkpoint) -> None:
        save(path, content)
        now[0] += 1.0

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "save", take_a_second)
    kept.keep(state, None)
    now[0] += COST - 0.1
    assert not kept.due
    now[0] += 0.2
    assert kept.due
