"""Races beside a training: a queue runs them one after the other, stops them, and reports their end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UserError
from engine.events import HypothesisStatus, Idea
from engine.lab import Lab
from engine.race import desk as module
from engine.race.desk import Desk
from engine.race.earlier import earlier
from engine.race.opening import NewRace
from engine.race.plan import Plan
from engine.race.store import Race, Races
from engine.race.view import RaceView
from engine.workers.place import Place
from tests.engine.race.conftest import Inline, inline, opened, plan
from tests.waiting import PATIENCE, until


class Gated(Inline):
    """Computes only once the test lets it through."""

    gate = threading.Event()
    reached = threading.Event()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.reached.set()
        assert self.gate.wait(PATIENCE)
        return super().submit(fn, *args, **kwargs)


def gated(_name: str, size: int | None) -> Place:
    return inline(Gated, size or 2)


@pytest.fixture
def desk(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(module, "place", gated)
    Gated.gate.clear()
    Gated.reached.clear()
    with opened(NewRace(plan(), str(text)), lab) as found:
        made = Desk(lab, found.corpus)
    yield made
    Gated.gate.set()
    made.close()


def written(lab: Path, raced: Plan | None = None, idea: Idea | None = None) -> Race:
    """A race in the lab, and a hypothesis that it tests."""
    with Lab.open(lab) as kept:
        digest = Races(kept).get("R1").digest
        race = Races(kept).create(raced or plan(), text="words.txt", source="words.txt", digest=digest)
        if idea is not None:
            kept.hypotheses.test(kept.hypotheses.add(idea, "words-1", 3).number, race.number)
    return race


def over(desk: Desk, *numbers: int) -> list[RaceView]:
    """The views of the races once they are over; lets through what waits."""
    Gated.gate.set()
    thread = desk._thread
    if thread is not None:
        thread.join(PATIENCE)
    return [view for view in desk.views() if view.number in numbers]


def test_races_run_one_after_the_other_and_are_told_of_once(desk: Desk, lab: Path) -> None:
    races = [written(lab) for _ in range(3)]
    for race in races:
        desk.submit(race, None, 2)
    assert Gated.reached.wait(PATIENCE)
    assert [view.status for view in desk.views()] == ["running", "queued", "queued"]
    assert desk.ended() == []
    views = over(desk, *(race.number for race in races))
    assert [view.status for view in views] == ["done"] * 3
    assert all(view.results and view.share == 1 for view in views)
    assert desk.idle
    assert [view.name for view in desk.ended()] == ["R2", "R3", "R4"]
    assert desk.ended() == []


def test_one_that_waits_is_taken_out_and_one_that_runs_is_stopped(desk: Desk, lab: Path) -> None:
    first, second = written(lab), written(lab)
    desk.submit(first, None, 2)
    desk.submit(second, None, 2)
    assert Gated.reached.wait(PATIENCE)
    assert desk.stop(second.number) == "R3 was removed from the queue"
    assert desk.stop(first.number) == "R2 is stopped; finished work is kept"
    assert [view.status for view in over(desk, 2, 3)] == ["stopped", "stopped"]
    with pytest.raises(UserError, match="no race R2 is running or waiting"):
        desk.stop(first.number)
    with pytest.raises(UserError, match="no race R99 is running or waiting"):
        desk.stop(99)
    with Lab.open_existing(lab) as kept:
        assert [race.status for race in Races(kept).all()][1:] == ["stopped", "stopped"]


def closed(desk: Desk) -> bool:
    """Whether it has been told to close, and has told the race that runs to stop."""
    with desk._lock:
        return desk._closed


def test_to_close_it_waits_for_what_runs_and_leaves_the_rest_in_the_lab(desk: Desk, lab: Path) -> None:
    for race in (written(lab), written(lab)):
        desk.submit(race, None, 2)
    assert Gated.reached.wait(PATIENCE)
    closing = threading.Thread(target=desk.close)
    closing.start()
    until(lambda: closed(desk))
    Gated.gate.set()
    closing.join()
    assert desk._thread is None or not desk._thread.is_alive()
    with Lab.open_existing(lab) as kept:
        assert {race.status for race in Races(kept).all()[1:]} <= {"stopped", "queued"}


def test_the_races_of_other_sessions_are_shown_and_are_over(desk: Desk, lab: Path) -> None:
    desk.submit(written(lab), None, 2)
    (view,) = over(desk, 2)
    with Lab.open(lab) as kept:
        Races(kept).create(plan(), text="other.txt", source="other.txt", digest="of another text")
        digest = Races(kept).get("R2").digest
        found = earlier(kept, digest)
        later = Desk(lab, desk._corpus, found)
    assert [(each.number, each.status) for each in found] == [(1, "stopped"), (2, "done")]
    assert (found[1].results, set(found[1].lanes)) == (view.results, set(view.lanes))
    assert later.views() == tuple(found)
    assert later.idle
    assert later.ended() == []
    with pytest.raises(UserError, match="no race R1 is running or waiting"):
        later.stop(1)


def test_after_a_race_there_may_be_another_one(desk: Desk, lab: Path) -> None:
    for number in (2, 3):
        desk.submit(written(lab), None, 2)
        assert [view.status for view in over(desk, number)] == ["done"]


def test_what_goes_wrong_is_said_and_the_next_one_runs(desk: Desk, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(_name: str, _size: int | None) -> Place:
        monkeypatch.setattr(module, "place", gated)
        raise UserError("there is nowhere to compute")

    monkeypatch.setattr(module, "place", nowhere)
    first, second = written(lab), written(lab)
    desk.submit(first, None, 2)
    desk.submit(second, None, 2)
    views = over(desk, 2, 3)
    assert [(view.status, view.says) for view in views] == [("failed", "there is nowhere to compute"), ("done", "")]


@pytest.mark.parametrize(
    ("vary", "expected", "status", "says"),
    [
        ("lr=1e-6,3e-2", "better", "confirmed", "lr 0.03 is better than lr 1e-06 by "),
        ("lr=1e-6,3e-2", "worse", "refuted", "lr 0.03 is better than lr 1e-06 by "),
        ("clip=off,1e6", "no difference that matters", "confirmed", "there is no difference that matters"),
        ("clip=off,1e6", "better", "refuted", "that matters: their losses are equal to the last digit (2 seeds)"),
        ("lr=1e-6,2e-6", "better", "refuted", "that matters: less than 0.02 nats (95 % from "),
        ("lr=1e-6,3e-2", "", "open", "lr 0.03 is better than lr 1e-06 by "),
        ("seed=0,1", "better", "undecided", "is undecided"),
    ],
)
def test_the_verdict_becomes_that_of_the_hypothesis(
    desk: Desk, lab: Path, vary: str, expected: str, status: str, says: str
) -> None:
    seeds = 2 if vary.startswith("seed") else 6
    race = written(lab, plan(vary, seeds=seeds), Idea("a claim", "", vary, expected))
    desk.submit(race, None, 2)
    assert [view.status for view in over(desk, race.number)] == ["done"]
    with Lab.open_existing(lab) as kept:
        found = kept.hypotheses.all()[-1]
    assert (found.status, found.race, found.conclusion) == (status, race.number, "")
    assert says in found.evidence


def test_a_race_that_was_stopped_says_nothing_of_its_hypothesis(desk: Desk, lab: Path) -> None:
    race = written(lab, idea=Idea("a claim", "", "lr=1,2", "better"))
    desk.submit(race, None, 2)
    assert Gated.reached.wait(PATIENCE)
    desk.stop(race.number)
    over(desk, race.number)
    with Lab.open_existing(lab) as kept:
        found = kept.hypotheses.all()[-1]
    assert (found.status, found.evidence) == ("open", "")


def test_words_of_ones_own_stay_beside_the_evidence(desk: Desk, lab: Path) -> None:
    race = written(lab, plan("clip=off,1e6"), Idea("a claim", "", "clip=off,1e6", "better"))
    with Lab.open(lab) as kept:
        kept.hypotheses.conclude(1, HypothesisStatus.OPEN, "I do not believe it")
    desk.submit(race, None, 2)
    over(desk, race.number)
    with Lab.open_existing(lab) as kept:
        assert kept.hypotheses.all()[0].conclusion == "I do not believe it"
        assert kept.hypotheses.all()[0].evidence
