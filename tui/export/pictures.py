"""The pictures of one run in a report. Only what was measured is drawn."""

from __future__ import annotations

import io
import logging
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogFormatter
from numpy.typing import NDArray

from engine.events import Probe
from engine.settings import setting
from engine.windows import LengthLaw
from tui.export.run_data import RunData
from tui.words.readings import number, numbers
from tui.words.safe_text import visible

WIDTH, ROW = 9.0, 3.4
"""Inches: the width of a picture, and the height of one with a single row of axes."""

MOST = 1200
"""The most points of a curve that are drawn; more cannot be distinguished."""

SHOWN_LAGS = 4
"""The most readings of the gradient by lag that are drawn, spread from the first to the last."""

LONGEST_LABEL = 24
"""The most characters of a curve's name: names in a stranger's lab may leave no room for the curves."""

FAINTEST = 1e-5
"""The smallest share of the gradient by lag that is drawn."""

SMOOTHING = 0.01
"""The training loss is averaged over this share of the run to each side, but never across a change."""

HIGHEST = 1e30
"""A larger number is drawn at this height: an axis needs room above its largest number."""

NEAREST = 0.04
"""Of marks that are nearer to each other than this share of the run, only the first is drawn."""

STEEP = 8.0
"""Where the highest loss is more than this many times the lowest, the axis is logarithmic."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of text and lines, of the grid, of the background, and of the curves."""

    ink: str
    grid: str
    ground: str
    curves: tuple[str, ...]


# Okabe & Ito's palette, which the colour-blind can distinguish; lighter on the dark background, which is the page's.
LIGHT = Theme("#222222", "#dddddd", "#ffffff", ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9"))
DARK = Theme("#dddddd", "#444444", "#16191d", ("#56b4e9", "#e69f00", "#2fc79b", "#e79fc8", "#f0e442", "#7fb0ff"))


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        name: the file's name, without the suffix.
        title: a few words.
        caption: what the picture shows, in a few sentences.
        height: in inches.
        draw: draws it.
    """

    name: str
    title: str
    caption: str
    height: float
    draw: Callable[[Figure, Theme], None]


def pictures(data: RunData) -> list[Picture]:
    """The pictures for which something was measured."""
    if not data.points:
        return []
    found = [_loss(data), _gradient(data), _rate(data)]
    if data.probes.get("gradient_by_lag"):
        found.append(_by_lag(data))
    if panels := _panels(data):
        found.append(_instruments(data, panels))
    return found


def render(picture: Picture, theme: Theme, kind: str) -> bytes:
    """A picture as `svg` or `png`, the same bytes each time."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # The style `default` first, so that a `matplotlibrc` of the user has no effect.
    with matplotlib.style.context(["default", _style(theme)]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=(WIDTH, picture.height), layout="constrained")
        picture.draw(figure, theme)
        into = io.BytesIO()
        about = dict.fromkeys(("Creator", "Date", "Format", "Type")) if kind == "svg" else {"Software": None}
        figure.savefig(into, format=kind, dpi=160, metadata=about)
    return into.getvalue()


def _style(theme: Theme) -> dict[str, Any]:
    return {
        "text.parse_math": False,
        "svg.hashsalt": "charrnn-tui",
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=theme.curves),
        "grid.color": theme.grid,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.6,
        "legend.edgecolor": "none",
        "legend.facecolor": theme.ground,
        "legend.fontsize": 9,
        "figure.facecolor": theme.ground,
        "axes.facecolor": theme.ground,
        "savefig.facecolor": theme.ground,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), theme.ink),
    }


# --- the pictures ----------------------------------------------------------------------------------------------------


def _loss(data: RunData) -> Picture:
    def draw(figure: Figure, theme: Theme) -> None:
        axes = _axes(figure.subplots(), data, "nats per character")
        losses = [point.loss for point in data.points]
        _curve(axes, data, losses, theme.curves[0], alpha=0.4, linewidth=0.8)
        xs, ys = smoothed(data)
        axes.plot(*thinned(xs, ys), color=theme.curves[0], label="training, smoothed")
        held_out = [each.loss for each in data.validations]
        if held_out:
            there = thinned([each.chars for each in data.validations], held_out)
            axes.plot(*there, "D-", color=theme.curves[1], markersize=5, linewidth=1, label="validation")
        if is_steep([*losses, *held_out]):
            logarithmic(axes)
        _levels(axes, data, theme, [*ys, *held_out])
        _marks(axes, data, theme)
        axes.legend()

    caption = "Loss over the characters trained on; pale: as it was measured."
    marks = _change_marks(data)
    if marks:
        caption += " Dashed lines with a number are changes of a hyperparameter, as listed below."
        if len(apart(marks, data.run.chars - data.begin)) < len(marks):
            caption += " Of changes close to each other only the first is marked."
    if data.findings:
        caption += " Dotted lines with an F are findings, where each began."
    return Picture("loss", "Loss", caption, ROW * 1.3, draw)


def _gradient(data: RunData) -> Picture:
    bounded = any(text != "off" for _, text in data.course("clip"))

    def draw(figure: Figure, theme: Theme) -> None:
        heights = (3, 1) if bounded else (1,)
        rows = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        axes = _axes(rows[0], data, "L2 norm before clipping")
        _curve(
            axes,
            data,
            [point.grad_norm_max for point in data.points],
            theme.ink,
            alpha=0.3,
            linewidth=0.9,
            label="largest",
        )
        _curve(axes, data, [point.grad_norm for point in data.points], theme.curves[0], label="mean")
        for name, colour, place in zip(data.run.matrix_names, theme.curves[2:], range(4), strict=False):
            norms = [point.norms[place] for point in data.points]
            _curve(axes, data, norms, colour, linewidth=0.9, alpha=0.8, label=curve_label(name))
        if bounded and {kind for _, kind in data.course("clip_by")} == {"norm"}:
            axes.plot(
                *_stairs(data, "clip", _bound), color=theme.curves[1], linestyle="--", linewidth=1.2, label="clip bound"
            )
        if any(point.grad_norm > 0 for point in data.points):
            logarithmic(axes)
        _marks(axes, data, theme)
        axes.legend(ncols=4)
        for axes in rows[1:]:
            _axes(axes, data, "clipped, %")
            _curve(axes, data, [100 * point.clipped for point in data.points], theme.curves[1])
            axes.set_ylim(-3, 103)

    caption = "The size of the gradient, over all parameters and by weight matrix."
    caption += f" {_clipped(data):.3g} % of all updates were clipped." if bounded else " Clipping was off."
    return Picture("gradient", "Gradient", caption, ROW * 1.7, draw)


def _rate(data: RunData) -> Picture:
    ratios = data.probes.get("update_ratio", [])

    def draw(figure: Figure, theme: Theme) -> None:
        rows = figure.subplots(1, 2 if ratios else 1, squeeze=False)[0]
        axes = _axes(rows[0], data, "learning rate")
        _curve(axes, data, [point.lr for point in data.points], theme.curves[0], label="set")
        _curve(
            axes, data, [point.rate_used for point in data.points], theme.curves[1], linestyle="--", label="acts like"
        )
        logarithmic(axes)
        _marks(axes, data, theme)
        axes.legend()
        if ratios:
            axes = _axes(rows[1], data, "‖Δw‖ / ‖w‖ of one update")
            axes.axhspan(2e-4, 1e-2, color=theme.curves[2], alpha=0.12, linewidth=0)
            _readings(axes, ratios, "whole", theme.curves[0])
            logarithmic(axes)
            _marks(axes, data, theme)

    caption = "The learning rate, schedule included, and the rate that would have had the same effect without clipping."
    if ratios:
        caption += " Right: how far one update moves the weights, as a share of them; the band is usual."
    return Picture("rate", "Learning rate", caption, ROW, draw)


def _by_lag(data: RunData) -> Picture:
    probes = data.probes["gradient_by_lag"]
    chosen = [probes[place] for place in spread(len(probes), SHOWN_LAGS)]

    def draw(figure: Figure, theme: Theme) -> None:
        left, right = figure.subplots(1, 2)
        axes = left
        axes.set_title("share of the gradient at lag 0")
        axes.set_xlabel("lag in characters")
        for place, probe in enumerate(chosen):
            felt = [share if share > FAINTEST else math.nan for share in numbers(probe, "relative")]
            lags, shares = thinned(range(len(felt)), felt)
            strength = (place + 1) / len(chosen)
            axes.plot(lags, shares, color=theme.curves[0], alpha=strength, label=f"update {probe.update:,}")
        half = number(chosen[-1], "half_life")
        if math.isfinite(half):
            axes.axvline(half, color=theme.curves[1], linestyle="--", linewidth=1.2, label=f"half-life {half:.3g}")
        logarithmic(axes)
        axes.set_ylim(bottom=FAINTEST)
        axes.legend()
        axes = _axes(right, data, "characters")
        _readings(axes, probes, "half_life", theme.curves[1], label="half-life")
        _readings(axes, probes, "reach", theme.curves[2], label="1 % arrives")
        axes.plot(*_stairs(data, "bptt", _length), color=theme.ink, linestyle=":", linewidth=1.2, label="BPTT length")
        logarithmic(axes)
        axes.margins(y=0.3)
        _marks(axes, data, theme)
        axes.legend()

    last = chosen[-1]
    half, reach = number(last, "half_life"), number(last, "reach")
    caption = "How much of the gradient of one character's loss arrives at the hidden state k characters back. "
    if math.isfinite(half):
        caption += f"In the end it halves every {half:.3g} characters"
        caption += f", and less than 1 % arrives from {reach:.0f} characters on." if math.isfinite(reach) else "."
    elif number(last, "decay") >= 1:
        caption += "In the end it does not decay: it explodes through time."
    return Picture("gradient-by-lag", "Gradient by lag", caption.strip(), ROW, draw)


Panel = tuple[str, str, tuple[tuple[str, str], ...]]
"""The axes for some numbers of an instrument: its name, the title, and the fields with their labels."""

PANELS: tuple[Panel, ...] = (
    ("control", "nats per character", (("seen", "text read before"), ("held_out", "held-out text"))),
    ("control", "nats that the context is worth", (("by_context", ""),)),
    ("agreement", "agreement of gradients", (("share", ""),)),
    ("gates", "share of units", (("share", "saturated"), ("frozen", "frozen"), ("forget", "forget gate"))),
    ("numerics", "error against float64", (("gradient_error", "gradient"), ("loss_error", "loss"))),
    ("words", "share of words in the text", (("known", ""),)),
    ("sharpness", "sharpness × rate / bound", (("ratio", ""),)),
)

LOGARITHMIC = frozenset({"numerics"})


def _panels(data: RunData) -> list[Panel]:
    return [panel for panel in PANELS if len({probe.chars for probe in data.probes.get(panel[0], ())}) > 1]


def _instruments(data: RunData, panels: Sequence[Panel]) -> Picture:
    rows = math.ceil(len(panels) / 2)

    def draw(figure: Figure, theme: Theme) -> None:
        grid = figure.subplots(rows, 2, squeeze=False)
        for (instrument, says, fields), axes in zip(panels, grid.flat, strict=False):
            probes = data.probes[instrument]
            _axes(axes, data, says)
            for (field, label), colour in zip(fields, theme.curves, strict=False):
                _readings(axes, probes, field, colour, label=label)
            if instrument in LOGARITHMIC and any(number(probe, field) > 0 for probe in probes for field, _ in fields):
                logarithmic(axes)
            _marks(axes, data, theme)
            if len(fields) > 1:
                axes.legend()
        for axes in grid.flat[len(panels) :]:
            axes.remove()

    caption = "What instruments measured of the network between two updates."
    return Picture("instruments", "Instruments", caption, 0.75 * ROW * rows, draw)


# --- parts of pictures -----------------------------------------------------------------------------------------------


def _axes(axes: Axes, data: RunData, says: str) -> Axes:
    """Axes over the whole run. Their title says what is drawn, since a short axis has no room for it beside it."""
    axes.set_title(says)
    margin = 0.01 * (data.run.chars - data.begin)
    axes.set_xlim(data.begin - margin, max(data.run.chars + margin, data.begin + 1))
    axes.set_xlabel("characters trained on")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return axes


class _Plain(LogFormatter):
    """The plain numbers of a logarithmic axis, without typesetting, where there is room."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:.4g}" if super().__call__(x, pos) else ""


def logarithmic(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_Plain())
    axes.yaxis.set_minor_formatter(_Plain(minor_thresholds=(1, 0.4)))


def curve_label(name: str) -> str:
    """A curve's name as a legend can show it, with at most `LONGEST_LABEL` characters."""
    cut = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    # Matplotlib leaves a label that begins with an underscore out of the legend.
    return visible(f" {cut}" if cut.startswith("_") else cut, lines=False)


def _curve(axes: Axes, data: RunData, values: Sequence[float], colour: str, **options: Any) -> None:
    axes.plot(*thinned([point.chars for point in data.points], values), color=colour, **options)


def _readings(axes: Axes, probes: Sequence[Probe], field: str, colour: str, label: str = "") -> None:
    xs, ys = thinned([probe.chars for probe in probes], [number(probe, field) for probe in probes])
    axes.plot(xs, ys, "o-" if len(xs) < 60 else "-", color=colour, markersize=3, label=label)


def _levels(axes: Axes, data: RunData, theme: Theme, losses: Iterable[float]) -> None:
    """Draw the losses that the frequencies of letters, and of pairs, give alone, where the curve comes near them."""
    facts = data.probes.get("text_facts", [])
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not facts or not finite:
        return
    for field, words in (("letter_entropy", "letter frequencies"), ("pair_entropy", "pairs of letters")):
        level = number(facts[-1], field)
        if min(finite) <= level <= 1.1 * max(finite):
            axes.axhline(level, color=theme.ink, linestyle=":", linewidth=0.8, alpha=0.7)
            axes.annotate(words, (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)


def _marks(axes: Axes, data: RunData, theme: Theme) -> None:
    """Draw a line for each change, with its number at the top, and for each finding, with its number at the bottom."""
    across = axes.get_xaxis_transform()
    for place, chars in apart(_change_marks(data), data.run.chars - data.begin):
        axes.axvline(chars, color=theme.ink, linestyle="--", linewidth=0.8, alpha=0.5)
        axes.text(chars, 1, f" {place}", transform=across, va="top", fontsize=8)
    found = [(place, finding.since_chars) for place, finding in enumerate(data.findings, 1)]
    for place, chars in apart(found, data.run.chars - data.begin):
        axes.axvline(chars, color=theme.curves[1], linestyle=":", linewidth=1, alpha=0.8)
        axes.text(chars, 0.01, f" F{place}", transform=across, fontsize=8, color=theme.curves[1])


def _change_marks(data: RunData) -> list[tuple[int, int]]:
    return [(place, change.chars) for place, change in data.marked]


def apart(marks: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """The marks (number and place) that can be read, far enough from the one before, in the order of places."""
    shown: list[tuple[int, int]] = []
    for mark in sorted(marks, key=lambda mark: mark[1]):
        if not shown or mark[1] - shown[-1][1] >= NEAREST * length:
            shown.append(mark)
    return shown


def _stairs(data: RunData, knob: str, value: Callable[[str], float]) -> tuple[list[float], list[float]]:
    """The values of a knob over the characters trained on, as a curve of steps."""
    course = [(float(chars), value(text)) for chars, text in data.course(knob)]
    xs, ys = [course[0][0]], [course[0][1]]
    for (_, before), (chars, after) in pairwise(course):
        xs += [chars, chars]
        ys += [before, after]
    return [*xs, float(data.run.chars)], [*ys, ys[-1]]


def _bound(text: str) -> float:
    bound = setting("clip").kind.read(text)
    return bound if isinstance(bound, int | float) else math.nan


def _length(text: str) -> float:
    return LengthLaw.parse(text).mean


def _clipped(data: RunData) -> float:
    """The share of all updates that were clipped, in per cent."""
    updates = sum(point.updates for point in data.points)
    return 100 * sum(point.clipped * point.updates for point in data.points) / updates if updates else 0.0


def is_steep(values: Iterable[float]) -> bool:
    """Whether the highest loss is so much higher than the lowest that a linear axis would show little."""
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) > STEEP * min(finite)


def thinned(xs: Sequence[float] | Numbers, ys: Sequence[float] | Numbers) -> tuple[Numbers, Numbers]:
    """At most `MOST` points, means of neighbours where there are more; values that are not finite are left out."""
    x, y = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
    there = np.isfinite(y)
    x, y = x[there], y[there].clip(-HIGHEST, HIGHEST)
    if len(x) <= MOST:
        return x, y
    part = np.arange(len(x)) * MOST // len(x)
    counts = np.bincount(part)
    return np.bincount(part, x) / counts, np.bincount(part, y) / counts


def smoothed(data: RunData) -> tuple[Numbers, Numbers]:
    """Characters, and the training loss as a moving mean, whose window is as wide to the left as to the right."""
    points = [point for point in data.points if math.isfinite(point.loss)]
    x = np.array([point.chars for point in points], np.float64)
    y = np.array([point.loss for point in points], np.float64)
    if not points:
        return x, y
    borders = np.array([x[0], *(change.chars + 0.5 for _, change in data.marked), x[-1]])
    part = np.searchsorted(borders[1:-1], x)
    width = np.minimum(SMOOTHING * x[-1], np.minimum(x - borders[part], borders[part + 1] - x).clip(0))
    first, end = np.searchsorted(x, x - width), np.searchsorted(x, x + width, side="right")
    total = np.concatenate(([0.0], y.clip(-HIGHEST, HIGHEST).cumsum()))
    return x, (total[end] - total[first]) / (end - first)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, spread evenly from the first to the last."""
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]
