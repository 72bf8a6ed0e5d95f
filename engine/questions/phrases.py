"""Numbers, differences and settings in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.numbers import counted
from engine.questions.question import NATS, Row
from engine.race.plan import MIN_EFFECT
from engine.race.result import Verdict
from engine.race.statistics.interval import Interval
from engine.race.statistics.verdict import verdict
from engine.settings import Settings


def number(value: float) -> str:
    """A number with three significant digits, without an exponent where it can be read without one."""
    if not math.isfinite(value):
        return "infinite" if value > 0 else "minus infinite"
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2g}"
    shown = f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else shown


def percent(share: float) -> str:
    """A share in percent; a share between 0 and 1 is never rounded to 0% or 100%."""
    if share in (0.0, 1.0) or not 0 < share < 1:
        return f"{share:.0%}"
    # Two digits of a small share; of a large one, one digit of what it lacks to 100%.
    digits = max(0, math.ceil(-math.log10(share)) - 1 if share < 0.5 else math.ceil(-math.log10(1 - share) - 1e-9) - 2)
    return f"{share:.{digits}%}" if digits <= 4 else "less than 0.0001%" if share < 0.5 else "more than 99.9999%"


def nats(value: float) -> str:
    """The size of a difference in nats, with three decimals, or more where it is tiny."""
    if not math.isfinite(value):
        return "without bound"
    return f"{abs(value):.3f}" if abs(value) >= 0.0005 or value == 0 else f"{abs(value):.1g}"


def word(found: Interval, min_effect: float = MIN_EFFECT) -> Verdict:
    """The verdict; undecided without a pair."""
    return verdict(found, min_effect) if found.pairs else Verdict.UNDECIDED


def listed(parts: Sequence[str]) -> str:
    """A list in words, such as `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def row(what: str, found: Interval, source: str) -> Row:
    """A difference as a row of the evidence."""
    if not found.pairs:
        return Row(what, None, NATS, source=source)
    return Row(what, found.estimate, NATS, found.low, found.high, found.pairs, source)


def rule(settings: Settings) -> str:
    """The window rule and the optimiser in words.

    Such as `1 stream, windows of geom:11, the last character alone a target, adamw at 0.0015`.
    """
    streams = counted(settings.streams, "stream")
    targets = "the last character alone a target" if settings.targets == "last" else "every character a target"
    return f"{streams}, windows of {settings.bptt}, {targets}, {settings.optimizer} at {settings.lr:g}"
