"""Curves: the losses of runs, their colours and names, and what of them is drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from engine.events import Point, Validation
from tui.words.safe_text import visible

SMOOTHING = 0.02
"""The share of the characters shown over which the training loss is smoothed."""

COLOURS = (6, 5, 11, 12, 9, 2)
"""The curves' colours, in a terminal's own palette: cyan, magenta, yellow, blue, red, green."""

STYLES = tuple(f"color({colour})" for colour in COLOURS)
"""The same colours for text."""

SYMBOLS = ("◆", "◇", "○", "□", "△", "▽")
"""The marks of validation losses: curves differ in the shape of these, as in the numbers on their lines."""

MOST_CURVES = len(COLOURS)

Xy = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """The losses of one run, in training and in validation, by characters trained on.

    The line begins at `since` characters.
    """

    name: str
    points: Sequence[Point]
    validations: Sequence[Validation] = ()
    since: int = 0

    def cut(self, begin: float) -> Curve:
        """The curve from `begin` characters on, without numbers that are not finite."""
        return Curve(
            self.name,
            [point for point in self.points if point.chars >= begin and math.isfinite(point.loss)],
            [each for each in self.validations if each.chars >= begin and math.isfinite(each.loss)],
            self.since,
        )

    def line(self) -> Xy:
        """The smoothed training loss from `since` on; the smoothing includes the points before."""
        pairs = [(x, y) for x, y in zip(*smoothed(self.points), strict=True) if x >= self.since]
        return [x for x, _ in pairs], [y for _, y in pairs]


def drawn_once(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """The same curves, each without the past that it shares with an earlier one, so that it is drawn only once."""
    found: list[Curve] = []
    for curve in curves:
        shared = max((_shared(curve.points, other.points) for other in curves[: len(found)]), default=0)
        there = {each for other in curves[: len(found)] for each in other.validations}
        own = [each for each in curve.validations if each not in there]
        since = curve.points[shared - 1].chars if shared else curve.since
        found.append(replace(curve, validations=own, since=since))
    return tuple(found)


def names(curves: Sequence[Curve], room: int) -> str:
    """The legend of several curves, such as `1◆ alpha  2◇ beta`, in at most `room` columns if possible."""
    signs = [f"{number}{symbol} " for number, symbol in zip(range(1, len(curves) + 1), SYMBOLS, strict=False)]
    written = [visible(curve.name, lines=False) for curve in curves]
    left = room - sum(map(len, signs)) - 2 * (len(curves) - 1)
    lengths = [cell_len(name) for name in written]
    longest = range(max(lengths, default=0), 0, -1)
    most = next((most for most in longest if sum(min(most, length) for length in lengths) <= left), 1)
    return "  ".join(f"{sign}{end_of(name, most)}" for sign, name in zip(signs, written, strict=False))


def end_of(name: str, columns: int) -> str:
    """The end of a name in at most `columns` columns: the names of runs on one text differ at their ends."""
    if cell_len(name) <= columns:
        return name
    while name and cell_len(name) >= columns:
        name = name[1:]
    return f"…{name}"


def smoothed(points: Sequence[Point]) -> Xy:
    """Characters, and the training loss as a moving average over `SMOOTHING` of the characters shown."""
    if not points:
        return [], []
    span = max(1.0, SMOOTHING * (points[-1].chars - points[0].chars))
    xs, ys = [float(points[0].chars)], [points[0].loss]
    weight = 1.0
    for before, point in itertools.pairwise(points):
        # Divided by the sum of its weights, the average has no bias towards its start (Kingma & Ba 2015, section 3).
        kept = math.exp(-(point.chars - before.chars) / span)
        weight = weight * kept + 1.0
        xs.append(float(point.chars))
        ys.append(ys[-1] + (point.loss - ys[-1]) / weight)
    return xs, ys


def _shared(points: Sequence[Point], others: Sequence[Point]) -> int:
    """The number of points at the start that are the same."""
    pairs = zip(points, others, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(points), len(others)))
