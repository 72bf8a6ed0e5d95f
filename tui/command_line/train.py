"""`charrnn-tui train`: a run without the console, with a progress bar or one JSON object per line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from engine.budget import BUDGETS
from engine.clock import Every
from engine.events import End, Event, Finding, Note, NoteKind, Point, RunStatus, Start, Validation
from engine.numbers import counted
from engine.session.commands import Quit
from engine.session.job import Job
from engine.session.journalled import Journalled
from engine.session.session import Session
from tui.command_line.output import JsonLines
from tui.preferences.notifications import NO_WISHES, Notifier, Wishes, noticing
from tui.terminal import SIGNALS, complain, on_signals, reason_of, ring, write_text
from tui.words.findings import advice, headline
from tui.words.numbers import held_out, nats
from tui.words.safe_text import visible
from tui.words.severity import COLOURS
from tui.words.shell_commands import command_line
from tui.words.standing import of_snapshot

LINE_SECONDS = 10.0
"""Seconds between two lines of progress, where no terminal shows a bar."""


def train(job: Job, wishes: Wishes = NO_WISHES, *, as_json: bool) -> int:
    """Run a job to its end, and notify as wished; return the exit code. Raises UserError where it cannot begin."""
    teller: _Json | _Bar = _Json() if as_json else _Bar()
    notice = noticing(Notifier(wishes, ring, teller.complain))

    def listen(event: Event) -> None:
        teller(event)
        notice(event)

    journal = Journalled(job.lab, listen)
    session = journal.session = Session(job, journal)
    teller.stop = lambda reason: session.send(Quit(reason))
    with on_signals(lambda number: session.send(Quit(reason_of(number)))), journal, teller.showing(session):
        end = session.run()
    return _exit_code(end, job.lab, teller.broken)


def _why(reason: RunStatus) -> str:
    """Why a training ended, as the first words of its last line."""
    if reason in BUDGETS:
        return "its budget is used up"
    return f"{reason.upper()} ended it" if reason in SIGNALS else str(reason)


def _exit_code(end: End, lab: Path, broken: str) -> int:
    if end.reason == RunStatus.NOT_FINITE:
        see = command_line("runs", end.run, lab=lab)
        complain(f"{end.run} stopped at update {end.update:,}: an update was not finite; see `{see}`")
        return 1
    if broken:
        complain(broken)
        return 2
    if end.reason in SIGNALS:
        return 128 + SIGNALS[end.reason]
    return 0 if end.reason in (*BUDGETS, RunStatus.QUIT, RunStatus.PIPE) else 1


class _Json(JsonLines):
    """Prints every event; when nobody reads them any more, it has the run saved and ended."""

    def __init__(self) -> None:
        super().__init__(self._end)
        self.broken = ""
        self.stop: Callable[[RunStatus], object] = lambda _reason: None

    @contextmanager
    def showing(self, _session: Session) -> Iterator[None]:
        yield

    def complain(self, message: str) -> None:
        """Print a line on standard error."""
        complain(message)

    def _end(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            self.stop(RunStatus.PIPE)
        else:
            self.broken = f"standard output could not be written: {error.strerror}; the run was saved"
            self.stop(RunStatus.OUTPUT)


class _WithSentence(Progress):
    """A progress bar above a sentence."""

    sentence = Text()

    def get_renderables(self) -> Iterator[RenderableType]:
        """The bar, and the sentence."""
        yield from super().get_renderables()
        yield self.sentence


class _Bar:
    """Shows a bar on standard error, and how it goes (lines, where that is no terminal).

    It prints a summary on standard output.
    """

    def __init__(self) -> None:
        self.broken = ""
        self.stop: Callable[[RunStatus], object] = lambda _reason: None
        self._console = Console(stderr=True)
        self._progress = _WithSentence(
            TextColumn("{task.fields[state]}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_interactive,
        )
        self._task: TaskID | None = None
        self._session: Session | None = None
        self._validation = ""
        self._line_due = Every(LINE_SECONDS)

    @contextmanager
    def showing(self, session: Session) -> Iterator[None]:
        self._session = session
        with self._progress:
            self._task = self._progress.add_task("", total=None, state="loading", numbers="")
            yield

    def __call__(self, event: Event) -> None:
        match event:
            case Start():
                name = f"{event.run}  {event.text}  {event.network}  {event.parameters:,} parameters  {event.compute}"
                self._print(name)
            case Finding(until_update=None):
                self._print(f"{headline(event).plain}: {event.says} {advice(event)}")
            case Note(
                kind=NoteKind.TEXT | NoteKind.UNUSUAL | NoteKind.NOT_FINITE | NoteKind.CHECKPOINT | NoteKind.VALIDATION
            ):
                self._print(event.text)
            case Validation():
                self._validation = f"  val {held_out(event.loss, event.error)}"
                if self._console.is_interactive and event.error is None:
                    self._print(
                        f"update {event.update:,}  {event.chars:,} characters  val {nats(event.loss)} nats/char"
                    )
            case Point():
                self._show(event)
            case End():
                self._summarise(event)
            case _:
                return

    def complain(self, message: str) -> None:
        """Print a line above the bar."""
        self._print(f"charrnn-tui: {message}")

    def _print(self, text: str) -> None:
        self._console.print(Text(visible(text, lines=False)), soft_wrap=True)

    def _show(self, point: Point) -> None:
        if self._task is None or self._session is None:
            return
        snapshot = self._session.snapshot()
        numbers = f"update {point.update:,}  {snapshot.speed:,.0f} char/s  loss {nats(point.loss)}{self._validation}"
        how = of_snapshot(snapshot)
        if not self._console.is_interactive:
            if self._line_due.due():
                self._line_due.reset()
                self._print(f"{numbers}  {how.alone}")
            return
        self._progress.sentence = Text(how.alone, style=COLOURS[how.severity] if how.severity else "bold")
        share = snapshot.progress
        self._progress.update(
            self._task, state="training", numbers=numbers, completed=share or 0, total=None if share is None else 1
        )

    def _summarise(self, end: End) -> None:
        loss = "not measured" if end.val_loss is None else f"{nats(end.val_loss)} nats/char"
        saved = f", checkpoint {end.checkpoint}" if end.checkpoint else ", no checkpoint written"
        reached = f"{_why(end.reason)} after {counted(end.update, 'update')}, {counted(end.chars, 'character')}"
        write_text(f"{end.run}: {reached}; validation loss {loss}{saved}\n", sys.stdout)
