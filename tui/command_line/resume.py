"""`charrnn-tui resume` and `charrnn-tui fork`: continue a stored run, with or without the console."""

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
    """Continue training from a checkpoint; return the exit code.

    Args:
        command: the command's name, for the advice where there is no terminal.
        task: the run to resume, or to fork.
        lab: the lab's folder.
        given: the options of the command line.
        headless: whether to train without the console.
        as_json: whether to train without the console and print every event.

    Raises:
        UserError: the run cannot be continued, or the console has no terminal.
    """
    if headless or as_json:
        return train(job(task, lab, given, interactive=False), given["notify"], as_json=as_json)
    check_target(task.target, lab)
    need_terminal(f"charrnn-tui {command} {shlex.quote(task.target)} --headless")

    from tui.command_line.console import open_console

    return open_console(job(task, lab, given, interactive=True), given["notify"])
