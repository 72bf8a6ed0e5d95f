"""The requests that the engine has not handled yet."""

from __future__ import annotations

from typing import Protocol

from engine.session.commands import Command, Turn
from engine.session.snapshot import Reply, Snapshot
from engine.settings import Value, knob_named


class Requests:
    """Keeps the tickets of open requests, and the newest value requested for each knob."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._out: dict[int, Command] = {}
        self._wanted: dict[str, tuple[int, Value]] = {}

    @property
    def waiting(self) -> bool:
        """Whether any request is open."""
        return bool(self._out)

    def give_up(self) -> None:
        """Forget all requests: nobody will handle them any more."""
        self._out.clear()
        self._wanted.clear()

    def send(self, command: Command) -> None:
        """Send a command."""
        self._out[self._engine.send(command)] = command

    def turn(self, knob: str, value: Value) -> None:
        """Request another value of a knob."""
        command = Turn(knob, value)
        ticket = self._engine.send(command)
        self._out[ticket] = command
        self._wanted[knob] = (ticket, value)

    def value(self, snapshot: Snapshot, knob: str) -> Value:
        """The newest value requested for a knob, or else the one applied."""
        if knob in self._wanted:
            return self._wanted[knob][1]
        return snapshot.settings.value(knob)

    def pending(self, knob: str) -> str | None:
        """The value of a knob that is requested and not applied yet, as text; None without one."""
        if knob not in self._wanted:
            return None
        return knob_named(knob).kind.write(self._wanted[knob][1])

    def settle(self, snapshot: Snapshot) -> list[tuple[Command, Reply]]:
        """Forget the requests that were handled; return them with their replies, oldest first."""
        done = [ticket for ticket in self._out if ticket <= snapshot.taken]
        replies = {reply.ticket: reply for reply in snapshot.replies}
        settled = [(self._out.pop(ticket), replies.get(ticket)) for ticket in done]
        self._wanted = {knob: out for knob, out in self._wanted.items() if out[0] > snapshot.taken}
        return [(command, reply) for command, reply in settled if reply is not None]


class Engine(Protocol):
    """A session as the screen sees it. `send` and `snapshot` never wait."""

    @property
    def is_here(self) -> bool:
        """Whether it trains in this process, and stops with it."""

    def send(self, command: Command) -> int:
        """Send a command; return its ticket."""

    def snapshot(self) -> Snapshot:
        """The latest snapshot."""

    def run(self) -> object:
        """Train, in the calling thread, until told to quit."""
