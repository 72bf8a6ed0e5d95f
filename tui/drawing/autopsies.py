"""The report of an autopsy as lines, for the command line and the console's dialog."""

from __future__ import annotations

import math
from statistics import fmean

from rich.text import Text

from engine.autopsy.outcome import FURTHER_CAUSES, Outcome, Report
from engine.diagnosis.causes import CAUSES, Description
from engine.events import Cause, Trial
from engine.settings import setting
from tui.drawing.bars import standing
from tui.words.numbers import written
from tui.words.prose import wrapped
from tui.words.safe_text import visible

LABEL, REMOVES, LOSS = 34, 8, 8
"""Widths of the columns: the change, the share of the climb that it removes, and the loss after it."""

SHORTEST, LONGEST = 12, 48
"""The fewest and the most columns of a curve."""

ABOVE = 3.0
"""Nats above the level before the climb at which a curve is cut off: a higher loss is no worse."""

GOOD, SOME = 0.7, 0.3
"""A remedy that removes at least this share of the climb is shown as one that works, or as one that helps."""


def described(cause: Cause) -> Description:
    """The description of a cause."""
    return {**CAUSES, **FURTHER_CAUSES}[cause]


def lines(report: Report, width: int) -> list[Text]:
    """A row for each replay with its curve, then the conclusion and the cause, in at most `width` columns."""
    found = table(report, width)
    found += [Text(), *wrapped(visible(report.says, lines=False), width)]
    found += [Text(), Text(f"cause: {report.cause}", style="bold")]
    return [*found, *wrapped(described(report.cause).means, width, "dim")]


def table(report: Report, width: int) -> list[Text]:
    """A row for each replay: first the unchanged one, then the others by how much of the climb they remove."""
    curve = max(SHORTEST, min(LONGEST, width - LABEL - REMOVES - LOSS - 3))
    label = max(SHORTEST, min(LABEL, width - curve - REMOVES - LOSS - 3))
    head = Text(f"{'only change':<{label}} {'removes':>{REMOVES}} {'loss':>{LOSS}} {_mark(report, curve)}", style="dim")
    top = report.before + ABOVE
    highest = [loss for loss in report.outcomes[0].losses if math.isfinite(loss)]
    high = min(top, max(highest, default=top)) if math.isfinite(top) else max(highest, default=1.0)
    low = min((loss for each in report.outcomes for loss in each.losses if math.isfinite(loss)), default=0.0)
    span = _span(report)
    return [head, *(_row(each, label, _curve(each, span, curve, low, high)) for each in report.outcomes)]


def advice(trial: Trial | None) -> str:
    """The change that removes the climb, as an option of the command line."""
    return "no knob removes it" if trial is None else f"to try: {setting(trial.knob).option} {trial.value}"


def _row(outcome: Outcome, label: int, curve: str) -> Text:
    share = outcome.removed
    removes = "" if share is None else f"{share:.0%}"
    style = "" if share is None else "green" if share >= GOOD else "yellow" if share >= SOME else "dim"
    name = Text(visible(outcome.label, lines=False))
    name.truncate(label, overflow="ellipsis", pad=True)
    row = Text.assemble(name, " ", (f"{removes:>{REMOVES}}", style), f" {written(outcome.after, '.4g'):>{LOSS}} ")
    return row.append(curve, style=style)


def _span(report: Report) -> tuple[int, int]:
    """The characters at which the first curve begins and the last one ends."""
    places = [each for outcome in report.outcomes for each in outcome.chars]
    return (min(places), max(places)) if places else (0, 0)


def _column(chars: int, span: tuple[int, int], width: int) -> int:
    begin, end = span
    return min(width - 1, max(0, (chars - begin) * width // max(1, end - begin)))


def _curve(outcome: Outcome, span: tuple[int, int], width: int, low: float, high: float) -> str:
    """A curve as one row of bars, on axes that all curves share; a cross marks where numbers broke."""
    columns: dict[int, list[float]] = {}
    for chars, loss in zip(outcome.chars, outcome.losses, strict=False):
        columns.setdefault(_column(chars, span, width), []).append(min(high, loss))
    broke = bool(outcome.losses) and not math.isfinite(outcome.losses[-1])
    values: list[float] = []
    for place in range(max(columns, default=-1) + 1):
        values.append(fmean(columns[place]) if place in columns else values[-1] if values else math.nan)
    bars = standing(values, low, high, 1)[0]
    return f"{bars[: width - 1]}✗" if broke else bars


def _mark(report: Report, width: int) -> str:
    """The heading of the curves, with a mark where the climb begins."""
    span = _span(report)
    if not report.climb or span[1] <= span[0]:
        return "curve"
    place = _column(report.climb, span, width)
    return f"{' ' * place}▾ climb" if place + 7 <= width else f"{'climb ▾':>{place + 1}}"
