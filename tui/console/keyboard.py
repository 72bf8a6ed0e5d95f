"""Keys one at a time: the next one waits until the one before has done all it does, such as opening a dialog."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

LONGEST_WAIT = 0.5
"""Seconds after which a key is taken to have done what it does: a widget that it has removed never tells."""

Result = TypeVar("Result")


class OneKeyAtATime(App[Result]):
    """An application that loses no key of those that are typed in one burst.

    Textual hands a key to the focused widget and takes the next one at once. A key that opens a dialog does so later,
    on its way up through the widgets: the keys after it would go to what had the focus before. Here a key is followed
    on its way up, and the others wait until the screen that it has opened has a focus.
    """

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._number = 0
        self._under_way = 0

    async def on_event(self, event: events.Event) -> None:
        """Take an event; a key waits for the one before."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._under_way:
            self._waiting.append(event)
        else:
            await self._take(event)

    async def _take(self, event: events.Key | events.Paste) -> None:
        self._number += 1
        number = self._under_way = self._number
        target = self.focused or self.screen
        self.set_timer(LONGEST_WAIT, lambda: self._done(number))
        await super().on_event(event)
        self._follow(target, number)

    def _follow(self, node: MessagePump | None, number: int) -> None:
        """Go up one step behind a key, and behind the application wait until the screen is there."""
        if node is None or node is self:
            self.call_later(lambda: self.screen.call_after_refresh(self._done, number))
        else:
            node.call_later(self._follow, node._parent, number)

    async def _done(self, number: int) -> None:
        """A key has done what it does: take the next one."""
        if number != self._under_way:
            return
        self._under_way = 0
        if self._waiting:
            await self._take(self._waiting.popleft())
