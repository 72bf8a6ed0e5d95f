"""The cursor of the loss chart: moved by keys and mouse, with the values under it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.events import Change
from tests.tui.conftest import FakeEngine, point, trained
from tests.tui.console.test_console import main, screen_text, shown, until
from tui.console.app import Console
from tui.console.panes.loss import LossPane
from tui.console.panes.loss_cursor import under_cursor

Make = Callable[[FakeEngine], Console]
STEP = 1024.0


def test_the_values_of_the_nearest_point_are_told() -> None:
    words = under_cursor(trained(), point(100).chars + 300, STEP, 200)
    assert words.startswith(f"102k chars: loss {point(100).loss:.4f}")
    assert "update 100" in words
    assert f"norm {point(100).grad_norm:.3g}" in words


def test_what_was_changed_there_is_told_by_its_number() -> None:
    snapshot = trained()
    change = next(entry for entry in snapshot.log if isinstance(entry, Change) and not entry.undone)
    words = under_cursor(snapshot, change.chars, STEP, 200)
    assert f"┊{change.number} {change.knob} {change.old} → {change.new}" in words
    assert "┊" not in under_cursor(snapshot, change.chars + 2 * STEP, STEP, 200)


@pytest.mark.parametrize("room", [0, 20, 30, 50, 70])
def test_what_is_least_needed_is_left_out(room: int) -> None:
    words = under_cursor(trained(), point(100).chars, STEP, room)
    assert words.startswith("102k chars: loss")
    assert len(words) <= max(room, len("102k chars: loss 1.9845"))


async def test_keys_move_the_cursor_and_past_the_end_it_is_gone(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        pane = main(app).query_one(LossPane)
        await until(pilot, lambda: "─ train" in screen_text(app))
        await pilot.press("left")
        await until(pilot, lambda: "chars: loss" in screen_text(app))
        first = pane.view.cursor
        await pilot.press("shift+left")
        assert first is not None
        assert pane.view.cursor is not None
        assert pane.view.cursor < first
        await pilot.press("shift+right", "right", "right")
        await until(pilot, lambda: pane.view.cursor is None and "─ train" in screen_text(app))


async def test_the_cursor_stops_at_the_beginning(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        pane = main(app).query_one(LossPane)
        await until(pilot, lambda: "─ train" in screen_text(app))
        await pilot.press(*["shift+left"] * 30)
        assert pane.view.cursor == pane.chart.left


async def test_the_arrows_move_the_cursor_in_whichever_pane_has_the_focus(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await until(pilot, lambda: "─ train" in screen_text(app))
        await pilot.press("tab", "tab", "left")
        assert main(app).query_one(LossPane).view.cursor is not None


async def test_the_mouse_puts_the_cursor_where_it_is(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        pane = main(app).query_one(LossPane)
        await until(pilot, lambda: "─ train" in screen_text(app))
        await pilot.click(LossPane, offset=(40, 8))
        assert pane.view.cursor == pytest.approx(pane.chart.chars_at(40 - (pane.content_region.x - pane.region.x)))
