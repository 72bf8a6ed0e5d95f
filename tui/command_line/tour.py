"""`charrnn-tui tour`: a minute with the console, on a training that goes wrong on purpose."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.settings import Settings
from engine.text.made import shakespeare
from engine.windows import LengthLaw
from tui.console.app import Console
from tui.console.choices import read_choices
from tui.preferences.first_visit import is_first_visit
from tui.preferences.preferences import load
from tui.terminal import complain

SETTINGS = Settings(cell="gru", hidden=128, streams=8, bptt=LengthLaw.fixed(32), lr=0.1)
"""A small network, which is quick on any machine, with a learning rate that is far too high."""


def tour() -> int:
    """Show the console with its lessons until the user leaves; return the exit code.

    Nothing of the training is kept.
    """
    choices = read_choices(load())
    is_first_visit()  # Whoever takes the tour needs no offer of it.
    with TemporaryDirectory(prefix="charrnn-tour-") as folder:
        lab = Path(folder)
        app = Console(Session(Job(NewRun(shakespeare.NAME, SETTINGS, "tour"), lab, interactive=True)), lab, choices)
        app.is_tour = True
        code = app.run()
        app.join()
    if app.failure:
        complain(app.failure)
    return code if code is not None else 1
