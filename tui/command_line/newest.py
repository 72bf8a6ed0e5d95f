"""The checkpoint that a command is given: a file, or the newest one of a run."""

from __future__ import annotations

from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.lookup import check_same_text
from engine.checkpoints.saver import LATEST
from engine.errors import UserError
from engine.lab import Lab, names_a_run
from engine.text.corpus import Corpus
from engine.text.progress import Tell
from engine.text.source import check_source, read_text
from tui.terminal import complain


def text_of(found: Checkpoint, text: str | None, folder: Path, tell: Tell) -> Corpus:
    """The text that a checkpoint's network was trained on, from where it is now; raises UserError where that differs.

    Args:
        found: the checkpoint.
        text: its present path, if it has moved.
        folder: the lab's folder.
        tell: called with what is done, and the share of it.
    """
    source = text or found.origin.source
    check_source(source)
    corpus, _ = read_text(source, None, found.state.settings, folder, tell)
    check_same_text(corpus, found, found.origin.run)
    return corpus


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
