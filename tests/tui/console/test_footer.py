"""The footer: six keys for a newcomer at least, more as the width allows, and never a part of one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.cells import cell_len
from textual.widgets._footer import FooterKey

from tests.tui.conftest import FakeEngine
from tests.tui.console.test_console import main, shown, until
from tui.console.app import Console
from tui.console.footer import PADDING, RankedFooter, fitting
from tui.console.keys import KEYS

Make = Callable[[FakeEngine], Console]
RANKED = [key for key in KEYS if key.rank]
FIRST_SIX = {"pause", "help", "quit", "undo", "try", "edit"}


def test_ranks_are_given_once() -> None:
    assert sorted(key.rank for key in RANKED) == list(range(1, len(RANKED) + 1))


@pytest.mark.parametrize("room", range(0, 400, 7))
def test_the_first_ranks_fit(room: int) -> None:
    chosen = fitting(RANKED, room)
    assert sum(cell_len(key.shown) + cell_len(key.label) + PADDING for key in chosen) <= room
    assert {key.rank for key in chosen} == set(range(1, len(chosen) + 1))
    assert [key for key in RANKED if key in chosen] == chosen


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_as_many_keys_as_fit_are_shown_whole(engine: FakeEngine, console: Make, width: int) -> None:
    app = console(engine)
    async with shown(app, (width, 40)) as pilot:
        footer = main(app).query_one(RankedFooter)
        await until(pilot, lambda: len(footer.query(FooterKey)) >= len(FIRST_SIX))
        keys = list(footer.query(FooterKey))
        assert all(key.region.right <= width for key in keys)
        labels = {key.label for key in KEYS if key.id in FIRST_SIX}
        assert labels <= {key.description for key in keys}
        narrower = len(keys)
        await pilot.resize_terminal(width + 60, 40)
        await until(pilot, lambda: len(footer.query(FooterKey)) > narrower or narrower == len(RANKED))
        await pilot.resize_terminal(width, 40)
        await until(pilot, lambda: len(footer.query(FooterKey)) == narrower)
