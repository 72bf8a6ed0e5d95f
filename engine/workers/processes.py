"""An `Executor` that computes slices in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import redirect_stderr, suppress
from multiprocessing import connection, forkserver, resource_tracker
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from engine.workers.task import carry_out, pack

if TYPE_CHECKING:  # Windows has no fork server
    from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess

P = ParamSpec("P")
T = TypeVar("T")

LOADED = ["engine.training.trainer"]
"""The modules that a worker finds loaded. Torch alone takes seconds."""


class Processes(Executor):
    """Worker processes of this machine, each served by its own thread.

    The standard library's pool waits forever where a worker dies while it sends a result, and a network's state is
    large enough for that to happen. Here each worker has its own pipe, which closes when the worker dies. The future
    of its task then raises BrokenExecutor, and no more tasks are taken. An exception of a task arrives as a UserError,
    or as a RuntimeError with the traceback.

    Args:
        workers: the number of processes.
    """

    def __init__(self, workers: int) -> None:
        context = _context()
        self._tasks: SimpleQueue[tuple[Future[Any], bytes] | None] = SimpleQueue()
        self._lock = Lock()
        self._over = ""
        self._workers: list[ForkServerProcess | SpawnProcess] = []
        self._tending: list[Thread] = []
        for _ in range(workers):
            pipe, theirs = context.Pipe()
            worker = context.Process(target=work, args=(theirs,), name="worker", daemon=True)
            worker.start()
            theirs.close()
            self._workers.append(worker)
            self._tending.append(Thread(target=self._tend, args=(pipe,), name="worker", daemon=True))
        for thread in self._tending:
            thread.start()

    @property
    def closed(self) -> bool:
        """Whether it takes no more tasks."""
        return bool(self._over)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a module's function in a worker; raises BrokenExecutor after a worker has died, or after `shutdown`."""
        task = pack(function, args, kwargs)
        future: Future[T] = Future()
        with self._lock:
            if self._over:
                raise BrokenExecutor(self._over)
            self._tasks.put((future, task))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, after the submitted tasks unless these are cancelled."""
        self._end("the workers were shut down", drop=cancel_futures)
        if wait:
            self._join()

    def kill(self) -> None:
        """End every process at once; the tasks under way are lost."""
        self._end("the workers were killed", drop=True)
        for worker in self._workers:
            worker.kill()
        self._join()

    def _tend(self, pipe: Connection) -> None:
        """Send one task after another to a worker, and pass on the outcomes."""
        with pipe:
            while (asked := self._tasks.get()) is not None:
                future, task = asked
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    pipe.send_bytes(task)
                    outcome = pipe.recv()
                except (EOFError, OSError):
                    lost = "a worker died"
                    self._end(lost, drop=True)
                    future.set_exception(BrokenExecutor(lost))
                    return
                outcome.settle(future)

    def _end(self, why: str, *, drop: bool) -> None:
        """Take no more tasks; those that no worker has begun are dropped with `drop`, and still computed without."""
        with self._lock:
            self._over = self._over or why
            dropped = []
            while drop and not self._tasks.empty():
                if asked := self._tasks.get():
                    dropped.append(asked[0])
            for _ in self._tending:
                self._tasks.put(None)
        for future in dropped:
            if future.set_running_or_notify_cancel():
                future.set_exception(BrokenExecutor(why))

    def _join(self) -> None:
        for thread in self._tending:
            thread.join()
        for worker in self._workers:
            worker.join()


def _context() -> ForkServerContext | SpawnContext:
    """A context whose processes have torch loaded from the start, where the system can fork.

    They are copies of a process that has loaded it and has computed nothing, so that each of them starts at once and
    shares its memory with the others. That process ends with this one.
    """
    if os.name != "posix":
        return spawning()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    # Ctrl-C reaches every process of a terminal, and this one decides what it means. What it starts inherits the block.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with redirect_stderr(sys.__stderr__):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


def spawning() -> SpawnContext:
    """A context that spawns processes: a fork of a process with threads may hang."""
    # The resource tracker of multiprocessing inherits standard error. While Textual runs, it replaces standard error
    # by an object without a file.
    if os.name == "posix":
        with redirect_stderr(sys.__stderr__):
            resource_tracker.ensure_running()
    return multiprocessing.get_context("spawn")


def work(pipe: Connection) -> None:
    """Carry out the tasks that come through the pipe until it closes."""
    # The parent decides when a race ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, name="parent", daemon=True).start()
    import engine.training.trainer  # noqa: F401 - a worker that was not forked loads torch meanwhile

    with suppress(EOFError, OSError):
        while True:
            pipe.send(carry_out(pipe.recv_bytes()))


def _end_with_parent() -> None:
    """End when the parent ends: a killed parent cannot tell its workers, and they would wait forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
