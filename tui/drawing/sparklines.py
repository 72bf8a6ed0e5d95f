"""Sparklines: the last values as bars of one character each."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last values as bars on a logarithmic scale; a value that is not finite or not positive leaves a gap."""
    last = values[-width:] if width > 0 else []
    logs = [math.log10(value) if value > 0 and math.isfinite(value) else None for value in last]
    there = [value for value in logs if value is not None]
    if not there:
        return " " * len(last)
    low, high = min(there), max(there)
    # Less than a tenth of a decade is noise: it should not fill the height.
    span = max(high - low, 0.1)
    top = len(BARS) - 1
    return "".join(" " if value is None else BARS[round((value - low) / span * top)] for value in logs)


def share_line(shares: Sequence[float], width: int) -> str:
    """The last shares as bars on a linear scale from 0 to 1; a share that is not finite leaves a gap."""
    last = shares[-width:] if width > 0 else []
    top = len(BARS) - 1
    return "".join(BARS[round(min(1.0, max(0.0, share)) * top)] if math.isfinite(share) else " " for share in last)
