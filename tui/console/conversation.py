"""The console's conversation with the engine: what was asked for, what became of it, and the message that says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from engine.session.commands import (
    Command,
    Conclude,
    Continue,
    CoolDown,
    Dissect,
    Evaluate,
    Hypothesise,
    Measure,
    Pause,
    StartRace,
    Step,
    StopDissecting,
    StopRace,
    Turn,
    WriteSample,
)
from engine.session.snapshot import Reply, Snapshot, Status
from engine.settings import Value, setting
from tui.console.requests import Engine, Requests

MESSAGE_SECONDS = 6.0
"""How long the console's own message stands; it stands longer while the engine has not dealt with a request."""

STOPPED = (Status.FAILED, Status.ENDED)
"""The engine deals with nothing any more."""

NAMES: Mapping[type[Command], str] = {
    WriteSample: "sample",
    CoolDown: "cool-down",
    Step: "single update",
    Evaluate: "validation",
    Measure: "measurement",
    Dissect: "autopsy",
    StopDissecting: "end of the autopsy",
    Hypothesise: "hypothesis",
    Conclude: "conclusion",
    StartRace: "race",
    StopRace: "stop",
}
"""How a message calls a command, where that is not the name of its class."""


class Conversation:
    """Sends commands, hears what became of them, and keeps one message about it.

    Attributes:
        requests: the commands that the engine has not dealt with yet.
        redraw: draws the latest snapshot, with the message.

    Args:
        engine: carries the commands out.
        alarm: shows a refusal where nobody overlooks it.
    """

    def __init__(self, engine: Engine, alarm: Callable[[str], object], redraw: Callable[[], object]) -> None:
        self.requests = Requests(engine)
        self._engine = engine
        self._alarm = alarm
        self.redraw = redraw
        self._message = ""
        self._said = 0.0
        self._status = Status.LOADING
        self._on_trial: tuple[str, str] | None = None

    def snapshot(self) -> Snapshot:
        """The latest snapshot."""
        return self._engine.snapshot()

    @property
    def message(self) -> str:
        """The message, until it is old and everything that was asked for is dealt with."""
        fresh = self.requests.waiting or time.monotonic() < self._said + MESSAGE_SECONDS
        return self._message if fresh else ""

    def say(self, message: str) -> None:
        """Show a message."""
        self._keep(message)
        self.redraw()

    def refuse(self, why: str) -> None:
        """Say that something is not done."""
        self._alarm(why)
        self._keep(why)

    def send(self, command: Command) -> None:
        """Ask the engine for something."""
        if self.snapshot().status in STOPPED:
            self.refuse(f"{_name(command)} refused: the engine has stopped; q leaves")
            return
        self.requests.send(command)
        self.say(f"{_name(command)} requested")

    def value(self, knob: str) -> Value:
        """The newest value of a knob: the one that was asked for last, or else the one that is applied."""
        return self.requests.value(self.snapshot(), knob)

    def turn(self, knob: str, value: Value) -> None:
        """Ask for another value of a knob."""
        self.requests.turn(knob, value)
        self.redraw()

    def try_out(self, knob: str, value: Value) -> None:
        """Ask for another value of a knob, and say how to take it back."""
        write = setting(knob).kind.write
        old, new = write(self.value(knob)), write(value)
        self._on_trial = (knob, new)
        self._keep(f"trying {knob} {old} → {new}; u takes it back")
        self.turn(knob, value)

    def refuses_values(self) -> bool:
        """Whether no value can be changed now, which is then said: a run's values are unknown until it is loaded."""
        status = self.snapshot().status
        if status is Status.LOADING:
            self.refuse("no value can be changed before everything is loaded")
        elif status in STOPPED:
            self.refuse("no value can be changed: the engine has stopped; q leaves")
        return status is Status.LOADING or status in STOPPED

    def refuses_words(self) -> bool:
        """Whether nothing can be written down any more, which is then said."""
        stopped = self.snapshot().status in STOPPED
        if stopped:
            self.refuse("nothing can be written down: the engine has stopped; q leaves")
        return stopped

    def settle(self, snapshot: Snapshot) -> list[Command]:
        """Hear what became of the requests; returns the commands that were carried out, oldest first."""
        replies = self.requests.settle(snapshot)
        for command, reply in replies:
            self._hear(command, reply)
        if snapshot.status in STOPPED and self.requests.waiting:
            self.requests.give_up()
            self.refuse("not done: the engine has stopped; q leaves")
        if snapshot.status is Status.BROKEN and self._status is not Status.BROKEN:
            self._keep("")  # what broke matters more than what a key did before
        self._status = snapshot.status
        return [command for command, reply in replies if not reply.failed]

    def _hear(self, command: Command, reply: Reply) -> None:
        match command:
            case _ if reply.failed:
                self.refuse(reply.text)
            case Turn(knob, value) if (knob, value) == self._on_trial:
                self._on_trial = None
                self._keep(f"{reply.text} — on trial; u takes it back")
            case Turn():
                self._keep(f"{reply.text} — applied")
            case Pause() | Continue() | Step():
                self._keep("")  # the header shows the state, and the engine says why
            case _:
                self._keep(reply.text)

    def _keep(self, message: str) -> None:
        self._message, self._said = message, time.monotonic()


def _name(command: Command) -> str:
    return NAMES.get(type(command), type(command).__name__.lower())
