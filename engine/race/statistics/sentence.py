"""The result of a race in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.race.plan import Plan
from engine.race.result import Comparison, Verdict


def primary(results: Sequence[Comparison]) -> list[Comparison]:
    """The comparison that decides the verdict on each variant, which is the first one of that variant."""
    return list({each.variant: each for each in reversed(results)}.values())[::-1]


def sentence(plan: Plan, found: Comparison) -> str:
    """One comparison in words.

    Such as `clip off is worse than clip 1 by 0.45 nats per character (95 % from +0.28 to +0.62, 3 seeds)`.
    """
    label, first = plan.variants[found.variant].label, plan.variants[0].label
    seeds = f"{found.pairs} seed{'s' if found.pairs != 1 else ''}"
    bounds = f"95 % from {signed(found.low)} to {signed(found.high)}, {seeds}"
    if any(found.diverged):
        bounds += f"; diverged: {label} {found.diverged[0]} ×, {first} {found.diverged[1]} ×"
    size = f"{abs(found.estimate):.3g} nats per character" if math.isfinite(found.estimate) else "divergence"
    match found.verdict:
        case word if word in (Verdict.BETTER, Verdict.WORSE):
            least = min(abs(found.low), abs(found.high))
            perhaps = f", perhaps by less than the {plan.min_effect:g} that matter" if least < plan.min_effect else ""
            return f"{label} is {word} than {first} by {size}{perhaps} ({bounds})"
        case word if word == Verdict.SAME and found.low == found.high == 0 and not any(found.diverged):
            equal = "their losses are equal to the last digit"
            return f"between {label} and {first} there is {Verdict.SAME}: {equal} ({seeds})"
        case word if word == Verdict.SAME:
            return f"between {label} and {first} there is {Verdict.SAME}: less than {plan.min_effect:g} nats ({bounds})"
    return f"whether {label} is better than {first} is {Verdict.UNDECIDED}: {signed(found.estimate)} nats ({bounds})"


def signed(value: float) -> str:
    """A difference with its sign; a minus sign, not a hyphen, where it is negative."""
    if math.isinf(value):
        return "+∞" if value > 0 else "−∞"
    return f"{value:+.3g}".replace("-", "−")
