"""The chart of the loss over the characters trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from engine.events import Change, Finding, Severity
from tui.drawing.axes import bounded, log10
from tui.drawing.curves import COLOURS, SYMBOLS, Curve, Xy, end_of
from tui.drawing.figure import Chart, Figure, thinned, too_small
from tui.words.safe_text import visible
from tui.words.severity import SIGNS

if TYPE_CHECKING:  # it loads NumPy, and the console should be painted before that
    from engine.recording.forecast import Forecast

FALL, STRETCHED, FEWEST_LATER = 0.04, 1.15, 8
"""The share of a run that may lie above the chart, how much more than the rest of it the chart spans, and the fewest
losses of that rest."""

LABEL_COLUMNS = 24
"""Columns from one number on a line to the next, about."""

DOTS, FAINT_DOTS = 2, 4
"""Columns from one dot of a forecast to the next, and from one of its interval's edges."""

LONGEST_NAME = 14
"""Columns of a run's name at the end of its line."""

FINDING_COLOURS = {Severity.NOTE: "cyan", Severity.WARNING: "magenta", Severity.PROBLEM: "red"}
"""The colours of findings' lines, which differ from those of changes in their dashes and the sign at the top."""


@dataclass(frozen=True, slots=True)
class View:
    """The part of a chart that is shown.

    Attributes:
        log: whether the loss axis is logarithmic.
        share: the share of the run that is shown, counted from its end; 1 for the whole.
        cursor: the characters trained on at which a vertical line stands; None for no line.
    """

    log: bool = False
    share: float = 1.0
    cursor: float | None = None


def loss_chart(
    curves: Sequence[Curve],
    changes: Sequence[Change],
    view: View,
    width: int,
    height: int,
    findings: Sequence[Finding] = (),
    levels: Mapping[str, float] = MappingProxyType({}),
    forecast: Forecast | None = None,
) -> Chart:
    """A chart of losses in nats per character over characters trained on.

    Args:
        curves: the run itself, and others to compare it with.
        changes: each is marked by a vertical line with its number at the top.
        view: the part of the chart.
        width: columns.
        height: rows.
        findings: each is marked by a dashed vertical line, with the sign of its severity at the top.
        levels: losses to compare with, by their names; each that the chart reaches is a dashed line with its name.
        forecast: the expected course of the first curve: a dotted line between two fainter ones for its interval.
    """
    if small := too_small(width, height):
        return small
    end = max((point.chars for curve in curves for point in curve.points), default=0)
    begin = end * (1 - view.share)
    shown = [curve.cut(begin) for curve in curves]
    if not any(curve.points for curve in shown):
        return Chart(Text("no loss yet", style="dim"))
    scale = log10 if view.log else bounded
    lines = [_scaled(thinned(*curve.line(), columns=2 * width), scale) for curve in shown]
    validations = [_scaled(thinned(*_validations(curve), columns=width), scale) for curve in shown]
    course = _scaled(([], []) if forecast is None else forecast.course, scale)
    figure = Figure(
        [x for xs, _ in (*lines, *validations, course) for x in xs],
        _without_the_fall(lines, validations, whole=view.share == 1) + course[1],
        width,
        height,
        log=view.log,
    )
    rows = _level_rows(figure, levels, scale)
    for level, _ in rows.values():
        figure.dashes(level, "gray")
    _draw_changes(figure, [change for change in changes if begin <= change.chars][-width:])
    found = [each for each in findings if max(begin, figure.left) <= each.since_chars < figure.right][-width:]
    for finding in found:
        figure.column_of(finding.since_chars, "╎", FINDING_COLOURS[finding.severity])
    if forecast is not None:
        for edge in (forecast.lower, forecast.upper):
            figure.signs(*_dotted(_scaled(edge, scale), FAINT_DOTS * figure.column), "·", "gray")
        figure.signs(*_dotted(course, DOTS * figure.column), "·", COLOURS[0])
    for line, colour in zip(lines, COLOURS, strict=False):
        figure.line(*line, colour)
    for (xs, ys), symbol in zip(validations, SYMBOLS, strict=False):
        figure.signs(xs, ys, symbol, "green")
    for row, (_, names) in rows.items():
        figure.write_at_end(f" {', '.join(names)} ", row, "gray")
    if len(curves) > 1:
        _number_lines(figure, lines, width)
        _name_lines(figure, [curve.name for curve in curves], lines, set(rows))
    for finding in found:
        figure.write(SIGNS[finding.severity], finding.since_chars, 0, FINDING_COLOURS[finding.severity])
    if view.cursor is not None and figure.left <= view.cursor <= figure.right:
        figure.column_of(view.cursor, "│", "white")
    return figure.finished()


def _level_rows(
    figure: Figure, levels: Mapping[str, float], scale: Callable[[float], float]
) -> dict[int, tuple[float, list[str]]]:
    """The height of the line in each row that levels have, and their names: levels of one row share a line."""
    found: dict[int, tuple[float, list[str]]] = {}
    for name, level in levels.items():
        if figure.low < scale(level) < figure.high:
            found.setdefault(figure.row_of(scale(level)), (scale(level), []))[1].append(name)
    return found


def _draw_changes(figure: Figure, changes: Sequence[Change]) -> None:
    """Draw a line for each change, with its number at the top where there is room for it."""
    written = -math.inf
    for change in changes:
        if figure.left < change.chars < figure.right:
            figure.column_of(change.chars, "┊", "yellow")
            if change.chars > written:
                figure.write(str(change.number), change.chars + figure.column, 0, "yellow")
                written = change.chars + figure.column * (len(str(change.number)) + 1)


def _number_lines(figure: Figure, lines: Sequence[Xy], width: int) -> None:
    """Write each line's number on it, apart from the numbers of the other lines."""
    per_label = (figure.right - figure.left) * LABEL_COLUMNS / width
    for number, (line, colour) in enumerate(zip(lines, COLOURS, strict=False)):
        xs, ys = line
        count = max(1, round((xs[-1] - xs[0]) / per_label)) if xs else 0
        places = [int(len(xs) * (each + (number + 0.5) / len(lines)) / count) for each in range(count)]
        figure.signs([xs[place] for place in places], [ys[place] for place in places], str(number + 1), colour)


def _name_lines(figure: Figure, names: Sequence[str], lines: Sequence[Xy], taken: set[int]) -> None:
    """Write each line's number and name beside its end, in a row that no other name or level has."""
    for number, (name, (xs, ys), colour) in enumerate(zip(names, lines, COLOURS, strict=False), start=1):
        if not xs:
            continue
        words = f"{number} {end_of(visible(name, lines=False), LONGEST_NAME)}"
        own = min(max(figure.row_of(ys[-1]), 0), figure.rows - 1)
        row = next((each for each in _nearest(own, figure.rows) if each not in taken), None)
        if row is None:
            return
        taken.add(row)
        after = xs[-1] + figure.column
        if after + figure.column * cell_len(words) < figure.right:
            figure.write(words, after, row, colour)
        else:
            figure.write_at_end(words, row, colour)


def _nearest(row: int, rows: int) -> Iterator[int]:
    """Rows from the nearest to the farthest: those that lines of a falling loss leave free, above, first."""
    return (each for each in sorted(range(rows), key=lambda each: (abs(each - row), each)))


def _without_the_fall(lines: Sequence[Xy], validations: Sequence[Xy], *, whole: bool) -> list[float]:
    """The losses that the chart spans. Of a whole run, the steep fall at its beginning is let run out of the top.

    What a curve has passed in the first `FALL` of its length is left out where that is more than half of the height.
    """
    every = [y for _, ys in (*lines, *validations) for y in ys]
    later = [
        y
        for xs, ys in (*lines, *validations)
        for x, y in zip(xs, ys, strict=True)
        if x - xs[0] > FALL * (xs[-1] - xs[0])
    ]
    if not whole or len(later) < FEWEST_LATER:
        return every
    room = (max(later) - min(later)) * STRETCHED
    return every if max(every) - min(every) <= 2 * room else [*later, max(later) + (STRETCHED - 1) * room]


def _dotted(line: Xy, step: float) -> Xy:
    """Points of a line that are `step` apart, its end among them."""
    xs, ys = line
    # NumPy takes long to load, and an empty chart is painted before.
    import numpy as np

    places = np.arange(xs[-1], xs[0], -step) if xs else np.empty(0)
    return places.tolist(), np.interp(places, xs, ys).tolist() if xs else []


def _validations(curve: Curve) -> Xy:
    return [float(each.chars) for each in curve.validations], [each.loss for each in curve.validations]


def _scaled(line: tuple[Sequence[float], Sequence[float]], scale: Callable[[float], float]) -> Xy:
    xs, ys = line
    return list(xs), [scale(y) for y in ys]
