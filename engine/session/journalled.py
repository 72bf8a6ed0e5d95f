"""A session that consoles can attach to: its events go into a journal, and what is asked there goes to the session."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from charrnn.journal import FOLDER, VERSION, Reader, Writer, commands, is_alive, is_held, new_folder, records

from engine.clock import Every
from engine.errors import UserError
from engine.events import End, Event, Finding, Listener, Start
from engine.recording.codec import plain
from engine.session import commands as c
from engine.session.commands import Command
from engine.session.session import Session
from engine.session.snapshot import Status
from engine.settings import setting

POLL_SECONDS = 0.1
"""Seconds between two looks for commands."""

ALIVE_SECONDS = 0.5
"""Seconds between two looks whether the console that paused the training still runs: it goes on where that is gone."""

ASKED: Mapping[str, Command] = {
    "pause": c.Pause(),
    "continue": c.Continue(),
    "step": c.Step(),
    "undo": c.Undo(),
    "save": c.Save(),
    "cool-down": c.CoolDown(),
    "evaluate": c.Evaluate(),
}
"""The commands that need no values, by their names in a journal."""

SAMPLE = "sample"
"""The command that begins a sample, by its name in a journal."""


class Journalled:
    """Keeps the journal of a session while it runs. The journal goes with it: the lab has everything that was in it.

    Used as a listener of the session, and as a context around its run. A journal that cannot be written is done
    without: nobody can attach then, and the training goes on.

    Args:
        lab: the folder of the lab.
        listener: called with every event, after it was written.
    """

    def __init__(self, lab: Path, listener: Listener) -> None:
        self._lab, self._listener = lab.absolute(), listener
        self._writer: Writer | None = None
        self._asked: dict[int, str] = {}
        self._paused_by = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.session: Session | None = None

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Start) and self._writer is None:
            self._begin(event)
        if self._writer is not None and not isinstance(event, Finding | End):
            self._writer.write("event", **plain(event))
        self._listener(event)

    def __enter__(self) -> Journalled:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._writer is not None:
            self._writer.write("end")
            self._writer.close()
            shutil.rmtree(self._writer.folder, ignore_errors=True)

    def _begin(self, start: Start) -> None:
        _remove_left(self._lab)
        try:
            self._writer = Writer(new_folder(self._lab, start.run))
        except OSError:
            return  # The lab itself will say so, where it matters.
        self._writer.write("begin", version=VERSION, program=start.text, process=os.getpid(), own=start.run)
        self._thread = threading.Thread(target=self._listen, name="journal", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        """Pass commands on to the session, and its replies back, until it ends."""
        assert self._writer is not None
        asked, paused = commands(self._writer.folder), False
        alive = Every(ALIVE_SECONDS)
        while not self._ended.wait(POLL_SECONDS):
            self._pass_on(asked)
            if (session := self.session) is None:
                continue
            snapshot = session.snapshot()
            for reply in snapshot.replies:
                if (ticket := self._asked.pop(reply.ticket, None)) is not None:
                    self._writer.write("reply", ticket=ticket, text=reply.text, failed=reply.failed)
            if self._paused_by and alive.due():
                alive.reset()
                if not is_alive(self._paused_by):
                    self._paused_by = 0
                    session.send(c.Continue())
            if paused != (snapshot.status is not Status.TRAINING):
                paused = not paused
                self._writer.write("status", status="paused" if paused else "training")

    def _pass_on(self, asked: Reader) -> None:
        assert self._writer is not None
        try:
            new = list(asked.new())
        except OSError:
            return  # The folder was removed: nobody can ask for anything.
        for each in new:
            ticket = str(each.get("ticket", ""))
            try:
                command, process = _command(each), int(each.get("process", 0))
            except (UserError, KeyError, TypeError, ValueError, ArithmeticError) as error:
                self._writer.write("reply", ticket=ticket, text=str(error), failed=True)
                continue
            if self.session is not None:
                if isinstance(command, c.Pause | c.Continue | c.Step):
                    self._paused_by = 0 if isinstance(command, c.Continue) else process
                self._asked[self.session.send(command)] = ticket


def _command(asked: Mapping[str, Any]) -> Command:
    """The command that a line of a journal stands for; raises UserError where it stands for none."""
    name = str(asked["command"])
    if name == "turn":
        knob = str(asked["knob"])
        return c.Turn(knob, setting(knob).read(str(asked["value"])))
    if name == SAMPLE:
        return c.WriteSample(str(asked["prime"]))
    if name not in ASKED:
        raise UserError(f"{name} cannot be asked for from another process")
    return ASKED[name]


def _remove_left(lab: Path) -> None:
    """Remove the journals of sessions of ours that were killed: the lab has what was in them."""
    for folder in (lab / FOLDER).glob("*"):
        try:
            first = next(iter(records(folder).new()), {})
        except OSError:
            continue
        if "own" in first and not is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)
