"""`charrnn-tui TEXT`: a run in the console."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import nullcontext

from engine.errors import UserError
from engine.events import End, Event, Start
from engine.race.view import unfinished
from engine.session.job import Job, NewRun
from engine.session.journalled import Journalled
from engine.session.session import Session
from tui.console.app import Console
from tui.console.choices import read_choices
from tui.preferences.first_visit import is_first_visit
from tui.preferences.notifications import Wishes
from tui.preferences.preferences import load
from tui.terminal import attach_keyboard, complain, in_browser
from tui.words.shell_commands import COMMAND, command_line


def open_console(job: Job, wishes: Wishes) -> int:
    """Train in the console until the user leaves; return the exit code.

    Raises UserError where a settings file is wrong, or where the text came through standard input and there is no
    terminal to take keys from.
    """
    choices = read_choices(load())
    if isinstance(job.task, NewRun) and job.task.content is not None and not attach_keyboard():
        raise UserError("there is no terminal to take keys from; use `charrnn-tui train -`")
    journal = Journalled(job.lab, lambda event: _tell_page(app, event)) if in_browser() else None
    session = Session(job, journal)
    app = Console(session, job.lab, choices, wishes)
    app.welcomes = is_first_visit()
    if journal is not None:
        journal.session = session
    with journal or nullcontext():
        code = app.run()
        app.join()
    if app.failure:
        complain(app.failure)
    if isinstance(app.ended, End):
        left = math.inf if job.budget.seconds is None else job.budget.seconds - app.ended.seconds
        goes_on = app.goes_on and app.ended.checkpoint is not None and left > 0
        _say(app, _go_on(app.ended, job, left) if goes_on else _left(app.ended, job))
    for race in unfinished(session.snapshot().races):
        _say(
            app,
            f"{race.name} is not decided: `{command_line('race', '--resume', race.name, lab=job.lab)}` continues it",
        )
    return code if code is not None else 1


def _left(end: End, job: Job) -> str:
    """A line that says what was saved, with the command that continues it."""
    if not end.run:
        return "nothing was trained yet, and nothing is saved"
    if end.checkpoint is None:
        return f"{end.run} has ended at update {end.update:,}, and nothing of it was saved"
    again = command_line("resume", end.run, lab=job.lab)
    return f"{end.run} is saved at update {end.update:,}: `{again}` continues it"


def _go_on(end: End, job: Job, left: float) -> str:
    """Continue a run that was saved, in a process without a terminal; returns how to come back to it.

    `left` are the seconds that its budget has left; other budgets are in the checkpoint.
    """
    seconds = [] if math.isinf(left) else ["--seconds", str(left)]
    process = subprocess.Popen(
        [*COMMAND, "resume", end.run, "--headless", "--lab", str(job.lab), *seconds],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    again = command_line("attach", end.run, lab=job.lab)
    return (
        f"{end.run} goes on as process {process.pid}: `{again}` shows it again, "
        f"and `kill {process.pid}` saves and ends it"
    )


def _tell_page(app: Console, event: Event) -> None:
    """Tell the server of a page which run the console trains."""
    if isinstance(event, Start):
        app.tell_page(type="run", run=event.run)


def _say(app: Console, words: str) -> None:
    """Say something after the console has ended: in the terminal, or in that of the page's server."""
    if in_browser():
        app.tell_page(type="says", text=words)
    elif sys.stdout.isatty():
        print(words)
