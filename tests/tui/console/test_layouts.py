"""Layouts: which panes stand together, in which order, and that the choice stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.conftest import FakeEngine, trained
from tests.tui.console.test_console import main, screen_text, shown, until
from tui.console.app import Console
from tui.console.choices import Choices, read_choices
from tui.console.layout import LARGE, Layout
from tui.console.main_screen import PANES
from tui.console.panes.pane import Pane
from tui.preferences.preferences import load

Make = Callable[[FakeEngine], Console]


def in_order(app: Console) -> tuple[str, ...]:
    """The ids of the panes on the screen, row by row."""
    panes = [each for each in main(app).query(Pane) if each.display]
    return tuple(str(each.id) for each in sorted(panes, key=lambda each: (each.region.y, each.region.x)))


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("large", [False, True])
def test_a_layout_is_of_panes_that_there_are_and_fills_its_rows(layout: Layout, large: bool) -> None:
    panes = layout.panes(large=large)
    assert set(panes) <= PANES.keys()
    assert len(set(panes)) == len(panes) == (6 if large else 4)
    assert set(layout.panes(large=False)) <= set(layout.panes(large=True))


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), LARGE])
async def test_the_panes_stand_in_the_layouts_order(tmp_path: Path, layout: Layout, size: tuple[int, int]) -> None:
    app = Console(FakeEngine(trained()), tmp_path, Choices(layout=layout))
    async with shown(app, size) as pilot:
        await until(pilot, lambda: in_order(app) == layout.panes(large=size == LARGE))


async def test_a_key_shows_the_next_layout_and_the_next_console_begins_with_it(
    engine: FakeEngine, console: Make
) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for layout in (Layout.DIAGNOSIS, Layout.READING, Layout.TRAINING, Layout.DIAGNOSIS):
            await pilot.press("V")
            await until(pilot, lambda wanted=layout: in_order(app) == wanted.panes(large=False))  # type: ignore[misc]
            await until(pilot, lambda wanted=layout: f"layout {wanted}" in screen_text(app))  # type: ignore[misc]
    assert read_choices(load()).layout is Layout.DIAGNOSIS


async def test_a_pane_of_another_layout_is_shown_alone_by_its_key(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("8")
        await until(pilot, lambda: "Together they take" in screen_text(app))
        assert main(app).maximized is main(app).query_one("#instruments")
        await pilot.press("8")
        await until(pilot, lambda: in_order(app) == Layout.TRAINING.panes(large=False))
