"""A mean of what may be nothing, and a number with its noun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean


def mean(values: Sequence[float]) -> float:
    """The mean of some numbers; nan without any, as nothing is known then."""
    return fmean(values) if values else math.nan


def counted(how_many: int, what: str) -> str:
    """A number with its noun, such as `1 seed` or `3,000 seeds`."""
    return f"{how_many:,} {what}{'' if how_many == 1 else 's'}"
