"""The checkpoint that a command is given: a file, or the newest one of a run."""

from __future__ import annotations

from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.saver import LATEST
from engine.errors import UserError
from engine.lab import Lab, names_a_run
from tui.terminal import complain


def newest(target: str, folder: Path) -> Checkpoint:
    """The checkpoint in a file, or the newest undamaged one of a run; complain where that is not the latest."""
    if not names_a_run(target):
        return checkpoint.load(Path(target))
    with Lab.open_existing(folder) as lab:
        run = lab.runs.own(target)
        path = lab.runs.checkpoint_folder(run) / LATEST
    try:
        return checkpoint.load(path)
    except UserError as error:
        other = next(checkpoint.whole_in(path.parent), None)
        if other is None:
            raise UserError(f"{error}; run {run.name} has no other checkpoint") from error
        complain(f"{error}; taken instead: {other}")
        return checkpoint.load(other)
