"""`charrnn-tui TEXT`: a run in the console."""

from __future__ import annotations

import sys

from engine.errors import UserError
from engine.race.view import unfinished
from engine.session.job import Job, NewRun
from engine.session.session import Session
from tui.console.app import Console
from tui.terminal import attach_keyboard, complain
from tui.words.shell_commands import command_line


def open_console(job: Job) -> int:
    """Train in the console until the user leaves; return the exit code.

    Raises UserError where the text came through standard input and there is no terminal to take keys from.
    """
    if isinstance(job.task, NewRun) and job.task.content is not None and not attach_keyboard():
        raise UserError("there is no terminal to take keys from; use `charrnn-tui train -`")
    session = Session(job)
    app = Console(session, job.lab)
    code = app.run()
    app.join()
    if app.failure:
        complain(app.failure)
    for race in unfinished(session.snapshot().races) if sys.stdout.isatty() else ():
        print(f"{race.name} is not decided: `{command_line('race', '--resume', race.name, lab=job.lab)}` continues it")
    return code if code is not None else 1
