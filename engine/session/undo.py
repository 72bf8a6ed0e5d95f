"""The states that a training can go back to."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.commands import Turn
from engine.training.state import State

MOST_BYTES = 256 * 2**20
"""How much memory kept states may take; the newest one is kept whatever its size."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The state before a change, or one that was kept now and then in case an update is not finite.

    Attributes:
        label: what going back to it undoes, in a few words.
        back: what takes it back: everything that the next update depends on, or the value before of a knob that no
            update depends on.
        by_change: whether a change was the reason to keep it.
    """

    label: str
    back: State | Turn
    by_change: bool


class KeptStates:
    """A stack of states, oldest first, bounded in memory."""

    def __init__(self) -> None:
        self._stack: list[Kept] = []

    def push(self, kept: Kept) -> None:
        """Keep one more; of those kept for trouble only the last two stay, and the oldest go where memory ends."""
        self._stack.append(kept)
        for_trouble = [entry for entry in self._stack if not entry.by_change]
        if len(for_trouble) > 2:
            self._stack.remove(for_trouble[0])
        while len(self._stack) > 1 and self._size() > MOST_BYTES:
            del self._stack[0]

    def last_change(self) -> Kept | None:
        """The newest that was kept because of a change."""
        return next((kept for kept in reversed(self._stack) if kept.by_change), None)

    def last_state(self) -> Kept | None:
        """The newest with a state, whatever it was kept for."""
        return next((kept for kept in reversed(self._stack) if isinstance(kept.back, State)), None)

    def drop_from(self, kept: Kept) -> None:
        """Forget `kept` and every state kept after it."""
        del self._stack[next(place for place, entry in enumerate(self._stack) if entry is kept) :]

    def _size(self) -> int:
        return sum(entry.back.size() for entry in self._stack if isinstance(entry.back, State))
