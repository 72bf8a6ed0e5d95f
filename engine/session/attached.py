"""A training in another process, as its journal shows it: snapshots out, commands into the journal."""

from __future__ import annotations

import itertools
import os
import queue
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from charrnn.journal import OUTPUT, send

from engine.clock import Every
from engine.diagnosis.diagnosis import Diagnosis
from engine.diagnosis.watched import WatchedDiagnosis
from engine.errors import UserError
from engine.events import (
    Change,
    End,
    Event,
    Hypothesis,
    Listener,
    Note,
    NoteKind,
    Point,
    Probe,
    RunStatus,
    Sample,
    Saved,
    Stored,
    Validation,
)
from engine.events import Start as Begin
from engine.lab import Lab
from engine.recording.copying import Copy
from engine.recording.history import History
from engine.recording.journal import WatchedRun, watched_settings
from engine.recording.outlook import Forecaster
from engine.recording.output import Tail
from engine.session import commands as c
from engine.session.beside import AFTER_SECONDS, Beside
from engine.session.commands import Command
from engine.session.inbox import MOST_REPLIES
from engine.session.journalled import ASKED, SAMPLE
from engine.session.remote_samples import RemoteSamples
from engine.session.snapshot import Reply, Snapshot, Status
from engine.settings import PROGRAMS_OWN, Settings, knob_named, knobs

LOOK_SECONDS = 0.1
"""Seconds between two looks into the journal."""

ALIVE_SECONDS = 0.5
"""Seconds between two looks whether the program still runs."""

COPY_SECONDS = 2.0
"""Seconds between two writes into the lab."""

SILENT_SECONDS = 5.0
"""Seconds without an update after which that is said."""

KNOBS = ("bptt", "clip", "lr", "weight_decay", *PROGRAMS_OWN)
"""The knobs of a program's own loop that can be turned from outside."""

PLAIN = ("pause", "continue", "step", "undo", "save")
"""The commands without values that a program's own loop obeys, by their names in the journal."""

REFUSED: dict[type[Command], str] = {
    c.CoolDown: "the schedule is the program's own: lower the rate instead",
    c.Fork: "a program cannot be forked from outside",
    c.Evaluate: "the validation loss is measured where the program does it",
    c.WriteSample: "what the program prints stands there",
    c.Measure: "this instrument looks into trainings of our own only",
    c.StartRace: "a race trains networks of our own: `charrnn-tui race` with the same settings",
    c.StopRace: "no race runs",
    c.Dissect: "an autopsy replays trainings of our own only",
    c.StopDissecting: "no autopsy is running",
}
"""Why other commands cannot be carried out."""


ELSEWHERE = "that can be done in the console that trains, and not in one that is attached: `resume` opens it"
"""Why other commands cannot be carried out on a training of ours in another process."""


class AttachedSession:
    """Shows the training of another process, and passes commands on to it. The training goes on when this ends.

    Args:
        lab: the folder of the lab.
        find: returns the folder of the journal, or None as long as there is none.
        waiting: what is said meanwhile.
        listener: called with every event.

    Attributes:
        is_here: whether the training is of this process.
    """

    is_here = False

    def __init__(
        self, lab: Path, find: Callable[[], Path | None], waiting: str, listener: Listener | None = None
    ) -> None:
        self._lab, self._find, self._listener = lab, find, listener
        self._commands: queue.SimpleQueue[tuple[int, Command]] = queue.SimpleQueue()
        self._tickets = itertools.count(1)
        self._snapshot = Snapshot(message=waiting)

    def send(self, command: Command) -> int:
        """Send a command; return its ticket, which `Snapshot.taken` reaches once the command was dealt with."""
        ticket = next(self._tickets)
        self._commands.put((ticket, command))
        return ticket

    def snapshot(self) -> Snapshot:
        """The latest snapshot."""
        return self._snapshot

    def run(self) -> End | None:
        """Show the training until told to quit; returns how far it was then, None where it had not begun.

        Raises UserError where the journal cannot be read.
        """
        try:
            if (folder := self._wait()) is None:
                return None
            with ExitStack() as resources:
                attached = Attached(
                    self._lab, folder, self._listener, self._commands, self._publish, resources, self._snapshot
                )
                return attached.run()
        except BaseException as error:
            text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            self._snapshot = replace(self._snapshot, status=Status.FAILED, message=text)
            raise

    def _wait(self) -> Path | None:
        """Wait for the journal; None where the user leaves before there is one."""
        while (folder := self._find()) is None:
            try:
                ticket, command = self._commands.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(command, c.Quit):
                return None
            reply = Reply(ticket, "nothing is attached yet", failed=True)
            self._snapshot = replace(self._snapshot, taken=ticket, replies=(*self._snapshot.replies, reply))
        return folder

    def _publish(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot


class Attached:
    """One journal, as it is read until the user leaves. Everything here happens in one thread."""

    def __init__(
        self,
        lab: Path,
        folder: Path,
        listener: Listener | None,
        waiting: queue.SimpleQueue[tuple[int, Command]],
        publish_to: Callable[[Snapshot], None],
        resources: ExitStack,
        before: Snapshot,
    ) -> None:
        self._folder, self._listener, self._waiting, self._publish_to = folder, listener, waiting, publish_to
        self._watched = WatchedRun(folder)
        self._copy = Copy(self._watched)
        self._history = History([], [], [])
        self._forecaster = Forecaster()
        self._diagnosis: Diagnosis | WatchedDiagnosis = WatchedDiagnosis()
        self._settings = Settings()
        self._output = Tail(folder / OUTPUT)
        self._samples = RemoteSamples()
        self._token = secrets.token_hex(8)  # Of this console alone: numbers of processes come again.
        self._asked: dict[str, int] = {}
        self._replies: deque[Reply] = deque(before.replies, maxlen=MOST_REPLIES)
        self._taken = self._highest = before.taken
        self._left = False
        self._alive = True
        self._alive_due, self._copy_due = Every(ALIVE_SECONDS), Every(COPY_SECONDS)
        self._heard = time.monotonic()
        self._trouble = ""
        self._hypotheses: tuple[Hypothesis, ...] = ()
        self._beside = resources.enter_context(Beside())
        self._open = _opened(lab, resources)
        if isinstance(self._open, str):
            self._trouble = self._open

    def run(self) -> End:
        """Show it until told to quit."""
        self._copy_now()
        while not self._left:
            self._read()
            if self._alive_due.due() and self._alive:
                self._alive_due.reset()
                if not (alive := not self._watched.has_ended()):
                    self._read()  # What it wrote last.
                self._alive = alive
                if not alive:
                    self._give_up()
                    self._copy_now()
            if self._copy_due.due():
                self._copy_due.reset()
                self._copy_now()
            self._compare()
            self._have_sample_written()
            self._publish()
            self._take_commands()
        self._copy_now()
        return self._watched.end(RunStatus.QUIT)

    # --- what the program writes -------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            for event in self._watched.new():
                self._take(event)
        except OSError as error:
            # A training of ours takes its journal with it when it ends; the lab has everything that was in it.
            if self._watched.own is not None and isinstance(error, FileNotFoundError):
                return
            raise UserError(f"the journal {self._folder} cannot be read: {error.strerror}") from error
        for ticket in [each for each in self._asked if each in self._watched.replies]:
            text, failed = self._watched.replies.pop(ticket)
            self._reply(self._asked.pop(ticket), text, failed=failed)
        self._output.read()

    def _compare(self) -> None:
        """Measure how much faster our own training of the same network is, where we have one."""
        ours, last = self._watched.ours, self._watched.last
        if ours is not None and self._alive and not self._beside.begun and last.seconds > AFTER_SECONDS:
            self._beside.begin(*ours)
        if (ratio := self._beside.ratio()) is not None:
            says = f"Measured here, on one thread: `charrnn-tui train` is {ratio:.1f} times as fast as the usual loop."
            self._history.log.append(Note(last.update, last.chars, NoteKind.OTHER, says))

    def _have_sample_written(self) -> None:
        """Ask a training of ours for a sample now and then, which nobody needs to answer."""
        if self._watched.own is None or self._status() is not Status.TRAINING or not self._samples.is_due():
            return
        try:
            send(self._folder, SAMPLE, ticket=f"{self._token}-sample", process=os.getpid(), prime="")
        except OSError as error:
            self._trouble = f"the journal {self._folder} cannot be written: {error.strerror}"

    def _take(self, event: Event) -> None:
        if self._watched.own is None:
            self._copy.take(event)  # A training of ours writes its events into the lab itself.
        elif isinstance(event, Begin):
            self._begin_own(event)
        history = self._history
        match event:
            case Point():
                history.add(event)
                self._heard = time.monotonic()
            case Validation():
                history.validations.append(event)
            case Probe():
                history.add_probe(event)
            case Change() | Saved() | Note():
                if self._watched.own is not None:
                    self._settings = self._own_settings()
                if isinstance(event, Note) and event.kind is NoteKind.UNDO:
                    history.go_back(event.update, self._watched.changes_at(event.update))
                history.log.append(event)
            case Sample():
                self._samples.take(event)
            case _:
                pass
        if self._listener is not None:
            self._listener(event)
        if not isinstance(event, Begin | End):
            for finding in self._diagnosis.take(event):  # type: ignore[arg-type]
                if self._listener is not None:
                    self._listener(finding)

    def _begin_own(self, start: Begin) -> None:
        """A training of ours has begun, or goes on as a fork: the lab has what came before."""
        past: list[Stored] = []
        if not isinstance(self._open, str):
            run = self._open.runs.get(start.run)
            past = [each for each in self._open.events.all(run) if each.update <= start.update]
            self._settings = Settings.from_plain(run.settings)
        self._diagnosis = Diagnosis(self._settings)
        self._history = History([], [], [])
        for event in past:
            self._take(event)
        self._settings = Settings.from_plain(start.settings)

    def _own_settings(self) -> Settings:
        """The settings of a training of ours: those that it has told at its start, and what was changed since."""
        start = self._watched.start
        settings = Settings() if start is None else Settings.from_plain(start.settings)
        known = {knob.name for knob in knobs()}
        for change in self._watched.changes:
            if change.knob in known:
                settings = settings.with_text(change.knob, change.new)
        return settings

    def _copy_now(self) -> None:
        if isinstance(self._open, str):
            return
        try:
            self._copy.write(self._open, ended=not self._alive)
            self._hypotheses = tuple(self._open.hypotheses.all())
            self._trouble = ""
        except UserError as error:
            self._trouble = str(error)

    # --- what the user asks for --------------------------------------------------------------------------------------

    def _take_commands(self) -> None:
        """Wait for a command a little, and deal with all that wait."""
        timeout: float | None = LOOK_SECONDS
        while not self._left:
            try:
                ticket, command = self._waiting.get(block=timeout is not None, timeout=timeout)
            except queue.Empty:
                return
            timeout = None
            try:
                if (reply := self._obey(ticket, command)) is not None:
                    self._reply(ticket, reply)
            except UserError as error:
                self._reply(ticket, str(error), failed=True)

    def _obey(self, ticket: int, command: Command) -> str | None:
        """Carry out a command; returns the reply, None where the program will give it."""
        match command:
            case c.Quit():
                self._left = True
                return "the program goes on"
            case c.Hypothesise(idea):
                number = self._lab().hypotheses.add(idea, self._name(), self._watched.last.update).number
                return self._noted(f"H{number} written down")
            case c.Conclude(number, status, conclusion):
                return self._noted(f"H{number} is {self._lab().hypotheses.conclude(number, status, conclusion).status}")
            case c.Turn(knob, value):
                if self._watched.own is None and knob not in KNOBS:
                    raise UserError(f"{knob} is the program's own, and cannot be changed from here")
                self._pass_on(ticket, "turn", knob=knob, value=knob_named(knob).kind.write(value))
            case c.WriteSample(prime) if self._watched.own is not None:
                self._pass_on(ticket, SAMPLE, prime=prime)
                self._samples.ask(prime)
            case _:
                name = next((name for name, each in ASKED.items() if each == command), "")
                if self._watched.own is None and name not in PLAIN:
                    raise UserError(REFUSED[type(command)])
                if not name:
                    raise UserError(ELSEWHERE)
                self._pass_on(ticket, name)
        return None

    def _pass_on(self, ticket: int, command: str, **values: str) -> None:
        if not self._alive:
            raise UserError("the program has ended")
        name = f"{self._token}-{ticket}"
        try:
            send(self._folder, command, ticket=name, process=os.getpid(), **values)
        except OSError as error:
            raise UserError(f"the journal {self._folder} cannot be written: {error.strerror}") from error
        self._asked[name] = ticket

    def _give_up(self) -> None:
        """The program has ended: nobody will answer what is still asked."""
        for ticket in self._asked.values():
            self._replies.append(Reply(ticket, "the program has ended", failed=True))
            self._highest = max(self._highest, ticket)
        self._asked.clear()
        self._taken = self._highest

    def _lab(self) -> Lab:
        if isinstance(self._open, str):
            raise UserError(self._open)
        return self._open

    def _noted(self, reply: str) -> str:
        self._hypotheses = tuple(self._lab().hypotheses.all())
        return reply

    def _reply(self, ticket: int, text: str, *, failed: bool = False) -> None:
        """Note what became of a command. One before it may still wait for the program."""
        self._replies.append(Reply(ticket, text, failed))
        self._highest = max(self._highest, ticket)
        self._taken = min(self._asked.values(), default=self._highest + 1) - 1

    # --- what the user sees ------------------------------------------------------------------------------------------

    def _name(self) -> str:
        if self._watched.own is not None:
            return self._watched.own
        return self._copy.run.name if self._copy.run is not None else self._watched.name

    def _publish(self) -> None:
        watched, history = self._watched, self._history
        start, last = watched.start, watched.last
        self._publish_to(
            Snapshot(
                status=self._status(),
                message=self._trouble or self._message(),
                run=self._name(),
                text=watched.program,
                network=start.network if start is not None else "",
                parameters=start.parameters if start is not None else 0,
                compute=start.compute if start is not None else "",
                matrix_names=start.matrix_names if start is not None else (),
                settings=watched_settings(watched.settings) if watched.own is None else self._settings,
                watched=watched.own is None,
                knobs=self._knobs(),
                own={name: watched.settings[name] for name in PROGRAMS_OWN if name in watched.settings},
                update=last.update,
                chars=last.chars,
                seconds=last.seconds,
                speed=history.speed() if self._status() is Status.TRAINING else 0.0,
                lr=last.lr,
                points=history.points(),
                recent=tuple(history.recent),
                validations=tuple(history.validations),
                best=history.best,
                outlook=self._forecaster.outlook(history, None) if self._status() is Status.TRAINING else None,
                probes=history.probes,
                findings=tuple(self._diagnosis.findings),
                suspicions=self._diagnosis.suspicions,
                judgements=self._diagnosis.judgements,
                log=tuple(history.log),
                hypotheses=self._hypotheses,
                sample=self._output.text if watched.own is None else self._samples.shown,
                continuation=self._samples.continuation,
                taken=self._taken,
                replies=tuple(self._replies),
            )
        )

    def _knobs(self) -> tuple[str, ...]:
        if self._watched.own is not None:
            return tuple(knob.name for knob in knobs())
        return tuple(knob for knob in KNOBS if knob in self._watched.settings)

    def _status(self) -> Status:
        if not self._alive:
            return Status.ENDED
        if self._watched.start is None:
            return Status.LOADING
        return Status.PAUSED if self._watched.paused else Status.TRAINING

    def _message(self) -> str:
        match self._status():
            case Status.ENDED:
                found = "; F shows what was found" if self._diagnosis.findings else ""
                how = " with an exception" if self._watched.failed else ""
                return f"{self._watched.program} has ended{how}{found}"
            case Status.LOADING:
                return f"{self._watched.program or 'the program'} has made no update yet"
            case Status.TRAINING if (silent := time.monotonic() - self._heard) > SILENT_SECONDS:
                return f"no update for {silent:,.0f} s: the program does something else"
        return ""


def _opened(lab: Path, resources: ExitStack) -> Lab | str:
    """The lab, open for writing; the reason why it cannot be."""
    try:
        return resources.enter_context(Lab.open(lab))
    except UserError as error:
        return str(error)
