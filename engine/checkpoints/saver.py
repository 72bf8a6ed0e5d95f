"""A run's checkpoints: their names, and the times at which they are written."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.clock import Every
from engine.errors import UserError
from engine.events import CheckpointKind
from engine.training.state import State, finite

LATEST, BEST, BROKEN, UNDONE = (
    f"{name}.safetensors" for name in ("latest", "best", "before-not-finite", "before-undo")
)
"""The checkpoint that a run continues from, the one with the lowest validation loss, the last state before an update
that was not finite, and the state that the last undo left. The last two have files of their own, so that they replace
no other checkpoint."""

SAVE_SECONDS = 30.0
COST = 50
"""Writing checkpoints by time takes at most one part in `COST` of the time."""


class Saver:
    """Writes checkpoints into a run's folder.

    Args:
        folder: the run's folder.
        origin: the origin that its checkpoints name.
        every: the number of updates between two automatic checkpoints; None to write them by time.
    """

    def __init__(self, folder: Path, origin: Origin, every: int | None) -> None:
        self.folder = folder
        self._origin = origin
        self._every = every
        self._saved_update: int | None = None
        self._due = Every(SAVE_SECONDS)

    @property
    def source(self) -> str:
        """The place of the run's text, as in `Origin`."""
        return self._origin.source

    def checkpoint(self, state: State, best: float | None = None) -> Checkpoint:
        """The content of a checkpoint of this run with `state`."""
        return Checkpoint(replace(self._origin, best=best), state)

    def of_fork(self, folder: Path, run: str) -> Saver:
        """A saver for a fork that continues from the state of this run."""
        return Saver(folder, replace(self._origin, run=run), self._every)

    def is_due(self, updates: int) -> bool:
        """Whether an automatic checkpoint is due after `updates` updates."""
        if self._every:
            return updates % self._every == 0 and updates != self._saved_update
        return self._due.due()

    def updates_left(self, updates: int) -> int | None:
        """The number of updates until the next automatic checkpoint; None where these are written by time."""
        return self._every - updates % self._every if self._every else None

    def write(self, state: State, kind: CheckpointKind, best: float | None) -> Path:
        """Write a checkpoint of a kind as in `Saved`; return its path.

        Raises:
            UserError: the checkpoint could not be written, or the state is not finite; earlier checkpoints stay.
        """
        self._due.reset()
        if not finite(state):
            raise UserError(
                "no checkpoint written: the network's numbers are not finite; the previous checkpoint is kept"
            )
        updates = state.counters.updates
        names = {
            CheckpointKind.BEST: BEST,
            CheckpointKind.KEY: f"update-{updates}.safetensors",
            CheckpointKind.BROKEN: BROKEN,
            CheckpointKind.UNDONE: UNDONE,
        }
        name = names.get(kind, LATEST)
        begun = time.monotonic()
        for file in (name, LATEST) if kind is CheckpointKind.KEY else (name,):
            checkpoint.save(self.folder / file, self.checkpoint(state, best))
        self._due.seconds = max(SAVE_SECONDS, COST * (time.monotonic() - begun))
        if kind is not CheckpointKind.BEST:
            self._saved_update = updates
        return self.folder / name
