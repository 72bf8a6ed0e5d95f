"""The mean of what may be nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean


def mean(values: Sequence[float]) -> float:
    """The mean of some numbers; nan without any, as nothing is known then."""
    return fmean(values) if values else math.nan
