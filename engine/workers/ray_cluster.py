"""An `Executor` that computes slices on a Ray cluster."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import BrokenExecutor, Executor, Future
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

from engine.errors import UserError
from engine.network.compute import usable_processors
from engine.text.corpus import Corpus
from engine.workers.place import Place
from engine.workers.processes import spawning
from engine.workers.ray_address import CLIENT, address_of, check_answers, named
from engine.workers.ray_driver import Answer, Call, Found, Share, drive
from engine.workers.task import Shared, pack

OPEN_SECONDS = 90.0
"""The seconds that a cluster may take to start, or to accept the connection."""

END_SECONDS = 15.0
"""The seconds that it may take to leave a cluster, and to end the processes that were started for it."""

P = ParamSpec("P")
T = TypeVar("T")


def ray_place(name: str, size: int | None) -> Place:
    """The cluster that `ray` or `ray://HOST:PORT` names.

    This connects at once, so that nothing is begun without a cluster; raises UserError where there is none.

    Args:
        name: the name as the user typed it.
        size: the number of slices computed at once; None for as many as the cluster can compute.
    """
    if importlib.util.find_spec("ray") is None:
        raise UserError(f"--on {name}: Ray is not installed here: pip install 'charrnn-tui[ray]'")
    cluster = _Cluster(address_of(name), size or usable_processors())
    there = cluster.tasks.found.size
    return Place(name, min(size, there) if size else there, cluster.open, cluster.share)


class _Cluster:
    """A cluster; after the connection was lost or closed, `open` makes another one."""

    def __init__(self, address: str, size: int) -> None:
        self._size = size
        self.tasks = RayTasks(address, size)

    def open(self) -> RayTasks:
        if self.tasks.closed:
            self.tasks = RayTasks(self.tasks.found.address, self._size)
        return self.tasks

    def share(self, corpus: Corpus) -> Shared:
        return self.tasks.share(corpus)


class RayTasks(Executor):
    """Tasks on a Ray cluster, each with a processor, and with a GPU where the cluster has any.

    A task that is lost with its worker is computed again. A future raises BrokenExecutor where the cluster was lost,
    and UserError where the user has to correct something before another try.

    Attributes:
        found: the cluster.
    """

    def __init__(self, address: str, size: int) -> None:
        """Connect; raises UserError where there is no such cluster, or it refuses the connection.

        Args:
            address: `ray://HOST:PORT`, `HOST:PORT`, `NOTED` or `LOCAL`.
            size: the number of tasks that a cluster started here computes at once.
        """
        check_answers(address)
        if address.startswith(CLIENT) and importlib.util.find_spec("grpc") is None:
            raise UserError(f"{address} needs Ray's client: pip install 'charrnn-tui[ray]'")
        context = spawning()
        self._pipe, theirs = context.Pipe()
        self._driver = context.Process(target=drive, args=(theirs, address, size), name="ray", daemon=True)
        self._driver.start()
        theirs.close()
        self._lock = Lock()
        self._numbers = itertools.count()
        self._futures: dict[int, Future[Any]] = {}
        self._over = ""
        self.found = self._greeted(address)
        Thread(target=self._listen, name="ray", daemon=True).start()

    @property
    def closed(self) -> bool:
        """Whether it takes no more tasks."""
        return bool(self._over)

    def share(self, corpus: Corpus) -> Shared:
        """Copy a text to the cluster once, for every task that has the returned placeholder among its arguments."""
        with self._lock:
            self._send(Share(corpus))
        return Shared()

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a module's function on the cluster; raises BrokenExecutor where the cluster was lost or left."""
        task = pack(function, args, kwargs)
        future: Future[T] = Future()
        with self._lock:
            number = next(self._numbers)
            self._send(Call(number, task))
            self._futures[number] = future
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, after the tasks under way unless these are cancelled; end it where it was started here."""
        if not cancel_futures:
            futures.wait(list(self._futures.values()))
        with self._lock:
            if not self._over:
                self._send(None)
                self._over = "the connection to the Ray cluster was closed"
            cancelled, self._futures = list(self._futures.values()), {}
        for future in cancelled:
            future.cancel()
        if wait:
            self._end()

    def kill(self) -> None:
        """Leave the cluster at once; the tasks under way are lost."""
        self.shutdown(wait=True, cancel_futures=True)

    def _greeted(self, address: str) -> Found:
        try:
            answer = self._pipe.recv() if self._pipe.poll(OPEN_SECONDS) else None
        except (EOFError, OSError):
            answer = UserError("Ray ended while it started; its logs are in the folder `ray` of temporary files")
        if isinstance(answer, Found):
            return answer
        if answer is None:
            self._driver.kill()
        self._end()
        raise answer or UserError(f"the Ray cluster {named(address)} did not answer within {OPEN_SECONDS:.0f} seconds")

    def _send(self, message: Share | Call | None) -> None:
        """Send the driver a message; the caller holds the lock."""
        if self._over:
            raise BrokenExecutor(self._over)
        try:
            self._pipe.send(message)
        except OSError as error:
            raise BrokenExecutor("the Ray cluster was lost: its driver ended") from error

    def _listen(self) -> None:
        """Pass on the answers, until the driver has ended."""
        try:
            while True:
                self._take(self._pipe.recv())
        except (EOFError, OSError):
            lost = BrokenExecutor("the Ray cluster was lost: its driver ended")
        with self._lock:
            self._over = self._over or str(lost)
            left, self._futures = list(self._futures.values()), {}
        for future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(lost)

    def _take(self, answer: Answer) -> None:
        with self._lock:
            future = self._futures.pop(answer.number, None)
        if future is not None and future.set_running_or_notify_cancel():
            answer.outcome.settle(future)

    def _end(self) -> None:
        """Wait until the driver has ended."""
        self._driver.join(END_SECONDS)
        if self._driver.is_alive():
            self._driver.kill()
            self._driver.join()
