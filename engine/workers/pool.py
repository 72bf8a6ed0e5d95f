"""Worker processes that outlive their users: a question runs several races, and loading torch takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from typing import Any, ParamSpec, TypeVar

from engine.workers.place import Place
from engine.workers.places import HERE
from engine.workers.processes import Processes

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Pool:
    """Processes of this machine that start immediately, and stay until the pool is closed.

    Args:
        size: the number of processes.

    Attributes:
        place: lends the processes to one user after another; where one of them has died, all are started again.
    """

    def __init__(self, size: int) -> None:
        self.place = Place(HERE, size, self._lend, lambda corpus: corpus)
        self._processes = Processes(size)

    def close(self) -> None:
        """End every process at once."""
        self._processes.kill()

    def _lend(self) -> Executor:
        if self._processes.closed:
            self._processes.kill()
            self._processes = Processes(self.place.size)
        return _Lent(self._processes)


class _Lent(Executor):
    """An executor for one user of a pool, who may shut it down; the processes stay."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._under_way: set[Future[Any]] = set()

    def submit(
        self, task: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        future = self._processes.submit(task, *args, **kwargs)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give the processes back; with `cancel_futures`, cancel the tasks that have not begun."""
        under_way = tuple(self._under_way)
        for future in under_way if cancel_futures else ():
            future.cancel()
        if wait:
            wait_for(under_way)
