"""Recent states of a run on the disk, for an autopsy of a climb in its loss."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.checkpoints.saver import COST
from engine.clock import Every
from engine.errors import UserError
from engine.training.state import State

FOLDER = "kept"
"""The name of the folder within that of a run's checkpoints."""

NAME = r"update-(\d+)-change-(\d+)"
"""The pattern of a file's name without its ending."""

MOST_STATES = 8
MOST_BYTES = 256 * 2**20
"""The most states that are kept, and the most bytes that they take together; one is kept whatever its size."""


@dataclass(frozen=True, slots=True, order=True)
class KeptFile:
    """A state on the disk: the number of updates made, the number of knob changes gone through, and the file."""

    update: int
    changes: int
    path: Path


class Ring:
    """A run's recent states, oldest first: the newest are close to each other, older ones farther and farther apart.

    Args:
        folder: the folder of the run's checkpoints.
        origin: the origin that the files name.
    """

    def __init__(self, folder: Path, origin: Origin) -> None:
        self._folder = folder / FOLDER
        self._origin = origin
        self._due = Every(0.0)

    @property
    def due(self) -> bool:
        """Whether enough time has passed to keep another state, given the time that the last one took to write."""
        return self._due.due()

    def keep(self, state: State, climbs_since: int | None) -> None:
        """Write a state, and remove those that no longer fit.

        Args:
            state: a finite state.
            climbs_since: the update since which the loss has climbed; None where it has not. The newest state before
                it stays, so that an autopsy has one however late it is asked for.

        Raises:
            UserError: the state could not be written; the earlier ones stay.
        """
        counters = state.counters
        begun = time.monotonic()
        path = self._folder / f"update-{counters.updates}-change-{counters.changes}.safetensors"
        try:
            checkpoint.save(path, Checkpoint(self._origin, state))
            self._make_room(climbs_since)
        except OSError as error:
            raise UserError(f"the kept states in {self._folder} could not be thinned: {error.strerror}") from error
        finally:
            self._due.seconds = COST * (time.monotonic() - begun)
            self._due.reset()

    def forget_behind(self, update: int, changes: int) -> None:
        """Remove the states after the one that the training went back to; those that cannot be removed stay."""
        for each in kept_in(self._folder.parent):
            if each.update > update or each.changes > changes:
                with suppress(OSError):
                    each.path.unlink(missing_ok=True)

    def _make_room(self, climbs_since: int | None) -> None:
        kept = kept_in(self._folder.parent)
        while len(kept) > 1 and (len(kept) > MOST_STATES or _size(kept) > MOST_BYTES):
            place = to_drop([each.update for each in kept], climbs_since)
            kept.pop(place).path.unlink(missing_ok=True)


def kept_in(folder: Path) -> list[KeptFile]:
    """The states that are kept with a run's checkpoints, oldest first."""
    paths = (folder / FOLDER).glob("update-*-change-*.safetensors")
    named = ((re.fullmatch(NAME, path.stem, re.ASCII), path) for path in paths)
    return sorted(KeptFile(int(match[1]), int(match[2]), path) for match, path in named if match)


def to_drop(updates: Sequence[int], climbs_since: int | None) -> int:
    """The place of the state to remove so that the others stay well spread, among at least two.

    It is the one whose neighbours are nearest to each other in age, as a ratio. The oldest and the newest state go
    last, and the newest one before the climb always stays.

    Args:
        updates: the update of each state, ascending.
        climbs_since: the update since which the loss has climbed; None where it has not.
    """
    ages = [updates[-1] - update + 1 for update in updates]
    newest = len(updates) - 1
    since = updates[-1] if climbs_since is None else climbs_since
    stays = max((place for place, update in enumerate(updates) if update <= since), default=0)
    inner = [place for place in range(1, newest) if place != stays]
    if inner:
        return min(inner, key=lambda place: ages[place - 1] / ages[place + 1])
    return next(place for place in (0, newest) if place != stays)


def _size(kept: Sequence[KeptFile]) -> int:
    return sum(each.path.stat().st_size for each in kept)
