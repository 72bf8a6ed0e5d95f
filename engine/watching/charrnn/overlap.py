"""Whether the sequences on which a loss without gradient is computed are those that were trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST, DISTINCT = 8, 4
"""The fewest numbers of a sequence, and the fewest different ones, by which it is known again."""

MOST_TRAINED, MOST_CHECKED = 50_000, 2_000
"""The most sequences that are remembered, and the most that are looked for."""

ENOUGH = 32
"""The sequences that must have been looked for."""

TRAINED = 0.3
"""The share of them that must have been trained on. Not all that was trained on is remembered."""

TWICE = 0.1
"""The share that may be there twice by themselves, in either part: where texts are short, many are alike."""

NONE_OF = 0.25
"""The share of batches of which none was trained on, from which there is a set of its own beside the training data."""

MULTIPLIER = 6364136223846793005
"""That of Knuth's generator (MMIX): the products of a number with its powers are far apart."""


class Overlap:
    """Remembers some sequences that were trained on, and looks for those of a validation among them."""

    def __init__(self) -> None:
        self._trained: set[int] = set()
        self._checked: set[int] = set()
        self._given: Tensor | None = None
        self._told = False
        self._rows = self._again = 0
        self.checked = self.found = self._twice = self._batches = self._without = 0
        """The sequences that were looked for, and those that were found."""

    @property
    def is_done(self) -> bool:
        """Whether nothing more is looked for."""
        return self._told or self.checked >= MOST_CHECKED

    def trained(self, ids: Tensor) -> None:
        """These sequences are trained on."""
        if self.is_done or len(self._trained) >= MOST_TRAINED:
            return
        keys = list(_keys(ids))
        again = sum(key in self._trained for key in keys)
        if again < len(keys):  # Else an epoch has begun anew.
            self._rows, self._again = self._rows + len(keys), self._again + again
        self._trained.update(keys)

    def given(self, ids: Tensor) -> None:
        """These are given to a network without gradient: perhaps a loss follows."""
        self._given = ids

    def loss_computed(self) -> bool:
        """A loss without gradient was computed; returns whether it is now known that its data is trained on."""
        ids, self._given = self._given, None
        if ids is None or self.is_done or not self._trained:
            return False
        keys = list(_keys(ids))
        found = sum(key in self._trained for key in keys)
        self._twice += len(keys) - len(set(keys) - self._checked)
        self._checked.update(keys)
        self.checked, self.found = self.checked + len(keys), self.found + found
        self._batches, self._without = self._batches + bool(keys), self._without + (bool(keys) and not found)
        self._told = (
            self.checked >= ENOUGH
            and self.found > TRAINED * self.checked
            and self._twice <= TWICE * self.checked
            and self._again <= TWICE * self._rows
            and self._without < NONE_OF * self._batches
        )
        return self._told


def _keys(ids: Tensor) -> Iterator[int]:
    """A number for each sequence that can be known again, of either direction."""
    import torch

    if ids.dim() != 2 or ids.is_floating_point() or not ids.numel():
        return
    for axis in (0, 1):
        rows = ids.detach().cpu().long().movedim(axis, 0)
        if rows.shape[1] < SHORTEST:
            continue
        ordered = rows.sort(1).values
        distinct = (ordered[:, 1:] != ordered[:, :-1]).sum(1) + 1
        powers = torch.full((rows.shape[1],), MULTIPLIER).cumprod(0)  # Overflow wraps, as it is meant to.
        keys = ((rows + 1) * powers).sum(1) ^ (axis << 1)
        yield from keys[distinct >= DISTINCT].tolist()
