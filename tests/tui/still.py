"""The console with everything still that moves by itself, so that its picture is the same each time.

Cursors do not blink, nothing is animated, no message fades, and the chart is drawn whenever it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input

from engine.events import RunStatus
from tui.console import conversation
from tui.console.app import Console
from tui.console.main_screen import ConsoleScreen
from tui.console.panes import loss
from tui.console.requests import Engine

SAME = 4
"""So many pictures in succession are alike once everything has been drawn."""


class Still(Console):
    """A console that ends with its picture."""

    def __init__(self, engine: Engine, lab: Path) -> None:
        super().__init__(engine, lab)
        self.animation_level = "none"

    def on_unmount(self) -> None:
        self.leave(RunStatus.QUIT)


@contextmanager
def standstill() -> Iterator[None]:
    """Within it, no console changes by the time that passes."""
    begin = Input.__init__

    @wraps(begin)
    def steady(field: Input, *args: Any, **options: Any) -> None:
        begin(field, *args, **options)
        field.set_reactive(Input.cursor_blink, False)

    with ExitStack() as patched:
        patched.enter_context(patch.object(Input, "__init__", steady))
        patched.enter_context(patch.object(conversation, "MESSAGE_SECONDS", math.inf))
        patched.enter_context(patch.object(loss, "FASTEST_SECONDS", 0.0))
        patched.enter_context(patch.object(loss, "BUILD_SHARE", math.inf))
        yield


async def settle(pilot: Pilot[Any], keys: Sequence[str] = ()) -> None:
    """Press keys, and draw until nothing changes any more.

    A pane learns its size only once it is shown, and lays out what it drew some messages later.
    """
    await pilot.pause()
    await pilot.press(*keys)
    await pilot.pause()
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, ConsoleScreen)
    pictures = [""] * SAME
    while len(set(pictures)) > 1 or not pictures[-1]:
        screen.refresh_all()
        await pilot.pause()
        while _unfinished(pilot):
            await pilot.pause()
        pictures = [*pictures[1:], _drawn(pilot)]


def _unfinished(pilot: Pilot[Any]) -> bool:
    """Whether a widget has asked to be laid out or drawn, and was not yet: that is done once its queue is empty."""
    widgets = pilot.app.screen.walk_children(Widget, with_self=True)
    return any(widget._layout_required or widget._repaint_required for widget in widgets)


def _drawn(pilot: Pilot[Any]) -> str:
    """The text of the terminal, one line per row."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
