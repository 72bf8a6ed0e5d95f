"""Recent states of a run on the disk, for whoever asks later why its loss climbed."""

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
"""Within the folder of a run's checkpoints."""

NAME = r"update-(\d+)-change-(\d+)"
"""Of a file, without what it ends with."""

MOST_STATES = 8
MOST_BYTES = 256 * 2**20
"""How many states are kept, and how much room they may take; one is kept whatever its size."""


@dataclass(frozen=True, slots=True, order=True)
class KeptFile:
    """A state on the disk: the updates that were made up to it, the changes that it has gone through, and where."""

    update: int
    changes: int
    path: Path


class Ring:
    """A run's recent states, oldest first: close to each other lately, ever farther apart before.

    Args:
        folder: of the run's checkpoints.
        origin: what the files say about where they come from.
    """

    def __init__(self, folder: Path, origin: Origin) -> None:
        self._folder = folder / FOLDER
        self._origin = origin
        self._due = Every(0.0)

    @property
    def due(self) -> bool:
        """Whether another state may be kept, going by what writing the last one cost."""
        return self._due.due()

    def keep(self, state: State, climbs_since: int | None) -> None:
        """Write a state, and drop those for which there is no room.

        Args:
            state: finite.
            climbs_since: the update from which on the loss has climbed; None where it has not. The newest state before
                it stays, so that there is one however late somebody asks.

        Raises:
            UserError: it could not be written; those before stay.
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
        """Drop the states that the training went back behind; those that cannot be removed stay."""
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
    """The states that are kept beside a run's checkpoints, oldest first."""
    paths = (folder / FOLDER).glob("update-*-change-*.safetensors")
    named = ((re.fullmatch(NAME, path.stem, re.ASCII), path) for path in paths)
    return sorted(KeptFile(int(match[1]), int(match[2]), path) for match, path in named if match)


def to_drop(updates: Sequence[int], climbs_since: int | None) -> int:
    """The place of the state without which the others are still spread well, of at least two.

    Of three neighbours the middle one is dropped where their ages are nearest to each other, as shares. The oldest and
    the newest go last of those that may go, and the newest one from before the climb stays.

    Args:
        updates: of each state, ascending.
        climbs_since: the update from which on the loss has climbed; None where it has not.
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
