"""Runs a race: hands out slices, records their results, and ends once the verdict is known."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from typing import Any

from engine.errors import UserError
from engine.lab import Lab
from engine.race.entrant import Entrant
from engine.race.lanes import stored_lane
from engine.race.result import Lane
from engine.race.slice import Trained, train_slice
from engine.race.statistics.standing import Standing, standing
from engine.race.store import Race, Races
from engine.race.view import DONE, FAILED, RUNNING, STOPPED
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.workers.place import Killable, Place

POLL_SECONDS = 0.2
"""The longest time that a stop goes unnoticed."""

MOST_LOSSES = 4
"""The race is given up when one slice, or executors without any result between them, are lost this many times."""

Key = tuple[int, int]
"""A lane's replicate and variant; sorted, keys give the order in which lanes are trained."""


class Racing:
    """Runs a race of the lab, from its start or from where it was interrupted, in the thread that calls `run`.

    Args:
        lab: the lab, open for writing in this thread.
        race: a race of that lab.
        corpus: the race's text.
        origin: the state at the plan's origin; None for fresh networks.
        place: where slices are computed.
        listener: called with the standing at the start, and again whenever it has changed.
    """

    def __init__(
        self,
        lab: Lab,
        race: Race,
        corpus: Corpus,
        origin: State | None,
        place: Place,
        listener: Callable[[Standing], None],
    ) -> None:
        self._lab, self._races, self._race = lab, Races(lab), race
        self._corpus, self._origin, self._place = corpus, origin, place
        self._listener = listener
        self._entrants: dict[Key, Entrant] = {}
        self._finished: dict[Key, Lane] = {}
        self._futures: dict[Future[Trained], Key] = {}
        self._losses: Counter[Key] = Counter()
        self._in_a_row = 0
        self._results = race.results
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the race soon; may be called from any thread. Finished slices are kept, and the race can be resumed."""
        self._stopped.set()

    def run(self) -> Standing:
        """Run the race and return its final standing.

        Raises UserError where the race cannot go on; finished slices are kept.
        """
        with self._races.hold(self._race):
            self._set(RUNNING, "")
            try:
                self._take_up()
                stands = self._train()
            except UserError as error:
                self._end(FAILED, str(error))
                raise
            except Exception as error:
                self._end(FAILED, f"an error in this program: {type(error).__name__}")
                raise
            except BaseException:
                self._end(STOPPED, "interrupted")
                raise
            if stands.open:
                self._end(STOPPED, "stopped before the verdict")
            else:
                self._end(DONE, "")
            return stands

    # --- slices --------------------------------------------------------------------------------------------------

    def _train(self) -> Standing:
        stands = self._tell()
        while stands.open and not self._stopped.is_set():
            try:
                with self._executor() as executor:
                    shared = self._place.share(self._corpus)
                    while stands.open and not self._stopped.is_set():
                        self._hand_out(executor, shared, stands)
                        done, _ = wait(self._futures, POLL_SECONDS, FIRST_COMPLETED)
                        self._take(done)
                        if done:
                            stands = self._tell()
            except BrokenExecutor as error:
                self._lost(error)
                stands = self._tell()  # the next turn of the loop opens another executor
            finally:
                self._futures.clear()
        return stands

    @contextmanager
    def _executor(self) -> Iterator[Executor]:
        executor = self._place.open()
        try:
            yield executor
        finally:
            if isinstance(executor, Killable):
                executor.kill()
            else:
                executor.shutdown(wait=False, cancel_futures=True)

    def _hand_out(self, executor: Executor, shared: Any, stands: Standing) -> None:
        """Submit slices until the place is full: earlier seeds first, the variants of a seed side by side."""
        under_way = set(self._futures.values())
        for replicate in range(self._race.plan.seeds):
            for variant in sorted(stands.open):
                if len(self._futures) >= self._place.size:
                    return
                key = replicate, variant
                if key in under_way or key in self._finished:
                    continue
                future = executor.submit(train_slice, shared, self._entrant(key).next_slice())
                self._futures[future] = key

    def _entrant(self, key: Key) -> Entrant:
        if key not in self._entrants:
            replicate, variant = key
            self._entrants[key] = Entrant(self._lab, self._race, self._corpus, self._origin, variant, replicate)
        return self._entrants[key]

    def _take(self, done: set[Future[Trained]]) -> None:
        """Record the results of slices; raises BrokenExecutor where a slice was lost with its worker."""
        for future in sorted(done, key=lambda each: (each.exception() is not None, self._futures[each])):
            trained = future.result()
            self._in_a_row = 0
            key = self._futures.pop(future)
            self._losses.pop(key, None)
            entrant = self._entrants[key]
            entrant.take(trained)
            if entrant.lane.done:
                self._finished[key] = entrant.lane

    def _lost(self, error: BrokenExecutor) -> None:
        """Count the lost slices; each is computed again, from the same state to the same bits.

        Raises UserError where `MOST_LOSSES` is reached.
        """
        self._in_a_row += 1
        self._losses.update(self._futures.values())
        where = ""
        for (replicate, variant), losses in self._losses.items():
            if losses >= MOST_LOSSES:
                where = f" on {self._race.plan.variants[variant].label}, seed {replicate + 1}"
        if where or self._in_a_row >= MOST_LOSSES:
            name = self._race.name
            raise UserError(
                f"race {name} was given up: workers died {MOST_LOSSES} times{where}; finished work is kept"
            ) from error

    # --- standing ------------------------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Restore the lanes that the lab already has of this race."""
        for run in self._lab.runs(self._race.number):
            lane = stored_lane(self._lab, self._race.plan, run)
            key = lane.replicate, lane.variant
            if lane.done:
                self._finished[key] = lane
            else:
                self._entrant(key).go_on(run)

    def _tell(self) -> Standing:
        lanes = [entrant.lane for entrant in self._entrants.values()] + list(self._finished.values())
        stands = standing(self._race.plan, lanes)
        self._results = stands.results
        self._listener(stands)
        return stands

    def _set(self, status: str, says: str) -> None:
        self._races.set(self._race, status=status, says=says, results=self._results)

    def _end(self, status: str, says: str) -> None:
        for entrant in self._entrants.values():
            if not entrant.lane.done:
                entrant.close(STOPPED)
        self._set(status, says)
