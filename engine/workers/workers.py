"""Tasks on a place: a task that is lost when a worker dies is computed again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

from engine.errors import UserError
from engine.text.corpus import Corpus
from engine.workers.place import Killable, Place

POLL_SECONDS: Final = 0.2
"""The longest that `Workers.finished` waits, and so the longest that a stop goes unnoticed."""

MOST_LOSSES: Final = 4
"""The losses of one task, or in a row without a result in between, after which no further try is made."""

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class WorkersDiedError(UserError):
    """Workers died MOST_LOSSES times.

    Attributes:
        key: the task that was lost each time; None where there is no such task, or more than one.
    """

    def __init__(self, key: Any) -> None:
        super().__init__(f"workers died {MOST_LOSSES} times")
        self.key = key


class Workers(Generic[Key, Result]):
    """Computes tasks on a place. Use it with `with`, in one thread; tasks still under way at its end are dropped.

    A task is a function of a module, called with the corpus and further arguments. When workers die, another executor
    is opened, and it is sent every task under way again: the same arguments give the same bits. No executor is opened
    before there is a task.

    Args:
        place: where tasks are computed.
        corpus: the first argument of every task.
    """

    def __init__(self, place: Place, corpus: Corpus) -> None:
        self._place, self._corpus = place, corpus
        self._executor: Executor | None = None
        self._shared: Any = None
        self._tasks: dict[Key, tuple[Callable[..., Result], tuple[Any, ...]]] = {}
        self._futures: dict[Future[Result], Key] = {}
        self._losses: Counter[Key] = Counter()
        self._in_a_row = 0

    def __enter__(self) -> Workers[Key, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def under_way(self) -> Collection[Key]:
        """The keys of the tasks whose results have not come back."""
        return self._tasks.keys()

    @property
    def room(self) -> int:
        """The number of further tasks that the place can compute at once."""
        return self._place.size - len(self._tasks)

    def submit(self, key: Key, function: Callable[..., Result], *arguments: Any) -> None:
        """Add a task; the next call of `finished` sends it off.

        Args:
            key: names the task and its result; no task under way has the same.
            function: called with the corpus and the arguments.
        """
        self._tasks[key] = function, arguments

    def finished(self) -> Iterator[tuple[Key, Result]]:
        """Wait at most POLL_SECONDS for a result, and yield those that are there with their keys, earlier tasks first.

        After the results, raises the exception of a task that failed, and WorkersDiedError where workers keep dying.
        """
        try:
            self._send_off()
            done, _ = wait(self._futures, POLL_SECONDS, FIRST_COMPLETED)
            in_order = [future for future in self._futures if future in done]
            for future in sorted(in_order, key=_has_failed):
                result = future.result()
                key = self._futures.pop(future)
                del self._tasks[key]
                del self._losses[key]
                self._in_a_row = 0
                yield key, result
        except BrokenExecutor as error:
            self._lose(error)

    def _send_off(self) -> None:
        """Give the executor every task that it does not have."""
        sent = set(self._futures.values())
        for key, (function, arguments) in self._tasks.items():
            if key not in sent:
                future = self._opened().submit(function, self._shared, *arguments)
                self._futures[future] = key

    def _opened(self) -> Executor:
        if self._executor is None:
            self._executor = self._place.open()
            self._shared = self._place.share(self._corpus)
        return self._executor

    def _lose(self, error: BrokenExecutor) -> None:
        """Close the executor; another one is sent all tasks again, unless workers have died too often."""
        self._in_a_row += 1
        self._losses.update(key for future, key in self._futures.items() if _is_lost(future))
        self._close()
        given_up = [key for key, losses in self._losses.items() if losses >= MOST_LOSSES]
        if given_up or self._in_a_row >= MOST_LOSSES:
            raise WorkersDiedError(given_up[0] if len(given_up) == 1 else None) from error

    def _close(self) -> None:
        executor = self._executor
        self._executor = None
        self._futures.clear()
        if executor is None:
            return
        # A broken executor may raise again when it is closed.
        with suppress(BrokenExecutor):
            if isinstance(executor, Killable):
                executor.kill()
            else:
                executor.shutdown(wait=False, cancel_futures=True)


def _has_failed(future: Future[Any]) -> bool:
    return future.exception() is not None


def _is_lost(future: Future[Any]) -> bool:
    return future.done() and isinstance(future.exception(), BrokenExecutor)
