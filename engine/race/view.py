"""A view of a race, for a screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.race.plan import Plan
from engine.race.result import Comparison, Lane

QUEUED, RUNNING, DONE, STOPPED, FAILED = "queued", "running", "done", "stopped", "failed"
OVER = (DONE, STOPPED, FAILED)


@dataclass(frozen=True, slots=True)
class RaceView:
    """The current state of a race.

    Attributes:
        number: its number in the lab.
        plan: the race's plan.
        status: one of the words above.
        says: the reason for its end, in one line; empty where there is nothing to say.
        lanes: all lanes that have begun, by variant and seed.
        results: as in `standing.Standing`.
        open: the variants that need more seeds.
        own: whether it was submitted in this session.
    """

    number: int
    plan: Plan
    status: str = QUEUED
    says: str = ""
    lanes: tuple[Lane, ...] = ()
    results: tuple[Comparison, ...] = ()
    open: frozenset[int] = frozenset()
    own: bool = True

    @property
    def name(self) -> str:
        """The race's name, such as `R3`."""
        return f"R{self.number}"

    @property
    def share(self) -> float:
        """The share of all seeds that is done, 0 … 1; a verdict may end the race long before all of them."""
        if self.status == DONE:
            return 1.0
        return sum(lane.share for lane in self.lanes) / (len(self.plan.variants) * self.plan.seeds)


def unfinished(races: Iterable[RaceView]) -> list[RaceView]:
    """The races of an ended session that can be resumed."""
    return [race for race in races if race.own and race.status != DONE]
