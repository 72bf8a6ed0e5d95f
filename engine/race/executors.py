"""Where slices are computed, behind the standard library's `Executor`: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from engine.compute import usable_processors
from engine.corpus import Corpus
from engine.errors import UserError
from engine.race.processes import Processes
from engine.race.ray_address import CLIENT, RAY

HERE = "here"


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


def place(name: str, size: int | None = None) -> Place:
    """The place that `here`, `ray` or `ray://HOST:PORT` names; raises UserError where there is no such one.

    Args:
        name: as the user typed it.
        size: how many slices are computed at once; None for one a processor, or for one a GPU of a cluster with any.
    """
    if name == HERE:
        workers = size or usable_processors()
        return Place(HERE, workers, lambda: Processes(workers), lambda corpus: corpus)
    if name == RAY or name.startswith(CLIENT):
        from engine.race.ray_cluster import ray_place

        return ray_place(name, size)
    raise UserError(f"--on {name}: expected {HERE}, {RAY} or {CLIENT}HOST:PORT")


@runtime_checkable
class Killable(Protocol):
    """An executor that need not wait for what it computes."""

    def kill(self) -> None:
        """End what is under way at once, and give back what it took."""
