"""The checkpoints that a training can continue from."""

from __future__ import annotations

import shlex
from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.saver import BEST, LATEST
from engine.errors import UserError
from engine.lab import Lab, Run, names_a_run
from engine.text.corpus import Corpus


def find(lab: Lab | None, target: str) -> tuple[Run | None, Path]:
    """The run of the lab that a checkpoint belongs to, and the checkpoint's path.

    Args:
        lab: the lab; None where there is none.
        target: a run's name or number, for its latest checkpoint, or a file's path. A file outside the lab belongs to
            none of its runs.
    """
    if lab is None:
        return None, Path(target)
    if names_a_run(target):
        run = lab.runs.own(target)
        return run, lab.runs.checkpoint_folder(run) / LATEST
    path = Path(target)
    folder = path.resolve().parent
    owner = next((run for run in lab.runs.outside_races() if lab.runs.checkpoint_folder(run).resolve() == folder), None)
    return owner, path


def goes_on_from(path: Path) -> bool:
    """Whether a run itself continues from this checkpoint of its own; from any other checkpoint a new run does."""
    return path.resolve().name == LATEST


def load(run: Run | None, path: Path) -> Checkpoint:
    """The checkpoint at `path`, which belongs to `run`, or to no run of the lab.

    Raises:
        UserError: the checkpoint cannot be loaded, or belongs to another run. Where it is the run's latest one, the
            message names another one to continue from.
    """
    if run is None:
        return checkpoint.load(path)
    found = _load_latest(run, path) if goes_on_from(path) else checkpoint.load(path)
    if found.origin.run != run.name:
        raise UserError(f"{path} is of another run, {found.origin.run}: move it out of {run.name}'s folder")
    return found


def check_same_text(corpus: Corpus, found: Checkpoint, name: str) -> None:
    """Raises UserError where a corpus is not the one that the checkpoint of this name was trained on."""
    same_vocabulary = corpus.vocabulary == found.origin.vocabulary
    if corpus.digest == found.origin.digest and same_vocabulary:
        return
    another = "" if same_vocabulary else ", and its vocabulary differs"
    raise UserError(
        f"{corpus.name} is not the text that {name} was trained on{another}: "
        "name the same text with --text, or begin a new run"
    )


def best_loss(lab: Lab, run: Run) -> float | None:
    """The validation loss of a run's best checkpoint; None where that is missing or damaged."""
    try:
        return checkpoint.load(lab.runs.checkpoint_folder(run) / BEST).origin.best
    except UserError:
        return None


def _load_latest(run: Run, path: Path) -> Checkpoint:
    """The checkpoint that a run continues from; where it cannot be loaded, the message names another one."""
    try:
        return checkpoint.load(path)
    except UserError as error:
        other = next(checkpoint.whole_in(path.parent), None)
        if other is not None:
            again = shlex.join(["charrnn-tui", "resume", str(other)])
            raise UserError(f"{error}; to go on from {other.name} in a new run: `{again}`") from error
        if not path.exists():
            raise UserError(f"run {run.name} has no checkpoint: none was written before it ended") from None
        raise UserError(f"{error}, and run {run.name} has no other one") from error
