"""The lessons of the tour: each waits for what it asks for, and none is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.events import Change
from engine.race.result import RaceStatus
from engine.session.snapshot import Snapshot
from tests.tui.conftest import FakeEngine, finding, trained
from tests.tui.console.test_console import main, screen_text, shown, until
from tui.console.app import Console
from tui.console.tour import LESSONS, Guide, Seen

CHANGE = Change(400, 409_600, 1, "lr", "0.1", "0.004")
BEGUN = trained(findings=(), log=(), races=())
FOUND = replace(BEGUN, findings=(finding(),))
CHANGED = replace(FOUND, log=(CHANGE,))
UNDONE = replace(FOUND, log=(replace(CHANGE, undone=True),))
RACED = trained(log=UNDONE.log)


@pytest.mark.parametrize(
    ("place", "before", "after"),
    [(0, BEGUN, FOUND), (2, FOUND, CHANGED), (3, CHANGED, UNDONE), (4, UNDONE, RACED)],
)
def test_a_lesson_ends_when_it_was_done(place: int, before: Snapshot, after: Snapshot) -> None:
    assert not LESSONS[place].is_done(Seen(before, ()))
    assert LESSONS[place].is_done(Seen(after, ()))


def test_a_race_is_waited_for_until_it_is_decided() -> None:
    race = RACED.races[-1]
    for status in RaceStatus:
        seen = Seen(replace(RACED, races=(replace(race, status=status),)), ())
        assert LESSONS[5].is_done(seen) is (status is RaceStatus.DONE)


def test_a_lesson_has_at_most_three_sentences_that_fit_a_narrow_terminal() -> None:
    for lesson in LESSONS:
        assert lesson.says.count(". ") + lesson.says.endswith(".") <= 3
        assert len(lesson.says) <= 2 * 78 - len("1/7 ")


async def test_the_guide_stands_above_the_footer_and_goes_on_by_itself(tmp_path: Path) -> None:
    engine = FakeEngine(BEGUN)
    app = Console(engine, tmp_path)
    app.is_tour = True
    async with shown(app, (80, 24)) as pilot:
        await until(pilot, lambda: "1/7" in screen_text(app))
        assert main(app).query_one(Guide).region.bottom == 23
        engine.play(findings=FOUND.findings)
        await until(pilot, lambda: "2/7" in screen_text(app))
        await pilot.press("F")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: "3/7" in screen_text(app))
        await pilot.press("1")
        await until(pilot, lambda: "Hypotheses" not in screen_text(app))
        assert "3/7" in screen_text(app)


async def test_without_the_tour_there_is_no_guide(tmp_path: Path) -> None:
    app = Console(FakeEngine(BEGUN), tmp_path)
    async with shown(app):
        assert not main(app).query(Guide)
