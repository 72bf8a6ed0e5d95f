"""What several parts of a report say in the same way."""

from __future__ import annotations

import math

MOST_ROWS = 100
"""How many rows of a long table are shown; `--to csv` has all."""

Row = tuple[str, ...]


def duration(seconds: float) -> str:
    """Such as `45 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds) if math.isfinite(seconds) else 0
    if whole < 60:
        return f"{seconds:.3g} s"
    larger, smaller, unit, part = (whole // 60, whole % 60, "min", "s")
    if whole >= 3600:
        larger, smaller, unit, part = (whole // 3600, whole % 3600 // 60, "h", "min")
    return f"{larger:,} {unit}" + (f" {smaller} {part}" if smaller else "")
