"""The place where slices are computed, as its users see it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from engine.text.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Place:
    """A place to compute on.

    Attributes:
        name: its name as the user would type it.
        size: the number of slices that it computes at once.
        open: returns an executor, and another one after the first was lost; raises UserError where there is none.
        share: returns the corpus in the form in which every slice gets it; called after `open`.
    """

    name: str
    size: int
    open: Callable[[], Executor]
    share: Callable[[Corpus], Any]


@runtime_checkable
class Killable(Protocol):
    """An executor that can end without waiting for its tasks."""

    def kill(self) -> None:
        """End the tasks under way at once, and release what they used."""
