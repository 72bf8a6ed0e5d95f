"""What was asked of the engine and not dealt with yet."""

from __future__ import annotations

from typing import Protocol

from engine.session.commands import Command, Turn
from engine.session.snapshot import Reply, Snapshot
from engine.settings import Value, setting


class Requests:
    """Keeps the tickets that are out, and for each knob the newest value that was asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._out: dict[int, Command] = {}
        self._wanted: dict[str, tuple[int, Value]] = {}

    @property
    def waiting(self) -> bool:
        """Whether anything was asked for and is not dealt with."""
        return bool(self._out)

    def give_up(self) -> None:
        """Forget everything that was asked for: nobody deals with it any more."""
        self._out.clear()
        self._wanted.clear()

    def send(self, command: Command) -> None:
        """Ask for something."""
        self._out[self._engine.send(command)] = command

    def turn(self, knob: str, value: Value) -> None:
        """Ask for another value of a knob."""
        command = Turn(knob, value)
        ticket = self._engine.send(command)
        self._out[ticket] = command
        self._wanted[knob] = (ticket, value)

    def value(self, snapshot: Snapshot, knob: str) -> Value:
        """The newest value that was asked for, or else the one that is applied."""
        if knob in self._wanted:
            return self._wanted[knob][1]
        return snapshot.settings.value(knob)

    def pending(self, knob: str) -> str | None:
        """The value that is asked for and not applied yet, as text."""
        if knob not in self._wanted:
            return None
        return setting(knob).kind.write(self._wanted[knob][1])

    def settle(self, snapshot: Snapshot) -> list[tuple[Command, Reply]]:
        """Forget what was dealt with; returns what became of it, oldest first."""
        done = [ticket for ticket in self._out if ticket <= snapshot.taken]
        replies = {reply.ticket: reply for reply in snapshot.replies}
        settled = [(self._out.pop(ticket), replies.get(ticket)) for ticket in done]
        self._wanted = {knob: out for knob, out in self._wanted.items() if out[0] > snapshot.taken}
        return [(command, reply) for command, reply in settled if reply is not None]


class Engine(Protocol):
    """A session, seen from the screen. `send` and `snapshot` never wait."""

    def send(self, command: Command) -> int:
        """Ask for something; returns a ticket."""

    def snapshot(self) -> Snapshot:
        """The latest of what there is to know."""

    def run(self) -> object:
        """Train, in the calling thread, until told to quit."""
