"""Runs a race: hands out slices, records their results, and ends once the verdict is known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

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
from engine.workers.place import Place
from engine.workers.workers import Workers, WorkersDiedError

NO_VERDICT = "no verdict yet"
"""Why a race ended that was stopped while it was still open."""

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
            self._set(RaceStatus.RUNNING, "")
            try:
                self._take_up()
                stands = self._train()
            except UserError as error:
                self._end(RaceStatus.FAILED, str(error))
                raise
            except Exception as error:
                self._end(RaceStatus.FAILED, f"an error in this program: {type(error).__name__}")
                raise
            except BaseException:
                self._end(RaceStatus.STOPPED, "interrupted")
                raise
            if stands.open:
                self._end(RaceStatus.STOPPED, NO_VERDICT)
            else:
                self._end(RaceStatus.DONE, "")
            return stands

    # --- slices --------------------------------------------------------------------------------------------------

    def _train(self) -> Standing:
        stands = self._tell()
        try:
            with Workers[Key, Trained](self._place, self._corpus) as workers:
                while stands.open and not self._stopped.is_set():
                    self._hand_out(workers, stands)
                    if self._take(workers.finished()):
                        stands = self._tell()
        except WorkersDiedError as error:
            raise self._given_up(error) from error
        return stands

    def _hand_out(self, workers: Workers[Key, Trained], stands: Standing) -> None:
        """Submit slices until the place is full: earlier seeds first, the variants of a seed side by side."""
        for replicate in range(self._race.plan.seeds):
            for variant in sorted(stands.open):
                if not workers.room:
                    return
                key = replicate, variant
                if key not in workers.under_way and key not in self._finished:
                    workers.submit(key, train_slice, self._entrant(key).next_slice())

    def _entrant(self, key: Key) -> Entrant:
        if key not in self._entrants:
            replicate, variant = key
            self._entrants[key] = Entrant(self._lab, self._race, self._corpus, self._origin, variant, replicate)
        return self._entrants[key]

    def _take(self, results: Iterable[tuple[Key, Trained]]) -> int:
        """Record slices that came back; returns how many."""
        taken = 0
        for key, trained in results:
            entrant = self._entrants[key]
            entrant.take(trained)
            if entrant.lane.done:
                self._finished[key] = entrant.lane
            taken += 1
        return taken

    def _given_up(self, error: WorkersDiedError) -> UserError:
        where = ""
        if error.key is not None:
            replicate, variant = error.key
            where = f" on {self._race.plan.variants[variant].label}, seed {replicate + 1}"
        return UserError(f"race {self._race.name} was given up: {error}{where}; finished work is kept")

    # --- standing ------------------------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Restore the lanes that the lab already has of this race."""
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
