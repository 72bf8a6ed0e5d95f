"""Slices in processes of this machine, behind the standard library's `Executor`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import redirect_stderr, suppress
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

from engine.workers.task import carry_out, pack

P = ParamSpec("P")
T = TypeVar("T")


class Processes(Executor):
    """Processes of this machine, a thread each.

    The standard library's pool waits for ever where a worker dies while it sends what it has computed, and a network's
    state is large enough for that to happen. Here each worker has a pipe of its own, which ends with it: the future
    that it was computing has a BrokenExecutor then, and nothing more is taken. What a task raises arrives as a
    UserError, or as a RuntimeError with the traceback.
    """

    def __init__(self, workers: int) -> None:
        context = spawning()
        self._tasks: SimpleQueue[tuple[Future[Any], bytes] | None] = SimpleQueue()
        self._lock = Lock()
        self._over = ""
        self._workers: list[SpawnProcess] = []
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
        """Whether it takes no task any more."""
        return bool(self._over)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function of a module computed; raises BrokenExecutor where a worker has died or all were sent away."""
        task = pack(function, args, kwargs)
        future: Future[T] = Future()
        with self._lock:
            if self._over:
                raise BrokenExecutor(self._over)
            self._tasks.put((future, task))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Send the workers away, after what was asked for unless that is cancelled."""
        self._end("the workers were sent away", drop=cancel_futures)
        if wait:
            self._join()

    def kill(self) -> None:
        """End every process at once; what they were computing is lost."""
        self._end("the workers were killed", drop=True)
        for worker in self._workers:
            worker.kill()
        self._join()

    def _tend(self, pipe: Connection) -> None:
        """Hand one task after the other to a worker, and pass on what comes back."""
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
        """Take no more tasks; those that no worker has begun are dropped or still done."""
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


def spawning() -> SpawnContext:
    """What starts processes, whatever the screen does with standard error: a fork of one that has threads may hang."""
    # The process that clears up behind multiprocessing is given our standard error. What Textual puts in the place of
    # that while it runs has no file behind it.
    if os.name == "posix":
        with redirect_stderr(sys.__stderr__):
            resource_tracker.ensure_running()
    return multiprocessing.get_context("spawn")


def work(pipe: Connection) -> None:
    """Be a worker: carry out what comes through the pipe until that ends."""
    # Whoever watches the race decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, name="parent", daemon=True).start()
    import engine.training.trainer  # noqa: F401 - loads torch while the other process still prepares the first task

    with suppress(EOFError, OSError):
        while True:
            pipe.send(carry_out(pipe.recv_bytes()))


def _end_with_parent() -> None:
    """Where the parent is killed nobody tells its workers, and they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
