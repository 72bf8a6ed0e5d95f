"""The queue of races beside a training: a thread runs them one after the other, and each can be stopped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.events import HypothesisStatus
from engine.lab import Lab
from engine.race.race import NO_VERDICT, Racing
from engine.race.result import RaceStatus, Verdict
from engine.race.statistics.sentence import primary, sentence
from engine.race.statistics.standing import Standing
from engine.race.store import Race, Races
from engine.race.view import RaceView
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.workers.places import HERE, place

TAKEN_OUT = "removed from the queue"


@dataclass(frozen=True, slots=True)
class _Waiting:
    race: Race
    origin: State | None
    size: int


class Desk:
    """Runs the races of one training.

    Args:
        folder: the lab's folder; the desk's thread opens the lab for itself.
        corpus: the training's corpus, which is shared and never written.
        earlier: ended races of other sessions, which are shown among its own.
    """

    def __init__(self, folder: Path, corpus: Corpus, earlier: Sequence[RaceView] = ()) -> None:
        self._folder, self._corpus = folder, corpus
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._views: dict[int, RaceView] = {view.number: view for view in earlier}
        self._racing: Racing | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._to_stop: set[int] = set()
        self._told: set[int] = set(self._views)

    @property
    def idle(self) -> bool:
        """Whether no race runs or waits."""
        return all(view.status.is_over for view in self._views.values())

    def views(self) -> tuple[RaceView, ...]:
        """Every race, in the order of submission."""
        return tuple(self._views.values())

    def ended(self) -> list[RaceView]:
        """The races that have ended since the last call."""
        new = [view for view in self.views() if view.status.is_over and view.number not in self._told]
        self._told |= {view.number for view in new}
        return new

    def submit(self, race: Race, origin: State | None, size: int) -> None:
        """Queue a race, which then computes `size` slices at once; `origin` is the state at the plan's origin."""
        with self._lock:
            self._views = {**self._views, race.number: RaceView(race.number, race.plan)}
            self._told.discard(race.number)
            self._to_stop.discard(race.number)
            self._queue.append(_Waiting(race, origin, size))
            if self._thread is None:
                # Not a daemon: a thread that is killed inside torch takes the process down.
                self._thread = threading.Thread(target=self._run, name="races")
                self._thread.start()

    def stop(self, number: int) -> str:
        """Stop a running race, or remove a waiting one from the queue; return a line that says so.

        Raises UserError where the race neither runs nor waits.
        """
        with self._lock:
            view = self._views.get(number)
            if view is None or view.status.is_over:
                raise UserError(f"no race R{number} is running or waiting")
            if view.status == RaceStatus.RUNNING:
                self._to_stop.add(number)
                if self._racing is not None:
                    self._racing.stop()
                return f"{view.name} is stopped; finished work is kept"
            taken = next(each.race for each in self._queue if each.race.number == number)
            self._queue = deque(each for each in self._queue if each.race is not taken)
            self._set(number, status=RaceStatus.STOPPED, says=TAKEN_OUT)
        with Lab.open(self._folder) as lab:
            Races(lab).set(taken, status=RaceStatus.STOPPED, says=TAKEN_OUT, results=taken.results)
        return f"{view.name} was {TAKEN_OUT}"

    def close(self) -> None:
        """Stop the running race and wait until it is saved; waiting races stay in the lab."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            if self._racing is not None:
                self._racing.stop()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while (waiting := self._next()) is not None:
            number = waiting.race.number
            try:
                with Lab.open(self._folder) as lab:
                    stands = self._race(lab, waiting)
                    _judge(lab, waiting.race, stands)
            except UserError as error:
                self._set(number, status=RaceStatus.FAILED, says=str(error))
            except BaseException as error:
                self._set(number, status=RaceStatus.FAILED, says=f"{type(error).__name__}: {error}")
                raise
            else:
                says = NO_VERDICT if stands.open else ""
                self._set(number, status=RaceStatus.STOPPED if stands.open else RaceStatus.DONE, says=says)

    def _next(self) -> _Waiting | None:
        with self._lock:
            if not self._queue:
                self._thread = None
                return None
            waiting = self._queue.popleft()
            self._set(waiting.race.number, status=RaceStatus.RUNNING)
            return waiting

    def _race(self, lab: Lab, waiting: _Waiting) -> Standing:
        number = waiting.race.number

        def listen(stands: Standing) -> None:
            self._set(number, lanes=stands.lanes, results=stands.results, open=stands.open)

        where = place(HERE, waiting.size)
        racing = Racing(lab, waiting.race, self._corpus, waiting.origin, where, listen)
        with self._lock:
            self._racing = racing
            if self._closed or number in self._to_stop:
                racing.stop()
        try:
            return racing.run()
        finally:
            with self._lock:
                self._racing = None

    def _set(self, number: int, **changes: Any) -> None:
        # A new mapping each time, so that readers in other threads need no lock.
        self._views = {**self._views, number: replace(self._views[number], **changes)}


def _judge(lab: Lab, race: Race, stands: Standing) -> None:
    """Record the race's verdict on the hypothesis that it tests, if it tests one and has a verdict."""
    found = next((each for each in lab.hypotheses.all() if each.race == race.number), None)
    results = primary(stands.results)
    if found is None or not results or stands.open:
        return
    verdict = results[0].verdict
    if verdict not in (Verdict.BETTER, Verdict.WORSE, Verdict.SAME):
        status = HypothesisStatus.UNDECIDED
    elif not found.expected:
        status = found.status
    else:
        status = HypothesisStatus.CONFIRMED if verdict == found.expected else HypothesisStatus.REFUTED
    lab.hypotheses.judge(race.number, status, "; ".join(sentence(race.plan, each) for each in results))
