"""Where slices are computed: processes of this machine, behind the standard library's `Executor`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from typing import Any

from engine.compute import usable_processors
from engine.corpus import Corpus
from engine.errors import UserError

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
    """The place that `here` names; raises UserError where there is no such one.

    Args:
        name: as the user typed it.
        size: how many slices are computed at once; None for one a processor.
    """
    if name == HERE:
        workers = size or usable_processors()
        return Place(HERE, workers, lambda: Processes(workers), lambda corpus: corpus)
    raise UserError(f"--on {name}: expected {HERE}")


class Processes(ProcessPoolExecutor):
    """Processes of this machine, a thread each."""

    def __init__(self, workers: int) -> None:
        _start_tracker()
        # A fork of a process that has threads may hang.
        super().__init__(workers, multiprocessing.get_context("spawn"), _prepare)
        before = set(multiprocessing.active_children())
        # They load torch while this process still prepares.
        self._warm = [self.submit(_load) for _ in range(workers)]
        self._children = set(multiprocessing.active_children()) - before

    def kill(self) -> None:
        """End every process at once; what they were computing is lost."""
        for child in self._children:
            child.kill()
        self.shutdown(wait=True, cancel_futures=True)


def _start_tracker() -> None:
    """Start the process that clears up behind multiprocessing; it is given our standard error, which may be a screen's.

    What Textual puts in the place of that while it runs has no file behind it.
    """
    with redirect_stderr(sys.__stderr__):
        resource_tracker.ensure_running()


def _prepare() -> None:
    """In a worker, before anything else: whoever watches the race decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    """Where the parent is killed nobody tells its workers, and they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _load() -> None:
    """Load what a slice needs."""
    import engine.race.slice  # noqa: F401
