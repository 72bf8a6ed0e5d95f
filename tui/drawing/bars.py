"""Bars that stand and bars that lie, in eighths of a character. Pure functions; nothing that is not finite is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui.words.numbers import mean

STANDING = " ▁▂▃▄▅▆▇█"
LYING = " ▏▎▍▌▋▊▉█"
EIGHTHS = 8


def standing(values: Sequence[float], low: float, high: float, height: int) -> list[str]:
    """Rows from the top down, a column a value: what is at `low` has the lowest bar, what is no number none."""
    span = high - low
    columns = [
        _column(_eighths((value - low) / span if span > 0 else 0.0, height, least=1), height) for value in values
    ]
    return ["".join(row) for row in zip(*columns, strict=True)] if columns else [""] * height


def lying(value: float, high: float, width: int) -> str:
    """One bar from 0 on, as wide as `width` at `high`; empty for what is no number."""
    eighths = _eighths(value / high if high > 0 else 0.0, width, least=0)
    full, rest = divmod(eighths, EIGHTHS)
    return ("█" * full + (LYING[rest] if rest else "")).ljust(width)


def resampled(values: Sequence[float], columns: int) -> list[float]:
    """As many values as columns: means of neighbours where there are more, repeated where there are fewer."""
    count = len(values)
    if not count or columns <= 0:
        return []
    if count <= columns:
        return [values[column * count // columns] for column in range(columns)]
    found = []
    for column in range(columns):
        part = values[column * count // columns : max((column + 1) * count // columns, column * count // columns + 1)]
        found.append(mean(part))
    return found


def _column(eighths: int, height: int) -> str:
    """A bar that stands, from the top down."""
    full, rest = divmod(eighths, EIGHTHS)
    return f"{STANDING[rest] if rest else ''}{STANDING[-1] * full}".rjust(height)


def _eighths(share: float, length: int, least: int) -> int:
    if math.isnan(share):
        return 0
    return max(least, round(min(1.0, max(0.0, share)) * length * EIGHTHS))
