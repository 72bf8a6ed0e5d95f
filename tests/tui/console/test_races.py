"""Ideas that become races, and how these stand, in the console."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import Button, Input, RadioButton, RadioSet, Select, Static

from engine.events import Hypothesis, HypothesisStatus, Idea, Trial
from engine.race.plan import CHARS, MIN_EFFECT, SEEDS, Plan, grid
from engine.race.result import Comparison, RaceStatus, Verdict
from engine.race.view import RaceView
from engine.session import commands as c
from engine.session.snapshot import Snapshot, Status
from engine.settings import Settings
from tests.tui.conftest import FakeEngine, finding, lane, raced, trained
from tests.tui.console.test_console import Make, main, screen_text, shown, until
from tui.console.app import Console
from tui.console.panes.races import RacesPane
from tui.console.screens.findings import FindingsDialog
from tui.console.screens.hypotheses import HypothesisDialog
from tui.console.screens.race import RaceDialog, StopRaceDialog
from tui.drawing.race_chart import race_chart

HOSTILE = "\x1b[31m[bold]\x07 \u202e"


def choose(app: Console, radios: str, place: int) -> None:
    buttons = list(app.screen.query_one(radios, RadioSet).query(RadioButton))
    buttons[place].value = True


async def test_a_hypothesis_says_what_would_test_it(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("h", *"too high", "enter", "enter", *"lr=4e-3,1e-3")
        choose(app, "#expected", 0)
        await pilot.press("enter")
        idea = Idea("too high", "", "lr=4e-3,1e-3", "better")
        await until(pilot, lambda: engine.commands == [c.Hypothesise(idea)])


async def test_without_anything_that_varies_nothing_is_expected_of_it(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("h", *"too high", "enter", "enter")
        choose(app, "#expected", 1)
        await pilot.press("enter")
        await until(pilot, lambda: engine.commands == [c.Hypothesise(Idea("too high"))])


async def test_what_cannot_vary_is_said_in_the_dialog(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("h", *"a claim", "enter", "enter")
        for vary, says in (
            ("lr", "expected a setting and its values"),
            ("lr=1", "there is nothing to compare"),
            ("temperature=1,2", "no update depends on it"),
        ):
            field = app.focused
            assert isinstance(field, Input)
            field.value = ""
            await pilot.press(*vary, "enter")
            assert isinstance(app.screen, HypothesisDialog)
            assert says in str(app.screen.query_one("#claim-error", Static).render())
            assert engine.commands == []


FIRST_IDEA = Idea("the learning rate is too high", "", "lr=0.004,0.00133", "better")
"""The first of the common ones, with the settings of `trained`."""


async def race_the_first_idea(pilot: Pilot[Any]) -> None:
    """From the console to the dialog of its race."""
    app = pilot.app
    await pilot.press("h")
    app.screen.query_one("#template", Select).value = 0
    await until(pilot, lambda: app.screen.query_one("#race", Button).has_focus)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, RaceDialog))


async def test_a_common_idea_is_raced_in_three_keys(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await race_the_first_idea(pilot)
        await until(pilot, lambda: app.screen.query_one("#race", Button).has_focus)
        await pilot.press("enter")
        race = c.StartRace(("lr=0.004,0.00133",), False, True, CHARS, SEEDS, MIN_EFFECT, FIRST_IDEA)
        await until(pilot, lambda: engine.commands == [race])
        assert "race requested" in screen_text(app) or "StartRace" in screen_text(app)


async def test_an_idea_whose_race_is_left_is_written_down(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await race_the_first_idea(pilot)
        assert "escape: only write it down" in str(app.screen.query_one(".dialog").border_subtitle)
        await pilot.press("escape")
        await until(pilot, lambda: engine.commands == [c.Hypothesise(FIRST_IDEA)])
        await pilot.press("r", "escape")
        assert engine.commands == [c.Hypothesise(FIRST_IDEA)]


async def test_a_race_without_a_hypothesis(console: Make) -> None:
    engine = FakeEngine(trained(hypotheses=()))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("r", *"clip=1, off bptt=5,40")
        choose(app, "#begins", 1)
        choose(app, "#meanwhile", 1)
        for name, text in (("chars", "9000"), ("seeds", "4"), ("min-effect", "0.1")):
            app.screen.query_one(f"#{name}", Input).value = text
        await pilot.press("enter")
        race = c.StartRace(("clip=1, off", "bptt=5,40"), True, False, 9_000, 4, 0.1, None)
        await until(pilot, lambda: engine.commands == [race])


async def test_the_newest_hypothesis_that_was_not_raced_is_offered_first(console: Make) -> None:
    told = (
        Hypothesis(1, "first", "", HypothesisStatus.OPEN, "shakespeare-1", 1, vary="lr=1e-3,1e-2"),
        Hypothesis(2, "second", "", HypothesisStatus.OPEN, "shakespeare-1", 1, vary="clip=1,off"),
        Hypothesis(
            3,
            "third",
            "",
            HypothesisStatus.CONFIRMED,
            "shakespeare-1",
            1,
            vary="bptt=5,9",
            race=1,
            evidence="5 is better",
        ),
        Hypothesis(4, "no race", "", HypothesisStatus.OPEN, "shakespeare-1", 1),
    )
    engine = FakeEngine(trained(hypotheses=told))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("r")
        dialog = app.screen
        assert dialog.query_one("#tested", Select).value == 2
        assert dialog.query_one("#vary", Input).value == "clip=1,off"
        dialog.query_one("#tested", Select).value = 1
        await until(pilot, lambda: dialog.query_one("#vary", Input).value == "lr=1e-3,1e-2")
        dialog.query_one("#race", Button).press()
        await until(pilot, lambda: len(engine.commands) == 1)
        command = engine.commands[0]
        assert isinstance(command, c.StartRace)
        assert (command.hypothesis, command.vary) == (1, ("lr=1e-3,1e-2",))


async def test_what_is_wrong_with_a_race_is_said_in_the_dialog(console: Make) -> None:
    engine = FakeEngine(trained(hypotheses=()))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("r", *"lr=1e-3,1e-2")
        for name, text, says in (
            ("vary", "hidden=8,16", "let every variant begin as a fresh network"),
            ("vary", "", "nothing to compare"),
            ("chars", "many", "expected a whole number"),
            ("seeds", "1", "expected a whole number from 2 to 100"),
            ("min-effect", "0", "expected a number from 1e-06"),
        ):
            field = app.screen.query_one(f"#{name}", Input)
            right, field.value = field.value, text
            field.focus()
            await pilot.press("enter")
            assert says in str(app.screen.query_one("#race-error", Static).render())
            assert engine.commands == []
            field.value = right


async def test_hypotheses_are_found_by_what_was_found_of_them(console: Make) -> None:
    told = tuple(
        Hypothesis(
            number,
            f"claim {number}",
            "",
            HypothesisStatus.CONFIRMED,
            "shakespeare-1",
            1,
            race=number,
            evidence=f"by 0.{number}",
        )
        for number in range(1, 9)
    )
    engine = FakeEngine(trained(hypotheses=told))
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("H", "slash", *"by 0.7", "enter")
        await until(pilot, lambda: "by 0.7" in str(app.screen.query_one("#evidence", Static).render()))
        app.screen.query_one("#conclusion", Input).focus()
        await pilot.press(*"so it is", "enter")
        await until(pilot, lambda: engine.commands == [c.Conclude(7, HypothesisStatus.CONFIRMED, "so it is")])


async def test_what_would_mend_a_finding_is_raced(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("F", "r")
        await until(pilot, lambda: isinstance(app.screen, RaceDialog))
        app.screen.query_one("#race", Button).press()
        await until(pilot, lambda: len(engine.commands) == 1)
        command = engine.commands[0]
        assert isinstance(command, c.StartRace)
        assert isinstance(command.hypothesis, Idea)
        assert command.vary == ("lr=0.004,0.0004",)
        assert command.hypothesis.claim == "learning-rate-too-high: lr 0.0004 does better"
        assert command.hypothesis.expected == "better"


async def test_what_no_race_can_test_is_not_raced(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for trial in (None, Trial("banana", "1"), Trial("temperature", "1"), Trial("lr", "0.004")):
            engine.play(findings=(finding(trial=trial),))
            main(app).refresh_all()
            await pilot.press("F", "r")
            assert isinstance(app.screen, FindingsDialog)
            assert app.screen.query_one("#race-it", Button).disabled
            assert engine.commands == []
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is main(app))


async def test_any_race_is_stopped(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("R")
        assert isinstance(app.screen, StopRaceDialog)
        assert "R2  queued  clip 1 · clip off" in screen_text(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: engine.commands == [c.StopRace(2)])
        engine.play(races=(raced(),))
        await pilot.press("R")
        await until(pilot, lambda: engine.commands == [c.StopRace(2), c.StopRace(1)])
        engine.play(races=(raced(status=RaceStatus.DONE),))
        await pilot.press("R")
        assert "no race runs or waits" in screen_text(app)


async def test_no_race_begins_while_nothing_is_loaded(console: Make) -> None:
    engine = FakeEngine(Snapshot())
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("r")
        assert not isinstance(app.screen, RaceDialog)
        engine.play(status=Status.TRAINING)


def drawn(snapshot: Snapshot, width: int = 118, height: int = 34) -> str:
    return RacesPane(id="races").text(snapshot, width, height).plain


def test_the_view_shows_curves_estimates_and_what_waits() -> None:
    text = drawn(trained())
    assert "R1 ▶ running  lr 0.004 · lr 0.0013  seed 4 of 12 at most" in text
    assert "◇ lr 0.0013" in text
    assert "−0.12, 95 % from −0.31 to +0.07" in text
    assert "R2 … queued  clip 1 · clip off" in text
    assert "⠉" in text or "⠒" in text


def test_the_view_says_the_verdict_and_what_diverged() -> None:
    broken = tuple(lane(1, seed, 0, share=0.1, broken="the loss is nan") for seed in range(7))
    whole = tuple(lane(0, seed, 1.7) for seed in range(7))
    worse = Comparison(1, "chars", 7, float("inf"), float("inf"), float("inf"), Verdict.WORSE, (7, 0))
    begun = lane(0, 7, 1.7, share=0.3)
    text = drawn(trained(races=(raced(status=RaceStatus.DONE, lanes=(*whole, begun, *broken), results=(worse,)),)))
    assert "▏" not in text
    assert "✗ worse" in text
    assert "7 diverged" in text
    assert "lr 0.0013 is worse than lr 0.004 by divergence" in text


def test_the_view_says_that_there_is_no_race_yet() -> None:
    assert "r races two values" in drawn(trained(races=()))


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (78, 20), (400, 100)])
def test_the_view_has_room_in_every_size(size: tuple[int, int]) -> None:
    width, height = size
    text = RacesPane(id="races").text(trained(), width, height)
    assert all(line.cell_len <= width for line in text.split("\n"))


def test_what_comes_from_outside_is_made_visible() -> None:
    race = raced(status=RaceStatus.FAILED, says=HOSTILE)
    text = drawn(trained(races=(race,)))
    assert "charrnn-tui race --resume R1" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("loss", [float("inf"), 1e300, 0.0])
def test_no_loss_breaks_the_chart(loss: float) -> None:
    race = raced()
    lanes = [replace(each, rungs=tuple(replace(rung, loss=loss) for rung in each.rungs)) for each in race.lanes]
    assert isinstance(race_chart(race.plan, lanes, 60, 12), Text)


def test_many_variants_are_told_apart_as_far_as_there_are_signs() -> None:
    plan = Plan(settings=Settings(), variants=grid(["lr=1,2,3,4,5,6,7"]))
    view = RaceView(
        1, plan, RaceStatus.RUNNING, lanes=tuple(replace(lane(0, 0, 2.0), variant=place) for place in range(7))
    )
    assert "lr 7" in drawn(trained(races=(view,)))


async def test_the_dialog_begins_with_the_race_that_was_asked_for_last(console: Make) -> None:
    engine = FakeEngine(trained(hypotheses=()))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("r", *"bptt=5,40")
        choose(app, "#begins", 1)
        choose(app, "#meanwhile", 1)
        for name, text in (("chars", "9000"), ("seeds", "4"), ("min-effect", "0.1")):
            app.screen.query_one(f"#{name}", Input).value = text
        await pilot.press("enter")
        race = c.StartRace(("bptt=5,40",), True, False, 9_000, 4, 0.1, None)
        await until(pilot, lambda: engine.commands == [race])
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RaceDialog) and app.screen.query_one("#race").has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: engine.commands == [race, race])
