"""A race while it is run: slices are handed out, what comes back is recorded, and it ends when the verdict is known."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from typing import Any

from engine.errors import UserError
from engine.events import RunStatus
from engine.lab import Lab
from engine.race.entrant import Entrant
from engine.race.lanes import stored_lane
from engine.race.result import Lane, RaceStatus
from engine.race.slice import Trained, train_slice
from engine.race.statistics.standing import Standing, standing
from engine.race.store import Race, Races
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.workers.place import Killable, Place

POLL_SECONDS = 0.2
"""How long a stop may go unnoticed."""

MOST_LOSSES = 4
"""How often a slice, or an executor that computes nothing, may be lost before the race is given up."""

Key = tuple[int, int]
"""A lane by its replicate and its variant: the order in which lanes are trained."""


class Racing:
    """Runs a race of the lab, from its start or from where it was interrupted, in the thread that calls `run`.

    Args:
        lab: open for writing, in this thread.
        race: of that lab.
        corpus: its text.
        origin: the state that its plan names.
        place: where slices are computed.
        listener: told how the race stands, whenever that is another than before.
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
        """Have it end soon; from any thread. What was finished is kept, and it can be gone on with."""
        self._stopped.set()

    def run(self) -> Standing:
        """Race; returns how it stands at the end. Raises UserError where it cannot go on; what was finished is kept."""
        with self._races.hold(self._race):
            self._set(RaceStatus.RUNNING, "")
            try:
                self._take_up()
                stands = self._train()
            except UserError as error:
                self._end(RaceStatus.FAILED, str(error))
                raise
            except Exception as error:
                self._end(RaceStatus.FAILED, f"a fault of this program: {type(error).__name__}")
                raise
            except BaseException:
                self._end(RaceStatus.STOPPED, "interrupted")
                raise
            if stands.open:
                self._end(RaceStatus.STOPPED, "stopped before the verdict")
            else:
                self._end(RaceStatus.DONE, "")
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
                stands = self._tell()  # another executor goes on
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
        """Keep as many slices under way as there is room for: earlier seeds first, variants of a seed side by side."""
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
        """Record what came back; raises BrokenExecutor where something was lost with its worker."""
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
        """Whatever was under way is computed again, from the same states to the same bits."""
        self._in_a_row += 1
        self._losses.update(self._futures.values())
        where = ""
        for (replicate, variant), losses in self._losses.items():
            if losses >= MOST_LOSSES:
                where = f" on {self._race.plan.variants[variant].label}, seed {replicate + 1}"
        if where or self._in_a_row >= MOST_LOSSES:
            name = self._race.name
            raise UserError(
                f"race {name} was given up: workers died {MOST_LOSSES} times{where}; what was finished is kept"
            ) from error

    # --- what is known -------------------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """What is in the lab of this race already."""
        for run in self._lab.runs.of_race(self._race.number):
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

    def _set(self, status: RaceStatus, says: str) -> None:
        self._races.set(self._race, status=status, says=says, results=self._results)

    def _end(self, status: RaceStatus, says: str) -> None:
        for entrant in self._entrants.values():
            if not entrant.lane.done:
                entrant.close(RunStatus.STOPPED)
        self._set(status, says)
