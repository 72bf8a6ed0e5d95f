"""A run's checkpoints: their names, and when one is due."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.clock import Every
from engine.errors import UserError
from engine.training.state import State, finite

LATEST, BEST, BROKEN, UNDONE = (
    f"{name}.safetensors" for name in ("latest", "best", "before-not-finite", "before-undo")
)
"""What a run goes on from; the one of the lowest validation loss; the last state before an update that was not finite,
and the one that the last undo left, which are written where they take no other's place."""

SAVE_SECONDS = 30.0
COST = 50
"""Checkpoints by time come so seldom that writing them takes at most one part in so many of the time."""


class Saver:
    """Writes checkpoints into a run's folder.

    Args:
        folder: of the run.
        origin: what its checkpoints say about where they come from.
        every: updates between two automatic checkpoints; None for one now and then.
    """

    def __init__(self, folder: Path, origin: Origin, every: int | None) -> None:
        self.folder = folder
        self._origin = origin
        self._every = every
        self._saved_update: int | None = None
        self._due = Every(SAVE_SECONDS)

    @property
    def source(self) -> str:
        """How the run's text is found again."""
        return self._origin.source

    def checkpoint(self, state: State, best: float | None = None) -> Checkpoint:
        """What a file of this run would hold."""
        return Checkpoint(replace(self._origin, best=best), state)

    def of_fork(self, folder: Path, run: str) -> Saver:
        """The same for a run that goes on from the state of this one."""
        return Saver(folder, replace(self._origin, run=run), self._every)

    def is_due(self, updates: int) -> bool:
        """Whether an automatic checkpoint should be written after so many updates."""
        if self._every:
            return updates % self._every == 0 and updates != self._saved_update
        return self._due.due()

    def updates_left(self, updates: int) -> int | None:
        """Updates until the next automatic checkpoint, where these go by updates."""
        return self._every - updates % self._every if self._every else None

    def write(self, state: State, kind: str, best: float | None) -> Path:
        """Write a checkpoint of a kind, as in `Saved`; returns its path.

        Raises:
            UserError: it could not be written, or the state is not finite; the ones before stay.
        """
        self._due.reset()
        if not finite(state):
            raise UserError("no checkpoint written: the network's numbers are not finite; the one before stays")
        updates = state.counters.updates
        name = {"best": BEST, "key": f"update-{updates}.safetensors", "broken": BROKEN, "undone": UNDONE}.get(
            kind, LATEST
        )
        begun = time.monotonic()
        for file in (name, LATEST) if kind == "key" else (name,):
            checkpoint.save(self.folder / file, self.checkpoint(state, best))
        self._due.seconds = max(SAVE_SECONDS, COST * (time.monotonic() - begun))
        if kind != "best":
            self._saved_update = updates
        return self.folder / name
