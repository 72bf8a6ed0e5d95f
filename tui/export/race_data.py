"""Everything that a lab stores of one race, except its runs."""

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
        standing: its lanes, and the comparisons of the variants with the first, as far as they are known.
        hypotheses: the hypotheses that it tests.
    """

    race: Race
    standing: Standing
    hypotheses: Sequence[Hypothesis]

    @property
    def plan(self) -> Plan:
        """The plan of the race."""
        return self.race.plan

    def label(self, variant: int) -> str:
        """The label of a variant."""
        return self.plan.variants[variant].label

    def lanes(self, variant: int) -> list[Lane]:
        """The lanes of one variant that have begun, ordered by seed."""
        return [lane for lane in self.standing.lanes if lane.variant == variant]

    def lane(self, variant: int, replicate: int) -> Lane | None:
        """One variant with one seed; None where it has not begun."""
        return next((lane for lane in self.lanes(variant) if lane.replicate == replicate), None)

    def difference(self, lane: Lane, measure: str) -> float | None:
        """A lane's loss minus that of the first variant with the same seed, at an equal number of `measure`.

        Infinite as in `standing.difference`; None where one of the two is not done, or was not measured there.
        """
        first = self.lane(FIRST, lane.replicate)
        if first is None or not (lane.done and first.done):
            return None
        return difference(lane, first, measure)

    def differences(self, found: Comparison) -> list[float]:
        """The differences that a comparison rests on, ordered by seed."""
        used = [lane for lane in self.lanes(found.variant) if lane.replicate < found.pairs]
        each = (self.difference(lane, found.measure) for lane in used)
        return [value for value in each if value is not None]
