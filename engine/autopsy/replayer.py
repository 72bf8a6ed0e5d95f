"""Replays that workers compute side by side, until all are done or stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.autopsy.replay import Look, Replay, look
from engine.errors import UserError
from engine.race.slice import Slice, train_slice
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.workers.place import Place
from engine.workers.workers import Workers, WorkersDiedError


class Stopped(Exception):  # noqa: N818 - it is not an error
    """The autopsy was asked to stop."""


class Replayer:
    """Computes replays on a place. Use it with `with`.

    Its methods raise Stopped once `stopped` is set, and UserError where workers keep dying.

    Args:
        place: the place.
        corpus: the text.
        stopped: an event that ends all replays soon.
    """

    def __init__(self, place: Place, corpus: Corpus, stopped: threading.Event) -> None:
        self._workers = Workers[Replay | None, Any](place, corpus)
        self._stopped = stopped

    def __enter__(self) -> Replayer:
        self._workers.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._workers.__exit__(*exception)

    def replay(self, replays: Sequence[Replay], tell: Callable[[float], None]) -> None:
        """Run every replay to its end; `tell` is called with the share that is done, 0 … 1."""
        while not all(each.done for each in replays):
            waiting = [each for each in replays if not each.done and each not in self._workers.under_way]
            for each in waiting[: self._workers.room]:
                self._workers.submit(each, train_slice, each.next_slice())
            for replay, trained in self._finished():
                replay.take(trained)
            tell(sum(each.share for each in replays) / len(replays))

    def look(self, state: State) -> Look:
        """The readings of a state."""
        seen: Look = self._one(look, state)
        return seen

    def fresh(self, settings: Settings) -> State:
        """The state of a network that has not been trained."""
        state: State = self._one(train_slice, Slice(settings, None, (), validated=False)).state
        return state

    def _one(self, function: Callable[..., Any], task: object) -> Any:
        """The result of a task that belongs to no replay."""
        self._workers.submit(None, function, task)
        while True:
            for _, result in self._finished():
                return result

    def _finished(self) -> Iterator[tuple[Any, Any]]:
        if self._stopped.is_set():
            raise Stopped
        try:
            yield from self._workers.finished()
        except WorkersDiedError as error:
            raise UserError(f"the autopsy was given up: {error}; nothing was changed") from error
