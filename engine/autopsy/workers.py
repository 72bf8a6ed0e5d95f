"""Replays computed side by side, where races are computed too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any

from engine.autopsy.replay import Look, Replay, look
from engine.errors import UserError
from engine.race.slice import Slice, Trained, train_slice
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.workers.place import Killable, Place

POLL_SECONDS = 0.2
"""How long a stop may go unnoticed, in seconds."""

MOST_LOSSES = 4
"""How often workers may die before the autopsy is given up."""


class Stopped(Exception):  # noqa: N818 - it is no error
    """Somebody asked to stop."""


class Workers:
    """Computes replays on a place until they are done; to be used with `with`.

    Args:
        place: where.
        corpus: the text.
        stopped: set when all is to end soon.
    """

    def __init__(self, place: Place, corpus: Corpus, stopped: threading.Event) -> None:
        self._place, self._corpus, self._stopped = place, corpus, stopped
        self._executor: Executor | None = None
        self._shared: Any = None
        self._losses = 0

    def __enter__(self) -> Workers:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def replay(self, replays: Sequence[Replay], tell: Callable[[float], None]) -> None:
        """Bring every replay to its end; `tell` is told the share that is done.

        Raises Stopped when it is to end, UserError where workers keep dying.
        """
        under_way: dict[Future[Trained], Replay] = {}
        while not all(each.done for each in replays):
            try:
                waiting = [each for each in replays if not each.done and each not in under_way.values()]
                for each in waiting[: self._place.size - len(under_way)]:
                    under_way[self._submit(train_slice, each.next_slice())] = each
                for future in self._finished(under_way):
                    under_way[future].take(future.result())
                    del under_way[future]
            except BrokenExecutor as error:
                under_way.clear()
                self._again(error)
            tell(sum(each.share for each in replays) / len(replays))

    def look(self, state: State) -> Look:
        """What instruments say of a state."""
        seen: Look = self._one(look, state)
        return seen

    def fresh(self, settings: Settings) -> State:
        """The state of a network that has not been trained."""
        state: State = self._one(train_slice, Slice(settings, None, (), validated=False)).state
        return state

    def _finished(self, futures: Any) -> list[Future[Any]]:
        if self._stopped.is_set():
            raise Stopped
        return list(wait(futures, POLL_SECONDS, FIRST_COMPLETED).done)

    def _one(self, function: Callable[..., Any], task: object) -> Any:
        while True:
            try:
                future = self._submit(function, task)
                while not self._finished([future]):
                    pass
                return future.result()
            except BrokenExecutor as error:
                self._again(error)

    def _submit(self, function: Callable[..., Any], task: object) -> Future[Any]:
        if self._executor is None:
            raise ValueError("the workers are closed")
        return self._executor.submit(function, self._shared, task)

    def _again(self, error: BrokenExecutor) -> None:
        """What was under way is computed again, from the same states to the same bits."""
        self._losses += 1
        if self._losses >= MOST_LOSSES:
            raise UserError(
                f"the autopsy was given up: workers died {MOST_LOSSES} times; nothing was changed"
            ) from error
        self._close()
        self._open()

    def _open(self) -> None:
        self._executor = self._place.open()
        self._shared = self._place.share(self._corpus)

    def _close(self) -> None:
        executor = self._executor
        self._executor = None
        if executor is None:
            return
        if isinstance(executor, Killable):
            executor.kill()
        else:
            executor.shutdown(wait=False, cancel_futures=True)
