"""Numbers as standing bars on a logarithmic scale, with its powers of ten at the left."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from rich.text import Text

from tui.drawing.bars import standing

LABEL = 7
"""Columns of the numbers at the left."""

DECADES = 2
"""The fewest powers of ten that a chart spans."""

STYLES = {" ": "", "·": "dim", "┊": "not dim yellow", "╌": "not dim yellow"}
"""The styles of the characters between the bars."""

RUNS = re.compile(r" +|·+|┊+|╌+|[^ ·┊╌]+")


def log_bars(
    logs: Sequence[float],
    width: int,
    height: int,
    power: Callable[[int], str],
    *,
    mark: int | None = None,
    rule: float | None = None,
) -> list[Text]:
    """`height` rows of bars.

    Args:
        logs: the logarithms to the base 10, one per column; nan where there is none.
        width: the columns, with those of the numbers at the left.
        height: the rows.
        power: writes a power of ten, given its exponent.
        mark: the column of a dotted vertical line; None for none.
        rule: the logarithm at which a dashed horizontal line stands; None for none.
    """
    low, high = _span(logs if rule is None else [*logs, rule])
    rows = standing(logs, low, high, height)
    names = {place: power(exponent) for place, exponent in _labels(low, high, height).items()}
    ruled = None if rule is None else min(height - 1, max(0, round((high - rule) / (high - low) * height)))
    lines = []
    for place, row in enumerate(rows):
        name = names.get(place, "")
        line = Text(f"{name:>{LABEL - 1}} ", style="dim")
        ground = row.ljust(max(0, width - LABEL))
        if place == ruled:
            ground = ground.replace(" ", "╌")
        elif name:
            ground = ground.replace(" ", "·")
        if mark is not None and ground[mark] in " ·":
            ground = f"{ground[:mark]}┊{ground[mark + 1 :]}"
        for run in RUNS.findall(ground):
            line.append(run, style=STYLES.get(run[0], "not dim cyan"))
        lines.append(line)
    return lines


def _span(logs: Sequence[float]) -> tuple[int, int]:
    """The powers of ten between which the chart lies."""
    there = [value for value in logs if math.isfinite(value)]
    high = math.ceil(max(there, default=0.0) - 0.05)
    return min(high - DECADES, math.floor(min(there, default=0.0) + 0.1)), high


def _labels(low: int, high: int, height: int) -> dict[int, int]:
    """Powers of ten by row, counted from the top: as many as there is room for."""
    step = max(1, math.ceil(2 * (high - low) / height))
    found = {}
    for exponent in range(high - (high % step), low - 1, -step):
        row = round((high - exponent) / (high - low) * height)
        if row < height:
            found[row] = exponent
    return found
