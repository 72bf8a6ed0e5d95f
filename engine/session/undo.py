"""The states that a training can go back to."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.commands import Turn
from engine.training.state import State

MOST_BYTES = 256 * 2**20
"""The most memory that kept states may take, in bytes; the newest one is kept whatever its size."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry that undo can go back to: from before a change, or kept in case an update is not finite.

    Attributes:
        label: the change or the trouble that going back undoes, in a few words.
        back: the state to go back to; or a turn back, for a knob that no update depends on.
        by_change: whether it was kept because of a change.
    """

    label: str
    back: State | Turn
    by_change: bool


class KeptStates:
    """A stack of entries to go back to, oldest first, with bounded memory."""

    def __init__(self) -> None:
        self._stack: list[Kept] = []

    def push(self, kept: Kept) -> None:
        """Add an entry. Only the last two that no change caused stay, and the oldest go when memory is used up."""
        self._stack.append(kept)
        for_trouble = [entry for entry in self._stack if not entry.by_change]
        if len(for_trouble) > 2:
            self._stack.remove(for_trouble[0])
        while len(self._stack) > 1 and self._size() > MOST_BYTES:
            del self._stack[0]

    def last_change(self) -> Kept | None:
        """The newest entry that was kept because of a change; None where there is none."""
        return next((kept for kept in reversed(self._stack) if kept.by_change), None)

    def last_state(self) -> Kept | None:
        """The newest entry with a state, whatever the reason it was kept; None where there is none."""
        return next((kept for kept in reversed(self._stack) if isinstance(kept.back, State)), None)

    def drop_from(self, kept: Kept) -> None:
        """Forget `kept` and every entry after it."""
        del self._stack[next(place for place, entry in enumerate(self._stack) if entry is kept) :]

    def _size(self) -> int:
        return sum(entry.back.size() for entry in self._stack if isinstance(entry.back, State))
