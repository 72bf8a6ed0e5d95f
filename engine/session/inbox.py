"""The commands that wait for a session, and the replies to the last ones."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable

from engine.errors import UserError
from engine.session.commands import Command
from engine.session.snapshot import Reply

IDLE_SECONDS = 0.02
"""The seconds to wait for a command before the loop checks what else is due."""

MOST_REPLIES = 16


class Inbox:
    """Takes commands from other threads, between two updates.

    Args:
        waiting: a queue of tickets and commands, which any thread fills.
        obey: carries out a command; returns a line about it, and raises UserError where it cannot be done.

    Attributes:
        taken: the highest ticket that was dealt with.
        replies: the replies to the last commands, oldest first.
    """

    def __init__(self, waiting: queue.SimpleQueue[tuple[int, Command]], obey: Callable[[Command], str]) -> None:
        self._waiting, self._obey = waiting, obey
        self.taken = 0
        self.replies: deque[Reply] = deque(maxlen=MOST_REPLIES)

    @property
    def empty(self) -> bool:
        """Whether no command waits."""
        return self._waiting.empty()

    def take(self, *, wait: bool) -> bool:
        """Deal with every waiting command; return whether there were any.

        Args:
            wait: whether to wait up to `IDLE_SECONDS` for the first one, because there is nothing else to do.
        """
        timeout: float | None = IDLE_SECONDS if wait else None
        there_were = False
        while True:
            try:
                ticket, command = self._waiting.get(block=timeout is not None, timeout=timeout)
            except queue.Empty:
                return there_were
            timeout, there_were = None, True
            self._deal_with(ticket, command)

    def _deal_with(self, ticket: int, command: Command) -> None:
        try:
            reply, failed = self._obey(command), False
        except UserError as error:
            reply, failed = str(error), True
        self.taken = max(ticket, self.taken)
        self.replies.append(Reply(ticket, reply, failed))
