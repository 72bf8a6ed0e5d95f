"""Windows in which nothing can be read: whatever is open lives through them, and is there again in a large one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.tui.conftest import FakeEngine
from tests.tui.console.test_console import SIZE, Make, fill, main, screen_text, shown, until
from tui.console.app import Console

TINY = ((10, 3), (1, 1), (2, 1), (1, 2), (4, 2), (5, 3), (7, 2), (8, 4), (9, 3), (12, 4))

FEW = ((10, 3), (1, 1), (9, 3))
"""Of these, what a screen over the panes goes through: how lines are broken is the same there."""

SCREENS = {
    "": "KING HENRY",
    "1": "Loss",
    "2": "Gradient",
    "3": "Hypotheses",
    "4": "Sample",
    "5": "Gradient by lag",
    "6": "Weight matrices",
    "7": "What is read",
    "8": "Instruments",
    "9": "lr 0.0013",
    "r": "What varies",
    "F": "The numbers that show it",
    "i": "Glossary",
    "question_mark": "Keys",
    "e": "Edit a hyperparameter",
    "h": "hypothesis",
    "H": "clip 1 helps",
    "p": "alpha",
    "ctrl+p": "Pause (spc)",
}
"""The dialog that a key opens, by some words in it."""


def has_size(app: Console, size: tuple[int, int]) -> bool:
    return app.screen.size == size


@pytest.mark.parametrize("key", SCREENS)
async def test_every_screen_lives_through_tiny_windows(
    engine: FakeEngine, console: Make, tmp_path: Path, key: str
) -> None:
    fill(tmp_path / "lab", "alpha")
    app = console(engine)
    async with shown(app, TINY[0]) as pilot:
        await pilot.press(*[key] if key else [])
        for size in (*(TINY if key in ("", "F", "question_mark") else FEW), SIZE, TINY[0], SIZE):
            await pilot.resize_terminal(*size)
            await until(pilot, partial(has_size, app, size))
        await until(pilot, lambda: not main(app).has_class("small"))
        await until(pilot, lambda: SCREENS[key] in screen_text(app))
