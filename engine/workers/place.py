"""A place that computes: what races and questions know of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from engine.text.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to compute.

    Attributes:
        name: as the user would type it.
        size: how many slices are computed at once.
        open: makes an executor, again where one was lost. Raises UserError where there is none.
        share: makes what every slice is given of the corpus; called behind `open`.
    """

    name: str
    size: int
    open: Callable[[], Executor]
    share: Callable[[Corpus], Any]


@runtime_checkable
class Killable(Protocol):
    """An executor that need not wait for what it computes."""

    def kill(self) -> None:
        """End what is under way at once, and give back what it took."""
