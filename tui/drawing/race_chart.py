"""The chart of a race: each variant's validation losses, over its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.text import Text

from engine.race.plan import Plan
from engine.race.result import Lane
from tui.drawing.axes import bounded
from tui.drawing.curves import COLOURS, SYMBOLS
from tui.drawing.figure import Figure, too_small


def race_chart(plan: Plan, lanes: Sequence[Lane], width: int, height: int) -> Text:
    """A chart of validation losses in nats per character over characters since the race's start.

    Each variant has a curve, the mean over its seeds, between dots for the smallest and the largest of them. A seed
    that diverged counts until its last validation.
    """
    if small := too_small(width, height):
        return small.text
    bands = [_band([lane for lane in lanes if lane.variant == variant]) for variant in range(len(plan.variants))]
    xs = [x for band in bands for x, *_ in band]
    if not xs:
        return Text("no validation loss yet", style="dim")
    figure = Figure(xs, [y for band in bands for _, *ys in band for y in ys], width, height)
    for place, band in enumerate(bands):
        for edge in (2, 3):
            figure.signs([row[0] for row in band], [row[edge] for row in band], "·", COLOURS[place % len(COLOURS)])
    for place, band in enumerate(bands):
        colour, symbol = COLOURS[place % len(COLOURS)], SYMBOLS[place % len(SYMBOLS)]
        places, means = [row[0] for row in band], [row[1] for row in band]
        if len(band) > 1:
            figure.line(places, means, colour)
        figure.signs(places, means, symbol, colour)
    return figure.finished().text


def _band(lanes: Sequence[Lane]) -> list[tuple[float, float, float, float]]:
    """For each rung that a lane has reached: the characters, and the mean, smallest and largest loss of the lanes."""
    depth = max((len(lane.rungs) for lane in lanes), default=0)
    found = []
    for place in range(depth):
        rungs = [lane.rungs[place] for lane in lanes if place < len(lane.rungs)]
        losses = [bounded(rung.loss) for rung in rungs]
        found.append((fmean(rung.chars for rung in rungs), fmean(losses), min(losses), max(losses)))
    return found
