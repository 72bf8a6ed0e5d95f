"""Races in words: verdicts, rankings, conditions and limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.numbers import counted
from engine.race.plan import Plan
from engine.race.result import Comparison, Verdict, level
from engine.race.statistics.sentence import primary, signed
from tui.words.numbers import INFINITE, UNKNOWN, nats
from tui.words.shell_commands import command_line

if TYPE_CHECKING:
    from engine.race.statistics.standing import Standing
    from engine.race.store import Race

VERDICT_SIGNS = {
    Verdict.BETTER: "✓",
    Verdict.WORSE: "✗",
    Verdict.SAME: "=",
    Verdict.UNDECIDED: "?",
}
"""The sign before a verdict, so that nobody needs colour to recognise it."""

VERDICT_COLOURS = {
    Verdict.BETTER: "green",
    Verdict.WORSE: "red",
    Verdict.SAME: "cyan",
    Verdict.UNDECIDED: "yellow",
}

MEASURED_IN = {"chars": "characters", "updates": "updates", "seconds": "seconds"}
"""The measures in plain words."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A variant in the ranking of a race.

    Attributes:
        variant: its place in the plan.
        label: its label in the plan.
        loss: the mean of its last losses, as in `level`; infinite where one diverged or none is done.
        found: its comparison with the first variant; None for the first, and where no seed is done for both.
        done: the number of its seeds that are done.
        diverged: the number of these that diverged.
    """

    variant: int
    label: str
    loss: float
    found: Comparison | None
    done: int
    diverged: int

    @property
    def loss_text(self) -> str:
        """The loss, or the sign for one that is infinite or unknown."""
        if math.isfinite(self.loss):
            return nats(self.loss)
        return INFINITE if self.done else UNKNOWN

    @property
    def seeds_text(self) -> str:
        """Such as `4, 1 diverged`."""
        return f"{self.done}, {self.diverged} diverged" if self.diverged else f"{self.done}"


def verdict_text(verdict: Verdict) -> str:
    """Such as `✓ better`."""
    return f"{VERDICT_SIGNS[verdict]} {verdict}"


def interval_text(found: Comparison) -> str:
    """Such as `+0.45, 95 % from +0.28 to +0.62`."""
    return f"{signed(found.estimate)}, 95 % from {signed(found.low)} to {signed(found.high)}"


def ranked(plan: Plan, stands: Standing) -> list[Ranked]:
    """The variants in the order of their losses, the lowest first."""
    results = {each.variant: each for each in primary(stands.results)}
    found = []
    for variant, described in enumerate(plan.variants):
        done = [lane for lane in stands.lanes if lane.variant == variant and lane.done]
        diverged = sum(bool(lane.broken) for lane in done)
        loss = level(stands.lanes, primary(stands.results), variant)
        found.append(Ranked(variant, described.label, loss, results.get(variant), len(done), diverged))
    return sorted(found, key=lambda each: each.loss)


def conditions_text(plan: Plan) -> str:
    """Such as `from fresh networks, 400,000 characters each`."""
    begin = f"from {plan.origin.run} at update {plan.origin.update:,}" if plan.origin else "from fresh networks"
    return f"{begin}, {budget_text(plan)} each"


def budget_text(plan: Plan) -> str:
    """Such as `400,000 characters`."""
    return next(f"{value:,} {MEASURED_IN[name]}" for name, value in asdict(plan.budget).items() if value is not None)


def limits(found: Race, stands: Standing, folder: Path) -> Iterator[str]:
    """The limits of a race as sentences, with the commands that would tell more; `folder` is the lab's folder."""
    plan = found.plan
    yield (
        "Losses are in nats per character, over the validation split. Better and worse mean that the difference is "
        f"not zero; no difference that matters means that it is certainly below {plan.min_effect:g}. The intervals are "
        "over seeds, hold however often one looks, and say nothing about other texts or sizes."
    )
    if stands.open:
        yield f"Not decided: `{command_line('race', '--resume', found.name, lab=folder)}` continues it."
    elif any(each.verdict == Verdict.UNDECIDED for each in primary(stands.results)):
        from engine.race.statistics.standing import fewest_seeds

        fewest = fewest_seeds(plan)
        least = f" {len(plan.variants)} variants need at least {fewest}." if plan.seeds < fewest else ""
        seeds = counted(plan.seeds, "seed")
        yield f"Not decided over {seeds}: more seeds (--seeds) or a longer race may decide it.{least}"
    if not plan.anneal:
        yield "The learning rate is constant after the warm-up; --anneal lets it fall over the budget, as `train` does."
