"""`charrnn-tui attach`: the console on a training of another process."""

from __future__ import annotations

from pathlib import Path

from charrnn.journal import FOLDER, RECORDS, is_held, records

from engine.errors import UserError
from engine.events import Start
from engine.lab import Lab
from engine.recording.copying import copy_all
from engine.session.attached import AttachedSession
from engine.session.snapshot import Status
from tui.console.app import Console
from tui.console.choices import read_choices
from tui.preferences.notifications import Wishes
from tui.preferences.preferences import load
from tui.terminal import complain
from tui.words.shell_commands import command_line


def attach(run: str | None, lab: Path, wishes: Wishes) -> int:
    """Show a training in the console until the user leaves; return the exit code. The training goes on.

    Without a run, it is the newest one that goes on, or else the next that begins. Raises UserError where there is no
    such run, or it is not of a program that is watched.
    """
    folder = lab.absolute()
    if run is not None:
        journal = _named(folder, run)
        session = AttachedSession(folder, lambda: journal, f"reading {journal.name}")
    else:
        session = AttachedSession(folder, lambda: newest(folder), f"waiting for a training in {lab}")
    code = show(session, lab, wishes)
    shown = session.snapshot()
    if shown.run and shown.status in (Status.TRAINING, Status.PAUSED):
        print(f"{shown.run} goes on: `{command_line('attach', shown.run, lab=lab)}` shows it again")
    return code


def show(session: AttachedSession, lab: Path, wishes: Wishes) -> int:
    """Open the console on a session; return the exit code. Raises UserError where a settings file is wrong."""
    app = Console(session, lab, read_choices(load()), wishes)
    code = app.run()
    app.join()
    if app.failure:
        complain(app.failure)
    return code if code is not None else 1


def newest(lab: Path) -> Path | None:
    """The journal of the newest program that is watched and runs; None where none does."""
    journals = sorted((each.parent for each in (lab / FOLDER).glob(f"*/{RECORDS}")), reverse=True)
    return next(filter(is_held, journals), None)


def journal_of(lab: Path, run: str) -> Path | None:
    """The journal of a run of ours that another process trains and lets others look at; None where none does."""
    journals = (each.parent for each in (lab / FOLDER).glob(f"*/{RECORDS}"))
    return next((each for each in journals if is_held(each) and _own_run(each) == run), None)


def _own_run(journal: Path) -> str | None:
    """The run of ours that the process of a journal trains now; None where it trains a program's own."""
    run: str | None = None
    for record in records(journal).new():
        if record["record"] == "begin":
            run = record.get("own")
        elif run is not None and record.get("kind") == Start.__name__:
            run = record["values"]["run"]  # A fork goes on in the same process.
    return run


def _named(lab: Path, run: str) -> Path:
    """The journal of a run, by the run's name or number, or by the journal's own name."""
    if (lab / FOLDER / run / RECORDS).is_file() and Path(run).name == run:
        return lab / FOLDER / run
    copy_all(lab)
    with Lab.open_existing(lab) as opened:
        found = opened.runs.get(run)
    if found.journal is None:
        if (own := journal_of(lab, found.name)) is None:
            raise UserError(f"{found.name} is not being trained: `charrnn-tui resume {found.name}` continues it")
        return own
    if not (lab / FOLDER / found.journal / RECORDS).is_file():
        raise UserError(f"the journal of {run} is gone: `charrnn-tui runs {run}` shows what was copied of it")
    return lab / FOLDER / found.journal
