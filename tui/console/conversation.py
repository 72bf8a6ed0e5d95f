"""The console's conversation with the engine: requests, replies, and the message about them."""

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
"""Seconds that the console's own message stays; it stays longer while a request is open."""

STOPPED = (Status.FAILED, Status.ENDED)
"""The statuses in which the engine handles no more requests."""

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
"""The name of a command in messages, where it is not the name of its class."""


class Conversation:
    """Sends commands, takes the replies, and keeps one message about them.

    Attributes:
        requests: the commands that the engine has not handled yet.
        redraw: draws the latest snapshot, with the message.

    Args:
        engine: carries the commands out.
        alarm: shows a refusal where the user cannot overlook it.
    """

    def __init__(self, engine: Engine, alarm: Callable[[str], object], redraw: Callable[[], object]) -> None:
        self.requests = Requests(engine)
        self._engine = engine
        self._alarm = alarm
        self.redraw = redraw
        self._message = ""
        self._said = 0.0
        self._status = Status.LOADING
        self._on_trial: Turn | None = None

    def snapshot(self) -> Snapshot:
        """The latest snapshot."""
        return self._engine.snapshot()

    @property
    def message(self) -> str:
        """The message; empty once it is old and every request has been handled."""
        fresh = self.requests.waiting or time.monotonic() < self._said + MESSAGE_SECONDS
        return self._message if fresh else ""

    def say(self, message: str) -> None:
        """Show a message."""
        self._keep(message)
        self.redraw()

    def refuse(self, why: str) -> None:
        """Say why something is not done."""
        self._alarm(why)
        self._keep(why)

    def send(self, command: Command) -> None:
        """Send a command to the engine."""
        if self.snapshot().status in STOPPED:
            self.refuse(f"{_name(command)} refused: the training has stopped; q leaves")
            return
        self.requests.send(command)
        self.say(f"{_name(command)} requested")

    def value(self, knob: str) -> Value:
        """The newest value of a knob: the last one requested, or else the one applied."""
        return self.requests.value(self.snapshot(), knob)

    def turn(self, knob: str, value: Value) -> None:
        """Request another value of a knob."""
        self.requests.turn(knob, value)
        self.redraw()

    def try_out(self, wanted: Turn) -> None:
        """Request another value of a knob, and say how to take it back."""
        old, new = (setting(wanted.knob).kind.write(value) for value in (self.value(wanted.knob), wanted.value))
        self._on_trial = wanted
        self._keep(f"trying {wanted.knob} {old} → {new}; u takes it back")
        self.turn(wanted.knob, wanted.value)

    def refuses_values(self) -> bool:
        """Whether no value can be changed now; if so, say why. A run's values are unknown until it is loaded."""
        status = self.snapshot().status
        if status is Status.LOADING:
            self.refuse("no value can be changed before everything is loaded")
        elif status in STOPPED:
            self.refuse("no value can be changed: the training has stopped; q leaves")
        return status is Status.LOADING or status in STOPPED

    def refuses_knob(self, knob: str) -> bool:
        """Whether a knob cannot be turned here; if so, say why."""
        snapshot = self.snapshot()
        refused = snapshot.watched and knob not in snapshot.knobs
        if refused:
            what = f"{', '.join(snapshot.knobs)} can be changed" if snapshot.knobs else "nothing can be changed yet"
            self.refuse(f"{knob} is the program's own: from here {what}")
        return refused

    def refuses_words(self) -> bool:
        """Whether nothing can be written down any more; if so, say why."""
        stopped = self.snapshot().status in STOPPED
        if stopped:
            self.refuse("nothing can be written down: the training has stopped; q leaves")
        return stopped

    def settle(self, snapshot: Snapshot) -> list[Command]:
        """Take the replies to requests; return the commands that were carried out, oldest first."""
        replies = self.requests.settle(snapshot)
        for command, reply in replies:
            self._hear(command, reply)
        if snapshot.status in STOPPED and self.requests.waiting:
            self.requests.give_up()
            self.refuse("not done: the training has stopped; q leaves")
        if snapshot.status is Status.BROKEN and self._status is not Status.BROKEN:
            self._keep("")  # what broke matters more than what a key did before
        self._status = snapshot.status
        return [command for command, reply in replies if not reply.failed]

    def _hear(self, command: Command, reply: Reply) -> None:
        match command:
            case _ if reply.failed:
                self.refuse(reply.text)
            case Turn() if command == self._on_trial:
                self._on_trial = None
                self._keep(f"{reply.text} — on trial; u takes it back")
            case Turn():
                self._keep(f"{reply.text} — applied")
            case Pause() | Continue() | Step() | WriteSample():
                self._keep("")  # the header shows the state, and the engine says why
            case _:
                self._keep(reply.text)

    def _keep(self, message: str) -> None:
        self._message, self._said = message, time.monotonic()


def _name(command: Command) -> str:
    return NAMES.get(type(command), type(command).__name__.lower())
