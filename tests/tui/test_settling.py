"""A pilot goes on once an app has dealt with what it was given, however long the app waits in between."""

from __future__ import annotations

import asyncio
import time

from textual.app import App
from textual.events import Key

MOMENT = 0.1
"""Seconds in which the app uses no processor time, as if the machine had given it to others."""


class Slow(App[None]):
    """Takes a moment for a key itself, another one in a thread, and says after the next redraw that it is done."""

    done = False

    async def on_key(self, _event: Key) -> None:
        await asyncio.sleep(MOMENT)
        self.run_worker(self._work, thread=True)

    def _work(self) -> None:
        time.sleep(MOMENT)
        self.call_from_thread(self.call_after_refresh, self._say)

    def _say(self) -> None:
        self.done = True


async def test_a_key_is_dealt_with_before_the_test_goes_on() -> None:
    app = Slow()
    async with app.run_test() as pilot:
        await pilot.press("a")
        assert app.done


async def test_an_app_that_ends_is_not_waited_for() -> None:
    app = Slow()
    async with app.run_test() as pilot:
        app.exit()
        await pilot.press("a")
    assert not app.is_running
