"""Families of runs in the console: forking by key, the tree, what is laid over and compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from textual.pilot import Pilot
from textual.widgets import SelectionList

from engine.events import Change, CheckpointKind, Saved, Stored, Validation
from engine.lab import Lab, Past
from engine.session import commands as c
from engine.settings import PlainValue
from tests.conftest import new_run
from tests.tui.conftest import FakeEngine, point, trained
from tests.tui.console.test_console import Make, main, screen_text, shown, until
from tui.console.app import Console
from tui.console.panes.loss import LossPane
from tui.console.screens.runs import CompareScreen, RunsDialog

STEPS = (Change(100, 102_400, 2, "bptt", "64", "40"), Change(100, 102_400, 3, "bptt", "40", "10"))
SETTINGS: dict[str, PlainValue] = {"hidden": 10, "lr": 0.004}


def events(first: int, last: int, loss: float) -> list[Stored]:
    points = [replace(point(update), norms=(1.0,), loss=loss) for update in range(first, last + 1)]
    saved = Saved(last, last * 1024, CheckpointKind.END, "/somewhere/latest.safetensors")
    return [*points, Validation(last, last * 1024, loss), saved]


@pytest.fixture
def family(tmp_path: Path) -> Path:
    """A run, two forks of it, a fork of the second one, and a run of another family."""
    folder = tmp_path / "lab"
    with Lab.open(folder) as lab:

        def begin(name: str, parent: str = "", update: int = 0, changes: int = 0) -> None:
            settings = {**SETTINGS, "hidden": 20} if name == "stranger" else SETTINGS
            past = Past(lab.runs.get(parent), PurePath("latest.safetensors"), update, changes) if parent else None
            new_run(lab, name=name, text="notes.txt", settings=settings, matrix_names=("embedding",), past=past)

        def train(name: str, *happened: Stored) -> None:
            lab.events.record(lab.runs.get(name), happened)

        begin("shakespeare-1")
        train("shakespeare-1", Change(10, 10 * 1024, 1, "clip", "1", "0.5"), *events(11, 100, 2.0))
        begin("slow", "shakespeare-1", 100, 1)
        train("slow", Change(100, 102_400, 2, "lr", "0.004", "0.001"), *events(101, 1300, 1.5))
        begin("short", "shakespeare-1", 100, 1)
        train("short", *STEPS, *events(101, 140, 2.5))
        begin("slower", "slow", 1300, 2)
        train("slower", *events(1301, 1310, 1.4))
        begin("stranger")
        train("stranger", *events(1, 20, 3.0))
    return folder


async def opened(pilot: Pilot[int], app: Console, count: int) -> SelectionList[str]:
    await pilot.press("p")
    await until(pilot, lambda: isinstance(app.screen, RunsDialog))
    found = app.screen.query_one("#runs", SelectionList)
    await until(pilot, lambda: found.option_count == count)
    return found


async def mark(pilot: Pilot[int], found: SelectionList[str], *names: str) -> None:
    for name in names:
        place = next(row for row in range(found.option_count) if found.get_option_at_index(row).value == name)
        found.highlighted = place
        found.focus()
        await pilot.press("space")


def rows(found: SelectionList[str]) -> list[str]:
    return [str(found.get_option_at_index(row).prompt) for row in range(found.option_count)]


async def test_the_key_forks_and_the_header_names_the_new_run(console: Make) -> None:
    engine = FakeEngine(trained(), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("Y")
        assert engine.commands == [c.Fork()]
        assert "fork requested" in screen_text(app)
        engine.play(run="shakespeare-2")
        engine.deal("shakespeare-2 goes on from update 400 of shakespeare-1, which is saved")
        main(app).refresh_all()
        await until(pilot, lambda: "shakespeare-2 goes on from update 400 of shakespeare-1" in screen_text(app))
        assert "params  shakespeare-2" in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_runs_are_listed_as_a_tree(
    engine: FakeEngine, console: Make, family: Path, size: tuple[int, int]
) -> None:
    assert family.exists()
    app = console(engine)
    async with shown(app, size) as pilot:
        found = await opened(pilot, app, 5)
        assert [re.split(" {2,}(?!from)(?!└)", row)[0] for row in rows(found)] == [
            "stranger",
            "shakespeare-1",
            "└ slow  from update 100",
            "  └ slower  from update 1,300",
            "└ short  from update 100",
        ]
        await until(pilot, lambda: "└ slower  from update 1,300" in screen_text(app))
        assert "1,310 best 1.4000" in screen_text(app)
        assert "here" in rows(found)[1]
        assert len({row.index(" best") for row in rows(found)}) == 1


async def test_a_search_names_the_parent_that_it_does_not_show_and_keeps_what_is_marked(
    engine: FakeEngine, console: Make, family: Path
) -> None:
    assert family.exists()
    app = console(engine)
    async with shown(app) as pilot:
        found = await opened(pilot, app, 5)
        await mark(pilot, found, "stranger")
        await pilot.press("slash", *"slower")
        await until(pilot, lambda: found.option_count == 1)
        assert rows(found)[0].startswith("slower  from slow at update 1,300")
        await pilot.press("enter", "space")
        await pilot.click("#lay-over")
        pane = main(app).query_one(LossPane)
        await until(pilot, lambda: [curve.name for curve in pane.overlays] == ["stranger", "slower"])


async def test_quick_keys_mark_the_rows_that_they_were_pressed_on(
    engine: FakeEngine, console: Make, family: Path
) -> None:
    assert family.exists()
    app = console(engine)
    async with shown(app) as pilot:
        found = await opened(pilot, app, 5)
        found.action_select()
        found.action_cursor_down()
        found.action_cursor_down()
        found.action_select()
        assert set(found.selected) == {"stranger", "slow"}
        await pilot.pause()
        assert set(found.selected) == {"stranger", "slow"}


async def test_what_is_laid_over_shows_its_past_and_is_named(engine: FakeEngine, console: Make, family: Path) -> None:
    assert family.exists()
    app = console(engine)
    async with shown(app) as pilot:
        found = await opened(pilot, app, 5)
        await mark(pilot, found, "slower", "short", "shakespeare-1")
        await pilot.click("#lay-over")
        pane = main(app).query_one(LossPane)
        await until(pilot, lambda: [curve.name for curve in pane.overlays] == ["slower", "short"])
        assert [curve.points[0].update for curve in pane.overlays] == [11, 11]
        await until(pilot, lambda: "1◆ shakespeare-1  2◇ slower  3○ short" in screen_text(app))


async def test_as_many_runs_are_laid_over_as_can_be_told_apart(engine: FakeEngine, console: Make, family: Path) -> None:
    with Lab.open(family) as lab:
        for name in ("one", "two"):
            run = new_run(lab, name=name, text="notes.txt", settings=SETTINGS, matrix_names=("embedding",))
            lab.events.record(run, events(1, 9, 2.0))
    app = console(engine)
    async with shown(app) as pilot:
        found = await opened(pilot, app, 7)
        found.select_all()
        for button, says in (("#lay-over", "choose one to 5 other runs"), ("#compare", "choose two to 6 runs")):
            await pilot.click(button)
            await until(pilot, has(app, says))
        await mark(pilot, found, "one")
        await pilot.click("#lay-over")
        pane = main(app).query_one(LossPane)
        await until(pilot, lambda: len(pane.overlays) == 5)
        await pilot.press("1")
        await until(pilot, has(app, "6▽"))
        found = await opened(pilot, app, 7)
        await mark(pilot, found, "shakespeare-1")
        await pilot.click("#lay-over")
        await until(pilot, has(app, "choose one to 5 other runs"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_comparison_lists_what_differs_and_what_was_changed_since(
    engine: FakeEngine, console: Make, family: Path, size: tuple[int, int]
) -> None:
    assert family.exists()
    app = console(engine)
    async with shown(app, size) as pilot:
        found = await opened(pilot, app, 5)
        await mark(pilot, found, "short", "slow", "shakespeare-1")
        await pilot.click("#compare")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        for words in ("─1─ ◆ shakespeare-1", "─2─ ◇ slow", "─3─ ○ short"):
            await until(pilot, has(app, words))
        text = " ".join(screen_text(app).split())
        assert "from update 100 lr 0.004 → 0.001" in text
        assert "from update 100 bptt 64 → 10" in text
        assert "clip" not in text  # which all have
        assert "hidden" not in text
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsDialog))
        await mark(pilot, found, "shakespeare-1", "slow", "stranger")
        await pilot.click("#compare")
        await until(pilot, has(app, "hidden 20"))
        assert "from update 10 clip 1 → 0.5" in " ".join(screen_text(app).split())


def has(app: Console, words: str) -> Callable[[], bool]:
    return lambda: words in screen_text(app)
