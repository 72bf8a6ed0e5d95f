"""A fork of the running training: this run ends, and a new one continues from exactly its state."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UserError
from engine.events import CheckpointKind, NoteKind, RunStatus
from engine.session.changes import Changes
from engine.session.live_run import LiveRun
from engine.session.opening import fork


def fork_now(live: LiveRun, changes: Changes) -> str:
    """Finish this run, and continue in a new one that has its past but nothing to undo; return a line about it.

    Raises:
        UserError: the state is not finite, or could not be written; this run continues then.
    """
    live.check_finite("not forked")
    live.make_point()
    path = Path(live.write_checkpoint(CheckpointKind.END))
    if not live.recorder.flush(everything=True):
        raise UserError(f"not forked: {live.recorder.trouble}")
    parent, now = live.run, live.position
    run = fork(live.lab, live.trainer, None, parent, path)
    live.go_on_in(run)
    changes.forget()
    live.note(NoteKind.FORK, f"begins at update {now.updates:,} of {parent.name}")
    try:
        live.lab.runs.begin(run, now.seconds)
        live.lab.runs.finish(parent, status=RunStatus.FORKED, update=now.updates, chars=now.chars, seconds=now.seconds)
    except UserError as error:
        live.note(NoteKind.LAB, str(error))
    live.tell_start()
    return f"{run.name} goes on from update {now.updates:,} of {parent.name}, which is saved"
