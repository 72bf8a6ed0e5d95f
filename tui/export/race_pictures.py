"""The pictures of a race: the curves of its variants, and their differences from the first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, FuncFormatter

from engine.race.result import MEASURES, Comparison, Lane
from engine.race.statistics.sentence import signed
from engine.race.statistics.standing import primary_measure
from tui.export.pictures import HIGHEST, ROW, Numbers, Picture, Theme, curve_label, is_steep, logarithmic
from tui.export.race_data import RaceData
from tui.words.races import MEASURED_IN, VERDICT_SIGNS

MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":")
"""Together with `MARKERS`, these distinguish all variants of the largest race, even without colours."""

MOST_BANDS = 6
"""The most variants for which bands are drawn: more bands would hide each other."""

FURTHEST = 10.0
"""Nats beyond which a difference is drawn as infinite: no network that learns has a loss that is so much higher."""

UNEVEN = 20.0
"""Where the largest difference is more than this many times the smallest one, and the smallest that matters, the axis
is logarithmic beyond the smallest that matters."""

OFFSET = 0.24
"""The distance of a variant's seeds below its interval, in rows."""


def race_pictures(data: RaceData) -> list[Picture]:
    """The pictures for which something was measured."""
    found = []
    if any(lane.rungs for lane in data.standing.lanes):
        found.append(_losses(data))
    if data.standing.results:
        found.append(_differences(data))
    return found


# --- curves ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Band:
    """A variant's validation loss over its seeds at each of its measurements.

    Attributes:
        chars: since the race's start, the mean over the seeds.
        mean: in nats per character.
        low: the smallest loss of the seeds.
        high: the largest loss of the seeds.
    """

    chars: Numbers
    mean: Numbers
    low: Numbers
    high: Numbers


def band(lanes: Sequence[Lane]) -> Band:
    """The band over the complete lanes or, if there are none, over all that have begun; never over diverged ones.

    It ends with the shortest of these lanes, so that every mean is over the same lanes.
    """
    whole = [lane for lane in lanes if lane.rungs and not lane.broken]
    whole = [lane for lane in whole if lane.done] or whole
    depth = min((len(lane.rungs) for lane in whole), default=0)
    chars = np.array([[rung.chars for rung in lane.rungs[:depth]] for lane in whole], np.float64)
    losses = np.array([[_bounded(rung.loss) for rung in lane.rungs[:depth]] for lane in whole], np.float64)
    if not depth:
        return Band(*(np.empty(0) for _ in range(4)))
    return Band(chars.mean(axis=0), losses.mean(axis=0), losses.min(axis=0), losses.max(axis=0))


def _losses(data: RaceData) -> Picture:
    variants = len(data.plan.variants)
    bands = [band(data.lanes(variant)) for variant in range(variants)]
    columns = 2 if variants < 5 else 3
    broken = [lane for lane in data.standing.lanes if lane.broken]

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.subplots()
        axes.set_title("validation loss, nats per character")
        axes.set_xlabel("characters trained on since the race's start")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        for variant, each in enumerate(bands):
            style = _style(theme, variant)
            if variants <= MOST_BANDS:
                axes.fill_between(each.chars, each.low, each.high, color=style["color"], alpha=0.18, linewidth=0)
            axes.plot(each.chars, each.mean, **style)
        for lane in broken:
            _broken(axes, lane, theme)
        drawn = [loss for each in bands for loss in each.mean]
        if is_steep([*drawn, *(_bounded(rung.loss) for lane in broken for rung in lane.rungs)]):
            logarithmic(axes)
        handles = [Line2D([], [], **_style(theme, variant)) for variant in range(variants)]
        names = [_name(data, variant) for variant in range(variants)]
        figure.legend(handles, names, loc="outside lower center", ncols=columns, handlelength=3.5)

    caption = "The validation loss of each variant: the mean over its seeds"
    caption += ", and between the least and the largest of them." if variants <= MOST_BANDS else "."
    if broken:
        caption += " A thin line that ends in a cross is a seed that diverged, and is in no mean."
    height = ROW * 1.2 + 0.22 * math.ceil(variants / columns)
    return Picture("race-loss", "Variants", caption, height, draw)


def _broken(axes: Axes, lane: Lane, theme: Theme) -> None:
    xs, ys = [rung.chars for rung in lane.rungs], [_bounded(rung.loss) for rung in lane.rungs]
    style = _style(theme, lane.variant)
    axes.plot(xs, ys, color=style["color"], linestyle=style["linestyle"], linewidth=0.8, alpha=0.8)
    axes.plot(xs[-1:], ys[-1:], "X", color=style["color"], markeredgecolor=theme.ink, markersize=9)


def _name(data: RaceData, variant: int) -> str:
    lanes = data.lanes(variant)
    diverged = sum(bool(lane.broken) for lane in lanes)
    return curve_label(data.label(variant)) + (f" ({diverged} of {len(lanes)} diverged)" if diverged else "")


# --- differences -----------------------------------------------------------------------------------------------------


def _differences(data: RaceData) -> Picture:
    plan, results = data.plan, data.standing.results
    variants = range(1, len(plan.variants))
    measures = sorted(MEASURES, key=lambda measure: measure != primary_measure(plan))
    seeds = {(each.variant, each.measure): data.differences(each) for each in results}
    values = [each.estimate for each in results] + [value for some in seeds.values() for value in some]
    edges = _range(values, plan.min_effect, results)
    uneven = _is_uneven([each.estimate for each in results if each.measure == measures[0]], plan.min_effect)

    def draw(figure: Figure, theme: Theme) -> None:
        # The sign of a verdict stands to the right of its axes, and must not seem to belong to the next axes.
        figure.set_layout_engine("constrained", wspace=0.08)
        row = figure.subplots(1, len(measures), sharey=True)
        for axes, measure in zip(row, measures, strict=True):
            axes.set_title(f"at equal {MEASURED_IN[measure]}")
            axes.axvspan(-plan.min_effect, plan.min_effect, color=theme.ink, alpha=0.13, linewidth=0)
            axes.axvline(0, color=theme.ink, linewidth=0.8)
            _scale(axes, edges, plan.min_effect, uneven=uneven)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(value) if value else "0"))
            axes.tick_params(axis="x", labelsize=8)
            axes.tick_params(axis="y", length=0)
            axes.grid(visible=False, axis="y")
            for found in results:
                if found.measure == measure:
                    _interval(axes, found, seeds[found.variant, measure], theme, edges)
        row[0].set_yticks(variants, [curve_label(data.label(variant)) for variant in variants])
        row[0].set_ylim(variants[-1] + 0.6, 0.5)
        figure.supxlabel("← better      nats per character      worse →", fontsize=9)

    caption = (
        f"The loss of each variant minus that of {curve_label(data.label(0))} with the same seed. "
        "The large mark is the estimate with its 95 % interval, small ones are the seeds; an arrow points to what is "
        f"beyond the axis. Within the band, up to {plan.min_effect:g}, a difference does not matter. "
        + ", ".join(f"{sign} {word}" for word, sign in VERDICT_SIGNS.items())
        + "."
        + (" Beyond the band the axis is logarithmic." if uneven else "")
    )
    return Picture("race-differences", "Differences", caption, 1.3 + 0.42 * len(variants), draw)


def _interval(axes: Axes, found: Comparison, seeds: Sequence[float], theme: Theme, edges: tuple[float, float]) -> None:
    """Draw one variant: its estimate and interval, and its seeds below them."""
    style = _style(theme, found.variant)
    colour, row = style["color"], found.variant
    ends = [_within(value, edges) for value in (found.low, found.high)]
    axes.plot(ends, [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
    for value, end in zip((found.low, found.high), ends, strict=True):
        mark = "|" if value == end else "<" if value < end else ">"
        axes.plot([end], [row], mark, color=colour, markersize=8)
    for value in seeds:
        if not math.isnan(value):
            end = _within(value, edges)
            mark = "o" if value == end else "<" if value < end else ">"
            axes.plot([end], [row + OFFSET], mark, color=theme.ground, markeredgecolor=colour, markersize=4)
    if _within(found.estimate, edges) == found.estimate:
        axes.plot([found.estimate], [row], style["marker"], color=colour, markeredgecolor=theme.ground, markersize=9)
    axes.annotate(
        VERDICT_SIGNS[found.verdict],
        (1.02, row),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=10,
        color=theme.ink,
    )


def _range(values: Sequence[float], min_effect: float, results: Sequence[Comparison]) -> tuple[float, float]:
    """The edges of the axis: it holds all estimates and seeds, and the intervals that are not far wider."""
    there = [value for value in values if abs(value) <= FURTHEST]
    low, high = min([*there, -2 * min_effect]), max([*there, 2 * min_effect])
    span = high - low
    for bound in (bound for each in results for bound in (each.low, each.high)):
        if low - span <= bound <= high + span:
            low, high = min(low, bound), max(high, bound)
    room = 0.1 * (high - low)
    return low - room, high + room


def _scale(axes: Axes, edges: tuple[float, float], min_effect: float, *, uneven: bool) -> None:
    """Make the axis of the differences, with some room beyond its edges."""
    low, high = edges
    if not uneven:
        margin = 0.05 * (high - low)
        axes.set_xlim(low - margin, high + margin)
        axes.locator_params(axis="x", nbins=5)
        return
    axes.set_xscale("symlog", linthresh=min_effect, linscale=0.5)
    axes.set_xlim(1.3 * low, 1.3 * high)
    decades = [10.0**power for power in range(math.ceil(math.log10(min_effect)), 2)]
    axes.set_xticks([0, *(sign * each for each in decades for sign in (-1, 1) if low <= sign * each <= high)])


def _is_uneven(estimates: Sequence[float], min_effect: float) -> bool:
    sizes = [abs(each) for each in estimates if abs(each) <= FURTHEST]
    return len(sizes) > 1 and max(sizes) > UNEVEN * max(min_effect, min(sizes))


def _within(value: float, edges: tuple[float, float]) -> float:
    return min(edges[1], max(edges[0], value))


# --- both ------------------------------------------------------------------------------------------------------------


def _style(theme: Theme, variant: int) -> dict[str, Any]:
    """The style of a variant's curve."""
    return {
        "color": theme.curves[variant % len(theme.curves)],
        "marker": MARKERS[variant % len(MARKERS)],
        "linestyle": LINES[(variant + variant // len(MARKERS)) % len(LINES)],
        "markersize": 5,
    }


def _bounded(loss: float) -> float:
    return min(HIGHEST, loss)
