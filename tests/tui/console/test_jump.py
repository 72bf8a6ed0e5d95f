"""The overlay of keys on panes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.conftest import FakeEngine
from tests.tui.console.test_console import main, screen_text, shown, until
from tui.console.app import Console
from tui.console.panes.pane import Pane
from tui.console.screens.jump import JumpOverlay

Make = Callable[[FakeEngine], Console]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_each_pane_carries_the_key_that_goes_there(
    engine: FakeEngine, console: Make, size: tuple[int, int]
) -> None:
    app = console(engine)
    async with shown(app, size) as pilot:
        await pilot.press("semicolon")
        await until(pilot, lambda: isinstance(app.screen, JumpOverlay))
        await until(pilot, lambda: " 1 " in screen_text(app))
        labels = {str(each.render()).strip(): each.region.offset for each in app.screen.query(".jump")}
        panes = [pane for pane in main(app).query(Pane) if pane.display]
        assert len(labels) == len(panes)
        assert {(offset.x - 2, offset.y) for offset in labels.values()} == {(*pane.region.offset,) for pane in panes}
        await pilot.press("4")
        await until(pilot, lambda: app.focused is main(app).query_one("#sample"))
        assert main(app).maximized is None


async def test_another_key_does_nothing_and_escape_leaves(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        before = app.focused
        await pilot.press("semicolon", "l", "9")
        assert isinstance(app.screen, JumpOverlay)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is main(app))
        assert app.focused is before
        assert engine.commands == []
