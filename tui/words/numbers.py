"""Numbers as text: losses, shares, counts, times."""

from __future__ import annotations

import math
from collections.abc import Sequence

UNKNOWN, INFINITE = "–", "∞"
"""The signs for an unknown number, and for infinity."""

HUGE_LOSS = 10_000
"""The lowest loss that is written in exponent form."""


def mean(values: Sequence[float]) -> float:
    """The mean of the finite values; nan if no value is finite."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def written(value: float, form: str = ".3g") -> str:
    """A number, or a sign for one that is not finite."""
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return INFINITE if value > 0 else f"−{INFINITE}"
    return format(value, form)


def scientific(value: float, digits: int = 2) -> str:
    """A small number such as an update ratio in few columns: 2.1e-3, 0.013."""
    plain = digits > 1 and 0.01 <= abs(value) < 1000
    if not math.isfinite(value) or value == 0 or plain:
        return written(value)
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def short(number: float) -> str:
    """A number in at most five characters or so: 950, 12.3k, 1.24M."""
    for limit, divisor, letter in ((1e3, 1.0, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M"), (math.inf, 1e9, "G")):
        if abs(number) < limit:
            scaled = number / divisor
            return f"{scaled:.0f}" if not letter else f"{scaled:.3g}{letter}"
    return str(number)


def percent(share: float) -> str:
    """Such as `12.5 %`, or a sign for a share that is not finite."""
    return f"{100 * share:.3g} %" if math.isfinite(share) else written(share)


def nats(loss: float | None) -> str:
    """A loss with four decimals, or in exponent form where it is huge."""
    if loss is None:
        return UNKNOWN
    return f"{loss:.4f}" if loss < HUGE_LOSS else f"{loss:.2e}"


def held_out(loss: float, error: float | None) -> str:
    """A validation loss, with its standard error where it is of a sample."""
    return nats(loss) if error is None or loss >= HUGE_LOSS else f"{loss:.3f} ±{error:.3f}"


def clock(seconds: float) -> str:
    """A running time such as `0:31` or `1:02:07`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """A time in words such as `45 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds) if math.isfinite(seconds) else 0
    if whole < 60:
        return f"{seconds:.3g} s"
    larger, smaller, unit, part = (whole // 60, whole % 60, "min", "s")
    if whole >= 3600:
        larger, smaller, unit, part = (whole // 3600, whole % 3600 // 60, "h", "min")
    return f"{larger:,} {unit}" + (f" {smaller} {part}" if smaller else "")
