"""Everything that a lab keeps of one race, beside its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.events import Hypothesis
from engine.race.plan import Plan
from engine.race.result import Comparison, Lane
from engine.race.statistics.standing import FIRST, Standing, difference
from engine.race.store import Race


@dataclass(frozen=True)
class RaceData:
    """One race.

    Attributes:
        race: its row in the lab.
        standing: its lanes, and every variant against the first, as far as that is known.
        hypotheses: those that it tests.
    """

    race: Race
    standing: Standing
    hypotheses: Sequence[Hypothesis]

    @property
    def plan(self) -> Plan:
        """What is raced."""
        return self.race.plan

    def label(self, variant: int) -> str:
        """What a variant is called."""
        return self.plan.variants[variant].label

    def lanes(self, variant: int) -> list[Lane]:
        """Those of one variant that have begun, by their seeds."""
        return [lane for lane in self.standing.lanes if lane.variant == variant]

    def lane(self, variant: int, replicate: int) -> Lane | None:
        """One variant with one seed; None where it has not begun."""
        return next((lane for lane in self.lanes(variant) if lane.replicate == replicate), None)

    def difference(self, lane: Lane, measure: str) -> float | None:
        """A lane's loss less that of the first variant with the same seed at an equal number of a measure.

        Infinite as in `standing.difference`; None where one of the two is not done, or was not measured there.
        """
        first = self.lane(FIRST, lane.replicate)
        if first is None or not (lane.done and first.done):
            return None
        return difference(lane, first, measure)

    def differences(self, found: Comparison) -> list[float]:
        """Those that a comparison rests on, by their seeds."""
        used = [lane for lane in self.lanes(found.variant) if lane.replicate < found.pairs]
        each = (self.difference(lane, found.measure) for lane in used)
        return [value for value in each if value is not None]
