"""`charrnn-tui sample`: text that a network writes."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.sample import write_from
from engine.checkpoints.saver import LATEST
from engine.errors import UserError
from engine.lab import Lab, names_a_run
from engine.network.sampling import Taste
from tui.terminal import complain, write_text


def sample(target: str, folder: Path, *, chars: int, taste: Taste, prime: str, seed: int) -> int:
    """Print text from a checkpoint file, or from a run's newest checkpoint, as the network writes it."""
    found = _checkpoint(target, folder)
    for text in write_from(found, chars=chars, taste=taste, prime=prime, seed=seed):
        write_text(text, sys.stdout)
    write_text("\n", sys.stdout)
    return 0


def _checkpoint(target: str, folder: Path) -> Checkpoint:
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
