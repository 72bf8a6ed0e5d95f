"""When an app under test has dealt with all it was given.

Textual's pilot takes an app for idle once its process has used little processor time for 20 ms, which a busy machine
grants to an app that has much to do. Here an app is settled when nothing is left to be done, however long that takes.
"""

from __future__ import annotations

import asyncio
import time

from textual._context import active_app
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from tests.waiting import PATIENCE

QUIET_ROUNDS = 2
"""After the first one, a message that was being dealt with meanwhile may still have sent others."""


async def settled(*_: float) -> None:
    """Wait until no message, callback, worker or redraw is left in the active app; stands for `wait_for_idle`."""
    app = active_app.get()
    end = time.monotonic() + PATIENCE
    quiet = 0
    while quiet < QUIET_ROUNDS and await _had_their_turn(app):
        assert time.monotonic() < end, "the app never had nothing to do"
        app.screen._on_timer_update()  # at once, instead of within a sixtieth of a second
        if _is_busy(app):
            quiet = 0
            await asyncio.sleep(0.001)  # for workers, which are threads
        else:
            quiet += 1


async def screen_settled(pilot: Pilot[object], _timeout: float = 0.0) -> bool:
    """Wait until the app and its screen have dealt with their messages; stands for a method of the pilot."""
    return await _had_their_turn(pilot.app)


async def _had_their_turn(app: App[object]) -> bool:
    """Wait until each pump has dealt with the messages that it has; returns whether the app still runs."""
    waiting: set[MessagePump] = set()

    def has_had_its_turn(pump: MessagePump) -> None:
        waiting.remove(pump)

    for pump in _pumps(app):
        if pump.call_later(has_had_its_turn, pump):
            waiting.add(pump)
    end = time.monotonic() + PATIENCE
    while any(pump.is_running for pump in waiting) and app._exception is None:
        assert time.monotonic() < end, f"these never dealt with a message: {waiting}"
        await asyncio.sleep(0)
    return bool(_pumps(app))


def _pumps(app: App[object]) -> list[MessagePump]:
    """The app and all that is on its screen; nothing once it has ended."""
    try:
        return [app, *app.screen.walk_children(with_self=True)] if app.is_running else []
    except ScreenStackError:
        return []


def _is_busy(app: App[object]) -> bool:
    screen = app.screen
    redraw = (
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )
    messages = any(pump.message_queue_size or pump._next_callbacks for pump in _pumps(app))
    return bool(redraw) or messages or any(not worker.is_finished for worker in app.workers)
