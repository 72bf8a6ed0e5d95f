"""The console notifies of what is new, and not of what was there before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.events import Cause
from engine.race.result import Comparison, RaceStatus, Verdict
from engine.session.snapshot import Snapshot, Status
from tests.tui.conftest import FakeEngine, finding, raced, trained
from tests.tui.console.test_console import screen_text, shown, until
from tui.console.announcer import Announcer
from tui.console.app import Console
from tui.console.choices import NO_CHOICES
from tui.preferences.notifications import Notifier, Occasion, Wishes


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def announcer(rung: list[str]) -> Announcer:
    return Announcer(Notifier(Wishes(bell=True), rung.append, rung.append))


def play(announcer: Announcer, *snapshots: Snapshot) -> None:
    for snapshot in snapshots:
        announcer.notice(snapshot)


def test_a_finding_is_told_once_and_not_if_it_was_there_before(announcer: Announcer, rung: list[str]) -> None:
    old, new = finding(), finding(Cause.PLATEAU, since_update=390)
    before = trained(findings=(old,))
    play(announcer, Snapshot(), before, replace(before, update=401), replace(before, findings=(old, new)))
    assert [line.split(":")[0] for line in rung] == ["Finding in shakespeare-1"]
    graver = replace(new, says="It is graver.")
    play(announcer, replace(before, findings=(old, graver)), replace(before, findings=(replace(old, until_update=9),)))
    play(announcer, replace(before, findings=(new,)))
    assert len(rung) == 1


def test_a_verdict_is_told_once(announcer: Announcer, rung: list[str]) -> None:
    result = Comparison(1, "chars", 3, -0.12, -0.31, -0.07, Verdict.BETTER, (0, 0))
    done = raced(status=RaceStatus.DONE, results=(result,))
    earlier = raced(number=7, status=RaceStatus.DONE, own=False)
    play(announcer, trained(races=(raced(),)), *[trained(races=(earlier, done), update=each) for each in (401, 402)])
    assert len(rung) == 1
    assert rung[0].startswith("Verdict of R1: lr 0.0013 is better than lr 0.004 by 0.12 nats")


@pytest.mark.parametrize("status", [Status.FINISHED, Status.BROKEN, Status.ENDED])
def test_the_end_is_told_once(announcer: Announcer, rung: list[str], status: Status) -> None:
    end = trained(status=status, message="so it is")
    play(announcer, trained(), end, replace(end, update=401), replace(end, status=Status.ENDED))
    assert rung == ["The end of shakespeare-1: so it is"]


FAILED = "on_end: /no/such/program[bold] could not be started: No such file or directory"


async def test_a_command_that_fails_is_a_message_in_the_console(engine: FakeEngine, tmp_path: Path) -> None:
    wishes = Wishes(commands={Occasion.END: ("/no/such/program[bold]",)})
    app = Console(engine, tmp_path / "lab", NO_CHOICES, wishes)
    async with shown(app) as pilot:
        await until(pilot, lambda: "training" in screen_text(app))
        engine.play(status=Status.FINISHED)
        await until(pilot, lambda: [each.message for each in app._notifications] == [FAILED])
