"""A view of a race, for a screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.race.plan import Plan
from engine.race.result import Comparison, Lane, RaceStatus


@dataclass(frozen=True, slots=True)
class RaceView:
    """The current state of a race.

    Attributes:
        number: its place in the lab.
        plan: what is raced.
        status: how it stands.
        says: why it ended, in a line; empty where there is nothing to say.
        lanes: all that have begun, by variant and seed.
        results: as in `standing.Standing`.
        open: the variants that need more seeds.
        own: whether it was submitted in this session.
    """

    number: int
    plan: Plan
    status: RaceStatus = RaceStatus.QUEUED
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
        """The least share of the race that is done, 0 … 1: a verdict may end it long before all of its seeds."""
        if self.status is RaceStatus.DONE:
            return 1.0
        return sum(lane.share for lane in self.lanes) / (len(self.plan.variants) * self.plan.seeds)


def unfinished(races: Iterable[RaceView]) -> list[RaceView]:
    """Of the races of a session that has ended those that can be gone on with."""
    return [race for race in races if race.own and race.status is not RaceStatus.DONE]
