"""Where slices are computed, behind the standard library's `Executor`: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from engine.errors import UserError
from engine.network.compute import usable_processors
from engine.workers.place import Place
from engine.workers.processes import Processes
from engine.workers.ray_address import CLIENT, RAY

HERE = "here"


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
        from engine.workers.ray_cluster import ray_place

        return ray_place(name, size)
    raise UserError(f"--on {name}: expected {HERE}, {RAY} or {CLIENT}HOST:PORT")
