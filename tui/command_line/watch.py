"""`charrnn-tui watch`: a script that trains, run as Python would run it, and watched."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

import charrnn
from charrnn.journal import OUTPUT, RECORDS, new_folder
from charrnn.watching import JOURNAL_VARIABLE, OUTPUT_VARIABLE

from engine.clock import Every
from engine.diagnosis.watched import WatchedDiagnosis
from engine.errors import UserError
from engine.events import End, Event, Finding, Listener, Note, Point, Probe, RunStatus, Start, Stored, Validation
from engine.recording.journal import BY_HAND, WatchedRun
from engine.session.attached import AttachedSession
from engine.session.snapshot import Status
from tui.command_line.attach import show
from tui.command_line.output import JsonLines
from tui.preferences.notifications import Notifier, Wishes, noticing
from tui.terminal import SIGNALS, complain, ring
from tui.words.findings import headline, where
from tui.words.numbers import nats
from tui.words.safe_text import visible
from tui.words.shell_commands import command_line

LINE_SECONDS = 10.0
"""Seconds between two lines of progress."""

SOON = 2.0
"""The seconds within which a program ends that has said so."""

LOOK_SECONDS = 0.2
"""Seconds between two looks into the journal."""


def watch(script: str, arguments: Sequence[str], lab: Path, wishes: Wishes, *, headless: bool, as_json: bool) -> int:
    """Run a script, and show it in the console until the user leaves, or without it to its end.

    Returns the exit code that the script had; 0 where it goes on. Raises UserError where there is no such script, or
    the lab cannot be written.
    """
    if not Path(script).is_file():
        raise UserError(f"{script}: there is no such script")
    _check_names(Path(script))
    try:
        folder = new_folder(lab.absolute(), Path(script).stem)
    except OSError as error:
        raise UserError(f"the lab {lab} cannot be written: {error.strerror}") from error
    command = [sys.executable, "-m", "charrnn", script, *arguments]
    if headless or as_json:
        return _watch_headless(command, folder, wishes, as_json=as_json)
    return _watch_in_console(command, folder, lab, wishes)


def _check_names(script: Path) -> None:
    """Raises UserError where a module beside the script has the name of the one that watches it."""
    for folder in (Path(), script.resolve().parent):
        for beside in (folder / "charrnn.py", folder / "charrnn" / "__init__.py"):
            if beside.exists() and not beside.samefile(charrnn.__file__):
                raise UserError(f"{beside} has the name of the module that watches: a module of a script needs another")


def _watch_in_console(command: Sequence[str], folder: Path, lab: Path, wishes: Wishes) -> int:
    """Show what the script prints in the console, from a file: so it goes on when the console is gone."""
    with (folder / OUTPUT).open("wb") as output:
        # A session of its own, so that neither ctrl-c nor the end of the terminal reaches it.
        process = subprocess.Popen(
            command,
            env={**os.environ, JOURNAL_VARIABLE: str(folder), OUTPUT_VARIABLE: "lines"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    session = AttachedSession(lab.absolute(), lambda: folder if _has_begun(folder, process) else None, "loading torch")
    code = show(session, lab, wishes)
    if session.snapshot().status is Status.ENDED:
        with suppress(subprocess.TimeoutExpired):
            process.wait(SOON)  # It says that it ends before it does.
    if process.poll() is None:
        again = command_line("attach", session.snapshot().run or folder.name, lab=lab)
        print(f"{Path(command[3]).name} goes on as process {process.pid}: `{again}` shows it again")
        return code
    if (folder / RECORDS).exists():
        return _exit_code(process.returncode)
    sys.stderr.write((folder / OUTPUT).read_text(errors="replace"))
    complain(f"{command[3]} has ended without importing torch")
    return _exit_code(process.returncode)


def _has_begun(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    """Whether there is a journal. Raises UserError where there will be none."""
    if (folder / RECORDS).exists():
        return True
    if process.poll() is not None and not (folder / RECORDS).exists():
        raise UserError("the program has ended without importing torch")
    return False


def _watch_headless(command: Sequence[str], folder: Path, wishes: Wishes, *, as_json: bool) -> int:
    """Run a script to its end, and tell what is seen.

    Its standard streams are those of this process; with `as_json`, its standard output is this one's standard error.
    """
    # The script goes on when nobody reads what is told: it was not told to end then.
    lines = JsonLines(lambda _error: None) if as_json else _Lines()
    notice = noticing(Notifier(wishes, ring, complain))

    def teller(event: Event) -> None:
        lines(event)
        notice(event)

    run = WatchedRun(folder)
    diagnosis = WatchedDiagnosis()
    process = subprocess.Popen(
        command,
        env={**os.environ, JOURNAL_VARIABLE: str(folder)},
        stdout=sys.stderr.fileno() if as_json else None,
    )
    with _signals_to(process):
        while not _has_ended(process):
            _tell(run, diagnosis, teller)
    _tell(run, diagnosis, teller)
    teller(run.end(_reason(process.returncode)))
    return _exit_code(process.returncode)


def _exit_code(code: int) -> int:
    """The exit code of a shell for a process with this one; a negative one is a signal's."""
    return 128 - code if code < 0 else code


@contextmanager
def _signals_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Within this context, signals that would end this process are the script's, which decides what to do."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        # Ctrl-C at a terminal reaches the script by itself.
        if number != signal.SIGINT or not _in_foreground():
            process.send_signal(number)

    heeded = [number for number in SIGNALS.values() if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether the terminal's keys send their signals to this process and the script."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait a little for the process' end."""
    try:
        process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _tell(run: WatchedRun, diagnosis: WatchedDiagnosis, teller: Listener) -> None:
    """Tell what is new, and the findings that it shows. Before torch is imported, there is no journal."""
    try:
        for event in run.new():
            if not _is_inner(event):
                teller(event)
            for finding in diagnosis.take(event) if isinstance(event, Stored) else ():
                teller(finding)
    except FileNotFoundError:
        return
    except OSError as error:
        complain(f"the journal of {run.name} cannot be read: {error.strerror}")


def _is_inner(event: Event) -> bool:
    """Whether an event is of use to the diagnosis alone."""
    return isinstance(event, Probe) and event.instrument.startswith("loop_")


def _reason(code: int) -> RunStatus:
    """Why a process with this exit code has ended; a negative one is a signal's."""
    ended = {number: reason for reason, number in SIGNALS.items()}
    if code < 0:
        return ended.get(signal.Signals(-code), RunStatus.INTERRUPTED)
    return RunStatus.DONE if code == 0 else RunStatus.STOPPED


class _Lines:
    """Prints lines on standard error, beside what the script prints."""

    def __init__(self) -> None:
        self._due = Every(LINE_SECONDS)
        self._last: Point | None = None
        self._told: Point | None = None
        self._by_hand = False

    def __call__(self, event: Event) -> None:
        match event:
            case Start():
                self._by_hand = event.settings["optimizer"] == BY_HAND
                _print(f"watching {event.run}: {event.settings['optimizer']}, {event.parameters:,} parameters")
            case Finding(until_update=None):
                _print(f"{headline(event).plain}{_where(event)}: {event.says}")
                if event.instead:
                    _print(f"  write instead: {event.instead}")
                if event.trial is not None:
                    _print(f"  to try: {event.trial.knob} {event.trial.value}")
            case Note():
                _print(event.text)
            case Validation():
                _print(f"update {event.update:,}  validation loss {nats(event.loss)}")
            case Point():
                self._last = event
                if self._due.due():
                    self._due.reset()
                    self._progress(event)
            case End() if self._last is not None and self._last is not self._told:
                self._progress(self._last)
            case _:
                return

    def _progress(self, point: Point) -> None:
        self._told = point
        rate = f"  learning rate {point.lr:.3g}" if point.lr or not self._by_hand else ""  # It may be unknown.
        _print(f"update {point.update:,}  loss {nats(point.loss)}  gradient norm {point.grad_norm:.3g}{rate}")


def _where(finding: Finding) -> str:
    """The line that is at fault, such as ` at train.py:12`."""
    return "" if finding.site is None else f" at {where(finding.site)}"


def _print(text: str) -> None:
    print(f"{_new_line(sys.stderr)}charrnn-tui: {visible(text, lines=False)}", file=sys.stderr, flush=True)


def _new_line(stream: TextIO) -> str:
    """The characters that bring a stream to the beginning of a line, where the script has left it within one.

    Progress bars end without a line break. Of a terminal nobody can ask where its cursor is: as many spaces as a line
    has fill an empty line, and lead out of one that is not. Nor can one ask what has gone through a pipe.
    """
    try:
        if stream.isatty():
            return " " * (os.get_terminal_size(stream.fileno()).columns - 1) + "\r\x1b[K"
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            with Path(f"/dev/fd/{stream.fileno()}").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
                return "\n" if file.read() not in (b"", b"\n") else ""
    except (OSError, ValueError):
        pass
    return ""
