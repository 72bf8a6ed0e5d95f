"""Pictures of the console at a few sizes and in its themes; `pytest --snapshot-update` takes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.session.snapshot import Status
from tests.tui.conftest import FakeEngine, trained
from tui.console.app import Console
from tui.console.main_screen import ConsoleScreen

Compare = Callable[..., bool]


class Still(Console):
    """A console that ends with its picture."""

    def on_unmount(self) -> None:
        self.leave("quit")


def picture(snap_compare: Compare, folder: Path, size: tuple[int, int], *keys: str, **changes: Any) -> bool:
    async def settle(pilot: Pilot[int]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        screen = app.screen_stack[0]
        assert isinstance(screen, ConsoleScreen)
        screen.refresh_all()
        for field in app.screen.query(Input):
            field.cursor_blink = False  # whether it is seen depends on how long everything took
        await pilot.pause()

    app = Still(FakeEngine(trained(**changes)), folder)
    app.animation_level = "none"
    return snap_compare(app, terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_training(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert picture(snap_compare, tmp_path, size)


def test_light(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (120, 40), "y")


def test_too_small(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (60, 20))


def test_not_finite(snap_compare: Compare, tmp_path: Path) -> None:
    message = "update 401 was not made: the loss is nan; since update 390 the gradient norm is 1.3e+04, was 0.52"
    assert picture(snap_compare, tmp_path, (120, 40), status=Status.BROKEN, message=message)


def test_help(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (120, 40), "question_mark")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("key", ["5", "6", "7", "8", "9"])
def test_view(snap_compare: Compare, tmp_path: Path, key: str, size: tuple[int, int]) -> None:
    assert picture(snap_compare, tmp_path, size, key)


@pytest.mark.parametrize("key", ["F", "i", "h", "r"])
def test_dialog(snap_compare: Compare, tmp_path: Path, key: str) -> None:
    assert picture(snap_compare, tmp_path, (80, 24), key)


def test_edit(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (80, 24), "e")
