"""The training that the command line asks for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.session.job import ForkedRun, Job, NewRun, Resumption
from tui.command_line import options


def new_run(text: str, preset: str, name: str | None, given: Mapping[str, Any]) -> NewRun:
    """A new run on a text; `-` is standard input, which is read to its end, as a pipe of another name is."""
    settings = options.read_settings(preset, given)
    # A default of a settings file may be smaller too where a text is short: it was not chosen for this one.
    free = frozenset(name for name in ("streams", "bptt") if not options.is_typed(name))
    if text == "-":
        return NewRun("stdin", settings, name, sys.stdin.buffer.read(), free)
    if (pipe := Path(text)).is_fifo():
        # The shell numbers those of `<(…)`, and a number would be taken for that of a run.
        return NewRun("pipe" if pipe.name.isdecimal() else pipe.name, settings, name, pipe.read_bytes(), free)
    return NewRun(text, settings, name, free=free)


def job(task: NewRun | Resumption | ForkedRun, lab: Path, given: Mapping[str, Any], *, interactive: bool) -> Job:
    """The job of a run: the task, its budget, and whether a console shows it (`interactive`)."""
    return Job(task, lab, options.read_budget(given), given["checkpoint_every"], interactive)
