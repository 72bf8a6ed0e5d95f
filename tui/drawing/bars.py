"""Vertical and horizontal bars, in eighths of a character. The functions are pure, and draw no bar for nan."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui.words.numbers import mean

STANDING = " ▁▂▃▄▅▆▇█"
LYING = " ▏▎▍▌▋▊▉█"
EIGHTHS = 8


def standing(values: Sequence[float], low: float, high: float, height: int) -> list[str]:
    """Vertical bars as rows from the top down, one column per value; a value at `low` has the lowest bar."""
    span = high - low
    columns = [
        _column(_eighths((value - low) / span if span > 0 else 0.0, height, least=1), height) for value in values
    ]
    return ["".join(row) for row in zip(*columns, strict=True)] if columns else [""] * height


def lying(value: float, high: float, width: int) -> str:
    """A horizontal bar that begins at 0, and is `width` columns wide at `high`."""
    eighths = _eighths(value / high if high > 0 else 0.0, width, least=0)
    full, rest = divmod(eighths, EIGHTHS)
    return ("█" * full + (LYING[rest] if rest else "")).ljust(width)


def resampled(values: Sequence[float], columns: int) -> list[float]:
    """One value per column: means of neighbours where there are more values, repeated values where there are fewer."""
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
    """A vertical bar, from the top down."""
    full, rest = divmod(eighths, EIGHTHS)
    return f"{STANDING[rest] if rest else ''}{STANDING[-1] * full}".rjust(height)


def _eighths(share: float, length: int, least: int) -> int:
    if math.isnan(share):
        return 0
    return max(least, round(min(1.0, max(0.0, share)) * length * EIGHTHS))
