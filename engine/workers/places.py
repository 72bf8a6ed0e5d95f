"""The places where slices are computed, each as an `Executor`: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from engine.errors import UserError
from engine.network.compute import usable_processors
from engine.workers.place import Place
from engine.workers.processes import Processes
from engine.workers.ray_address import CLIENT, RAY

HERE = "here"


def place(name: str, size: int | None = None) -> Place:
    """The place that `here`, `ray` or `ray://HOST:PORT` names; raises UserError where there is no such place.

    Args:
        name: the name as the user typed it.
        size: the number of slices computed at once; None for one per processor, or one per GPU on a cluster with GPUs.
    """
    if name == HERE:
        workers = size or usable_processors()
        return Place(HERE, workers, lambda: Processes(workers), lambda corpus: corpus)
    if name == RAY or name.startswith(CLIENT):
        from engine.workers.ray_cluster import ray_place

        return ray_place(name, size)
    raise UserError(f"--on {name}: expected {HERE}, {RAY} or {CLIENT}HOST:PORT")
