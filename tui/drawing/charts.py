"""Charts of losses, and sparklines, as text. Only finite numbers are drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from types import MappingProxyType
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from engine.events import Change, Finding, Point, Severity, Validation
from engine.race.plan import Plan
from engine.race.result import Lane
from tui.words.numbers import short
from tui.words.safe_text import visible
from tui.words.severity import SIGNS

BARS = "▁▂▃▄▅▆▇█"
NARROWEST, LOWEST = 24, 6
"""The smallest chart that can be read, in columns and rows."""

FEWEST_TICKS = 3
"""A logarithmic axis with fewer ticks may be better divided evenly."""

SMOOTHING = 0.02
"""The share of the characters shown over which the training loss is smoothed."""

FALL, STRETCHED, FEWEST_LATER = 0.04, 1.15, 8
"""The share of a run that may lie above the chart, how much more than the rest of it the chart spans, and the fewest
losses of that rest."""

HIGHEST = 1e9
"""A higher loss is drawn at this height."""

COLOURS = (6, 5, 11, 12, 9, 2)
"""The curves' colours, in a terminal's own palette: cyan, magenta, yellow, blue, red, green."""

STYLES = tuple(f"color({colour})" for colour in COLOURS)
"""The same colours for text."""

SYMBOLS = ("◆", "◇", "○", "□", "△", "▽")
"""The marks of validation losses: curves differ in the shape of these, as in the numbers on their lines."""

MOST_CURVES = len(COLOURS)

LABEL_COLUMNS = 24
"""Columns from one number on a line to the next, about."""

FINDING_COLOURS = {Severity.NOTE: "cyan", Severity.WARNING: "magenta", Severity.PROBLEM: "red"}
"""The colours of findings' lines, which differ from those of changes in their dashes and the sign at the top."""

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


@dataclass(frozen=True, slots=True)
class View:
    """The part of a chart that is shown.

    Attributes:
        log: whether the loss axis is logarithmic.
        share: the share of the run that is shown, counted from its end; 1 for the whole.
    """

    log: bool = False
    share: float = 1.0


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
    return "  ".join(f"{sign}{_end_of(name, most)}" for sign, name in zip(signs, written, strict=False))


def _end_of(name: str, columns: int) -> str:
    """The end of a name in at most `columns` columns: the names of runs on one text differ at their ends."""
    if cell_len(name) <= columns:
        return name
    while name and cell_len(name) >= columns:
        name = name[1:]
    return f"…{name}"


def load() -> None:
    """Load plotext: not at the start, so that the first paint need not wait, but before a chart is timed."""
    import plotext  # noqa: F401


def loss_chart(
    curves: Sequence[Curve],
    changes: Sequence[Change],
    view: View,
    width: int,
    height: int,
    findings: Sequence[Finding] = (),
    levels: Mapping[str, float] = MappingProxyType({}),
) -> Text:
    """A chart of losses in nats per character over characters trained on.

    Args:
        curves: the run itself, and others to compare it with.
        changes: each is marked by a vertical line.
        view: the part of the chart.
        width: columns.
        height: rows.
        findings: each is marked by a dashed vertical line, with the sign of its severity at the top.
        levels: losses to compare with, by their names; each that the chart reaches is a dashed line with its name.
    """
    if width < NARROWEST or height < LOWEST:
        return Text("too small for a chart", style="dim")
    end = max((point.chars for curve in curves for point in curve.points), default=0)
    begin = end * (1 - view.share)
    shown = [_cut(curve, begin) for curve in curves]
    if not any(curve.points for curve in shown):
        return Text("no loss yet", style="dim")
    marks = [change.chars for change in changes if begin <= change.chars]
    signs = [(each.since_chars, each.severity) for each in findings if begin <= each.since_chars]
    return _draw(shown, marks, signs, levels, view, width, height)


def race_chart(plan: Plan, lanes: Sequence[Lane], width: int, height: int) -> Text:
    """A chart of validation losses in nats per character over characters since the race's start.

    Each variant has a curve, the mean over its seeds, between dots for the smallest and the largest of them. A seed
    that diverged counts until its last validation.
    """
    if width < NARROWEST or height < LOWEST:
        return Text("too small for a chart", style="dim")
    bands = [_band([lane for lane in lanes if lane.variant == variant]) for variant in range(len(plan.variants))]
    xs = [x for band in bands for x, *_ in band]
    if not xs:
        return Text("no validation loss yet", style="dim")
    import plotext

    left, right = _range(xs)
    low, high = _range([y for band in bands for _, *ys in band for y in ys])
    figure = _figure(width, height)
    for place, band in enumerate(bands):
        colour = COLOURS[place % len(COLOURS)]
        for edge in (2, 3):
            marker = plotext.marker("·", pixel=colour)
            if band:
                figure.draw(figure.signal([row[0] for row in band], [row[edge] for row in band], marker=marker))
    for place, band in enumerate(bands):
        colour, symbol = COLOURS[place % len(COLOURS)], SYMBOLS[place % len(SYMBOLS)]
        places, means = [row[0] for row in band], [row[1] for row in band]
        if len(band) > 1:
            figure.draw(figure.signal(places, means, marker=plotext.marker("braille", pixel=colour)).lines())
        if band:
            figure.draw(figure.signal(places, means, marker=plotext.marker(symbol, pixel=colour)))
    return _finished(figure, left, right, low, high, width, height, log=False)


def _band(lanes: Sequence[Lane]) -> list[tuple[float, float, float, float]]:
    """For each rung that a lane has reached: the characters, and the mean, smallest and largest loss of the lanes."""
    depth = max((len(lane.rungs) for lane in lanes), default=0)
    found = []
    for place in range(depth):
        rungs = [lane.rungs[place] for lane in lanes if place < len(lane.rungs)]
        losses = [_bounded(rung.loss) for rung in rungs]
        found.append((fmean(rung.chars for rung in rungs), fmean(losses), min(losses), max(losses)))
    return found


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


def _cut(curve: Curve, begin: float) -> Curve:
    return Curve(
        curve.name,
        [point for point in curve.points if point.chars >= begin and math.isfinite(point.loss)],
        [each for each in curve.validations if each.chars >= begin and math.isfinite(each.loss)],
        curve.since,
    )


def _shared(points: Sequence[Point], others: Sequence[Point]) -> int:
    """The number of points at the start that are the same."""
    pairs = zip(points, others, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(points), len(others)))


def _line(curve: Curve) -> Xy:
    """The smoothed training loss from `curve.since` on; the smoothing includes the points before."""
    pairs = [(x, y) for x, y in zip(*smoothed(curve.points), strict=True) if x >= curve.since]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _labels(line: Xy, number: int, lines: int, per_label: float) -> Xy:
    """The points of a line that show its number, apart from those of the other lines."""
    xs, ys = line
    if not xs:
        return [], []
    count = max(1, round((xs[-1] - xs[0]) / per_label))
    places = [int(len(xs) * (each + (number + 0.5) / lines) / count) for each in range(count)]
    return [xs[place] for place in places], [ys[place] for place in places]


def _draw(
    curves: Sequence[Curve],
    marks: Sequence[int],
    signs: Sequence[tuple[int, Severity]],
    levels: Mapping[str, float],
    view: View,
    width: int,
    height: int,
) -> Text:
    log = view.log
    scale = _log10 if log else _bounded
    lines = [_thinned(*_line(curve), columns=2 * width) for curve in curves]
    lines = [(xs, [scale(value) for value in ys]) for xs, ys in lines]
    validations = [
        _thinned(
            [float(each.chars) for each in curve.validations], [scale(each.loss) for each in curve.validations], width
        )
        for curve in curves
    ]
    left, right = _range([x for xs, _ in (*lines, *validations) for x in xs])
    low, high = _range(_without_the_fall(lines, validations, whole=view.share == 1))

    import plotext

    figure = _figure(width, height)
    for name, level in levels.items():
        if low < scale(level) < high:
            _draw_level(figure, name, scale(level), left, right, width)
    rows = [low + (high - low) * (row + 0.5) / height for row in range(height)]
    for mark in marks[-width:]:
        if left < mark < right:
            figure.draw(figure.signal([float(mark)] * height, rows, marker=plotext.marker("┊", pixel="yellow")))
    for mark, severity in signs[-width:]:
        if left <= mark < right:
            colour = FINDING_COLOURS[severity]
            figure.draw(figure.signal([float(mark)] * height, rows, marker=plotext.marker("╎", pixel=colour)))
    for (xs, ys), pixel in zip(lines, COLOURS, strict=False):
        if xs:
            line = figure.signal(xs, ys, marker=plotext.marker("braille", pixel=pixel))
            figure.draw(line.lines() if len(xs) > 1 else line)
    for (xs, ys), symbol in zip(validations, SYMBOLS, strict=False):
        if xs:
            figure.draw(figure.signal(xs, ys, marker=plotext.marker(symbol, pixel="green")))
    for number, (line, pixel) in enumerate(zip(lines, COLOURS, strict=False) if len(lines) > 1 else ()):
        xs, ys = _labels(line, number, len(lines), (right - left) * LABEL_COLUMNS / width)
        if xs:
            figure.draw(figure.signal(xs, ys, marker=plotext.marker(str(number + 1), pixel=pixel)))
    for mark, severity in signs[-width:]:
        if left <= mark < right:
            sign = plotext.marker(SIGNS[severity], pixel=FINDING_COLOURS[severity])
            figure.draw(figure.signal([float(mark)], rows[-1:], marker=sign))
    return _finished(figure, left, right, low, high, width, height, log=log)


def _without_the_fall(lines: Sequence[Xy], validations: Sequence[Xy], *, whole: bool) -> list[float]:
    """The losses that the chart spans. Of a whole run, the steep fall at its beginning is let run out of the top.

    What a curve has passed in the first `FALL` of its length is left out where that is more than half of the height.
    """
    every = [y for _, ys in (*lines, *validations) for y in ys]
    later = [y for xs, ys in (*lines, *validations) for x, y in zip(xs, ys, strict=True) if x - xs[0] > _fall(xs)]
    if not whole or len(later) < FEWEST_LATER:
        return every
    room = (max(later) - min(later)) * STRETCHED
    return every if max(every) - min(every) <= 2 * room else [*later, max(later) + (STRETCHED - 1) * room]


def _fall(xs: Sequence[float]) -> float:
    return FALL * (xs[-1] - xs[0])


def _draw_level(figure: Any, name: str, level: float, left: float, right: float, width: int) -> None:
    """A dashed line across the chart that ends in its name."""
    import plotext

    step = (right - left) / width
    ends = right - (len(name) + 1) * step
    xs = [left + step * (each + 0.5) for each in range(width) if left + step * (each + 0.5) < ends]
    figure.draw(figure.signal(xs, [level] * len(xs), marker=plotext.marker("┄", pixel="gray")))
    for place, letter in enumerate(name):
        marker = plotext.marker(letter, pixel="gray")
        figure.draw(figure.signal([ends + step * (place + 0.5)], [level], marker=marker))


def _figure(width: int, height: int) -> Any:
    """An empty chart."""
    import plotext

    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    figure.axes(False, side=1)
    return figure


def _finished(
    figure: Any, left: float, right: float, low: float, high: float, width: int, height: int, *, log: bool
) -> Text:
    """A chart with its axes, as text."""
    columns = _ticks(left, right, max(2, width // 14))
    _rule(figure, "x", left, right, columns, [short(column) for column in columns])
    rows = (log_ticks if log else _ticks)(low, high, max(3, height // 4))
    _rule(figure, "y", low, high, rows, told_apart([10**row if log else row for row in rows]))
    text = Text.from_ansi(figure.build().string())
    text.rstrip()
    text.no_wrap = True
    return text


def told_apart(values: Sequence[float]) -> list[str]:
    """Different numbers in as few digits as distinguish them, but at least three."""
    written = ([f"{value:.{digits}g}" for value in values] for digits in range(3, 12))
    return next((labels for labels in written if len(set(labels)) == len(values)), [f"{value:g}" for value in values])


def _rule(figure: Any, axis: str, low: float, high: float, ticks: Sequence[float], labels: Sequence[str]) -> None:
    """Set the range of an axis, and its ticks with their labels."""
    ruler = figure.ruler(axis, 0)
    ruler.lim(low, high)
    ruler.ticks(ticks, list(labels))


def _thinned(xs: list[float], ys: list[float], columns: int) -> Xy:
    """At most `columns` points, each the mean of those that share a column."""
    if len(xs) <= columns:
        return xs, ys
    left, width = xs[0], (xs[-1] - xs[0]) / columns or 1.0
    buckets: dict[int, list[int]] = {}
    for place, x in enumerate(xs):
        buckets.setdefault(min(columns - 1, int((x - left) / width)), []).append(place)
    groups = list(buckets.values())
    return (
        [sum(xs[place] for place in group) / len(group) for group in groups],
        [sum(ys[place] for place in group) / len(group) for group in groups],
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The smallest and the largest value, with a margin so that they always differ."""
    low, high = min(values), max(values)
    margin = (high - low) * 0.02 or max(abs(high) * 0.05, 0.5)
    return low - margin, high + margin


def _ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step)
    return [each * step for each in range(first, math.floor(high / step) + 1) if each * step >= 0 or low < 0]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """The logarithms of about `count` round losses; `low` and `high` are logarithms too."""
    first, last = math.floor(low), math.ceil(high)
    step = max(1, math.ceil((high - low) / count))
    decades = range(first - first % step, last + 1, step)
    for digits in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [decade + math.log10(digit) for decade in decades for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= count + 1:
            break
    if len(ticks) >= FEWEST_TICKS:
        return ticks
    even = [math.log10(tick) for tick in _ticks(10**low, 10**high, count) if tick > 0]
    return max(ticks, even, key=len) or [(low + high) / 2]


def _bounded(value: float) -> float:
    return min(HIGHEST, max(-HIGHEST, value))


def _log10(value: float) -> float:
    return math.log10(min(HIGHEST, max(value, 1e-6)))
