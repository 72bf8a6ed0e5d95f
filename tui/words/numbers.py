"""Numbers as text: losses, shares, counts."""

from __future__ import annotations

import math


def nats(loss: float | None) -> str:
    """A loss as the command line shows it."""
    if loss is None:
        return "–"
    return f"{loss:.4f}" if loss < 10_000 else f"{loss:.2e}"


def short(number: float) -> str:
    """A number in at most five characters or so: 950, 12.3k, 1.24M."""
    for limit, divisor, letter in ((1e3, 1.0, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M"), (math.inf, 1e9, "G")):
        if abs(number) < limit:
            scaled = number / divisor
            return f"{scaled:.0f}" if not letter else f"{scaled:.3g}{letter}"
    return str(number)


def percent(share: float) -> str:
    """Such as 12.5 %."""
    return f"{100 * share:.3g} %"
