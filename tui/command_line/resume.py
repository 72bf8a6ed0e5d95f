"""`charrnn-tui resume` and `charrnn-tui fork`: a stored run goes on, in the console or without it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.lab import check_target
from engine.session.job import ForkedRun, Resumption
from tui.command_line.job import job
from tui.command_line.train import train
from tui.terminal import need_terminal


def go_on(
    command: str, task: Resumption | ForkedRun, lab: Path, given: Mapping[str, Any], *, headless: bool, as_json: bool
) -> int:
    """Train on from a checkpoint; returns the exit code. Raises UserError where that cannot begin.

    Args:
        command: the word on the command line, for the advice where there is no terminal.
        task: the run that goes on, or the new one that leaves it.
        lab: the lab's folder.
        given: the options of the command line.
        headless: whether there is no console.
        as_json: whether there is none, and every event is printed.
    """
    if headless or as_json:
        return train(job(task, lab, given, interactive=False), as_json=as_json)
    check_target(task.target, lab)
    need_terminal(f"charrnn-tui {command} {shlex.quote(task.target)} --headless")

    from tui.command_line.console import open_console

    return open_console(job(task, lab, given, interactive=True))
