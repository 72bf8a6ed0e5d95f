"""Worker processes that outlive a race: a question runs several, and loading torch takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from concurrent.futures import wait as wait_for
from typing import Any, ParamSpec, TypeVar

from engine.workers.place import Place
from engine.workers.places import HERE
from engine.workers.processes import Processes

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Pool:
    """Processes of this machine, a thread each, made anew where one died.

    Attributes:
        size: how many tasks are computed at once.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._processes = Processes(size)

    def submit(
        self, task: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        """Have a task computed."""
        try:
            return self._processes.submit(task, *args, **kwargs)
        except BrokenExecutor:
            self._processes.kill()
            self._processes = Processes(self.size)
            return self._processes.submit(task, *args, **kwargs)

    def place(self) -> Place:
        """The same processes as a place for a race's slices."""
        return Place(HERE, self.size, lambda: _Borrowed(self), lambda corpus: corpus)

    def close(self) -> None:
        """End every process at once."""
        self._processes.kill()


class _Borrowed(Executor):
    """What a race takes for an executor of its own: it may shut it down, and the processes stay."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._futures: list[Future[Any]] = []

    def submit(
        self, task: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        future = self._pool.submit(task, *args, **kwargs)
        self._futures.append(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take back what has not begun."""
        for future in self._futures if cancel_futures else ():
            future.cancel()
        if wait:
            wait_for(self._futures)
