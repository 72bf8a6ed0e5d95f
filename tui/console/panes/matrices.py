"""The pane of the weight matrices, with everything that is known of each, and of clipping."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from rich.text import Text

from engine.diagnosis.thresholds import GRADIENT_ERROR
from engine.events import Point, Severity
from engine.network.cells import GATES
from engine.session.snapshot import Snapshot
from tui.console.panes.text_pane import TextPane
from tui.drawing.curves import end_of
from tui.drawing.sparklines import sparkline
from tui.words.numbers import mean, percent, scientific, written
from tui.words.prose import wrapped
from tui.words.readings import last, number, numbers

RECENT, CLIP_RECENT = 5, 20
"""Points over which norms, and the effect of clipping, are averaged: about one second, and four."""

NARROW, WIDE = 1e-4, 1e-2
"""Between these, an update ratio is fine; `USUAL` is their middle."""

USUAL = 1e-3
STILL = 1e-9
"""Below this update ratio, an update does not move a matrix."""

LONGEST_NAME = 24
"""The most columns of a matrix's name, with the blank behind it."""

MARK = "▶"
SORTED = "▼"


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of one matrix; nan where unknown."""

    name: str
    gradient: float
    history: tuple[float, ...]
    weights: float
    ratio: float
    error: float
    saturated: float
    finite: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its heading, its width, its cells, and the number by which it is sorted."""

    heading: str
    width: int
    write: Callable[[Row], str]
    order: Callable[[Row], float] | None = None


COLUMNS = (
    Column("matrix", 11, lambda row: row.name),
    Column("gradient", 9, lambda row: fitting(row.gradient, 8, scientific), lambda row: row.gradient),
    Column("‖w‖", 9, lambda row: fitting(row.weights, 8), lambda row: row.weights),
    Column("upd/w", 8, lambda row: fitting(row.ratio, 7, scientific), lambda row: row.ratio),
    Column("error", 8, lambda row: fitting(row.error, 7, scientific), lambda row: row.error),
    Column("saturated", 11, lambda row: _short_share(row.saturated), lambda row: row.saturated),
    Column("finite", 8, lambda row: "yes" if row.finite else "NO", lambda row: float(not row.finite)),
)


class MatricesPane(TextPane):
    """A table that can be sorted, with the row that stands out marked; below it, the effect of clipping."""

    TITLE = "Weight matrices"
    HINT = "Every weight matrix with its gradient, its size, and how far updates move it."
    TERMS = (
        "grad_norm",
        "weight_norms",
        "update_ratio",
        "gradient_error",
        "saturated",
        "non_finite",
        "clipped",
        "clip_factor",
        "rate_used",
        "clipping.cosine",
    )

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._sort = 0

    def sort(self, direction: int) -> None:
        """Sort by the column to the left or to the right."""
        self._sort = (self._sort + direction) % len(COLUMNS)
        self.redraw()

    def text(self, snapshot: Snapshot, width: int, height: int) -> Text:
        """The pane's lines."""
        return matrices(snapshot, width, self._sort, height)


def matrices(snapshot: Snapshot, width: int, sort: int = 0, height: int = 0) -> Text:
    """The table, sorted by a column, what stands out, saturation by gate, and clipping.

    Where `height` rows have room for it, the update ratios over the run follow.
    """
    found = rows(snapshot)
    if not found:
        return Text("no update yet", style="dim")
    marked, why = worst(found, ill=is_ill(snapshot))
    columns = _columns(found, width, sort)
    fixed = sum(column.width for column in columns) + 2
    bars = min(40, max(0, width - fixed - 1))
    heading = "".join(
        _cell(column, f"{column.heading}{SORTED}" if column.heading == COLUMNS[sort].heading else column.heading)
        for column in columns
    )
    lines = [Text(f"  {heading}  {'recent gradients' if bars > 15 else ''}".rstrip(), style="bold")]
    for row in _sorted(found, sort):
        line = Text(f"{MARK} " if row is marked else "  ", style="bold yellow")
        line.append("".join(_cell(column, column.write(row)) for column in columns), style="not bold default")
        line.append(f" {sparkline(row.history, bars)}", style="not bold cyan")
        lines.append(line)
    lines += [Text(), *wrapped(f"{MARK} {why}" if marked else why, width, "yellow" if marked else "", indent=2)]
    lines += [*_gates(snapshot, width), *_numerics(snapshot, width), Text(), *clipping(snapshot, width)]
    lines += wrapped(
        "upd/w is the size of an update over that of the weights, usually 1e-3. In bfloat16 an error of 0.01 is usual. "
        f", and . sort by another column ({SORTED}).",
        width,
        "dim",
    )
    ratios = _ratios(snapshot, width)
    return Text("\n").join([*lines, *ratios] if len(lines) + len(ratios) <= height else lines)


def _ratios(snapshot: Snapshot, width: int) -> list[Text]:
    """Each matrix's update ratios over the run, under a heading."""
    readings = [numbers(probe, "ratios") for probe in snapshot.probes.get("update_ratio", ())]
    lines = [Text(), Text("  upd/w over the run", style="bold")]
    for place, name in enumerate(snapshot.matrix_names):
        line = Text(f"  {_cell(COLUMNS[0], end_of(name, COLUMNS[0].width - 1))} ")
        line.append(sparkline([_at(each, place) for each in readings], width - line.cell_len), style="cyan")
        lines.append(line)
    return lines


def rows(snapshot: Snapshot) -> list[Row]:
    """One row per matrix, in the order of the network; empty before the first update."""
    points = snapshot.recent
    if not points:
        return []
    names = snapshot.matrix_names
    update, numerics = last(snapshot, "update_ratio"), last(snapshot, "numerics")
    found = []
    for place, name in enumerate(names):
        history = tuple(point.norms[place] for point in points if place < len(point.norms))
        now = history[-RECENT:]
        ratio, weights = _at(numbers(update, "ratios"), place), _at(numbers(update, "norms"), place)
        error = _at(numbers(numerics, "matrix_errors"), place)
        broken = (
            any(not math.isfinite(value) for value in now)
            or (update is not None and math.isnan(ratio))
            or (bool(numbers(numerics, "matrix_errors")) and math.isnan(error))
        )
        gradient = sum(now) / len(now) if now else math.nan
        found.append(Row(name, gradient, history, weights, ratio, error, _saturated(snapshot, name), not broken))
    return found


def is_ill(snapshot: Snapshot) -> bool:
    """Whether a finding is open that is more than a note."""
    return any(finding.until_update is None and finding.severity != Severity.NOTE for finding in snapshot.findings)


def worst(found: list[Row], *, ill: bool = False) -> tuple[Row | None, str]:
    """The matrix that stands out most, and a sentence that says why; None where none does.

    Where the training is `ill`, the advice is left to its findings.
    """
    if broken := [row for row in found if not row.finite]:
        return broken[0], f"{broken[0].name}: not everything in it, or in its gradient, is finite; u goes back."
    rough = max(found, key=lambda row: row.error if math.isfinite(row.error) else 0.0)
    if rough.error > GRADIENT_ERROR:
        return rough, f"{rough.name}: its gradient is off by {percent(rough.error)} of itself; float32 is finer."
    far = max(found, key=lambda row: _distance(row.ratio))
    if _distance(far.ratio) > 1:
        if far.ratio < STILL:
            return far, f"{far.name}: an update does not move it at all{'; F says what is wrong.' if ill else '.'}"
        way, advice = ("more", "l lowers the rate") if far.ratio > USUAL else ("less", "L raises the rate")
        times = written(far.ratio / USUAL if far.ratio > USUAL else USUAL / far.ratio, ".2g")
        moves = f"an update moves it by {scientific(far.ratio)} of itself, {times} times {way} than 1e-3"
        return far, f"{far.name}: {moves}; {'F says what is wrong' if ill else advice}."
    if all(math.isnan(row.ratio) for row in found):
        return None, "How far updates move the weights is not measured yet."
    return None, "Nothing stands out: every update ratio lies within 1e-4 … 1e-2, and every gradient is fine enough."


def clipping(snapshot: Snapshot, width: int) -> list[Text]:
    """The effect of clipping on the length and direction of the updates."""
    settings, points = snapshot.settings, snapshot.recent[-CLIP_RECENT:]
    if settings.clip is None:
        return [Text("clip off: every gradient is used as it is", style="dim")]
    updates = sum(point.updates for point in points)
    clipped = sum(point.clipped * point.updates for point in points) / updates if updates else math.nan
    words = f"clip {settings.write('clip')} by {settings.clip_by}: {percent(round(clipped, 3))} of the updates are cut"
    factors = [point.clip_factor for point in points if point.clipped and math.isfinite(point.clip_factor)]
    if factors:
        words += f", in the median to {percent(median(factors))} of their size"
    probe = last(snapshot, "clipping")
    if settings.clip_by == "value" and probe is not None:
        words += f"; {percent(number(probe, 'cut'))} of the numbers are; the cosine of the direction kept is "
        words += written(number(probe, "cosine"))
    used, rate = f"{_rate_used(points):.2g}", f"{points[-1].lr:.2g}" if points else ""
    if used not in ("nan", rate):
        words += f"; acts like a rate of {used} instead of {rate}"
    return wrapped(f"{words}.", width, indent=2)


def _rate_used(points: tuple[Point, ...]) -> float:
    """The mean learning rate that would have had the same effect without clipping; nan if unknown."""
    return mean([point.rate_used for point in points if point.rate_used > 0])


def _gates(snapshot: Snapshot, width: int) -> list[Text]:
    """One line per layer: the saturated share of each gate."""
    probe = last(snapshot, "gates")
    names = GATES.get(snapshot.settings.cell, ())
    saturated = numbers(probe, "saturated")
    if not saturated or not names:
        return []
    lines = [Text("")]
    for layer in range(len(saturated) // len(names)):
        here = saturated[layer * len(names) : (layer + 1) * len(names)]
        words = "  ".join(f"{name} {percent(round(value, 3))}" for name, value in zip(names, here, strict=True))
        lines += wrapped(f"saturated of layer {layer}: {words}", width, indent=2)
    forget = number(probe, "forget")
    if math.isfinite(forget):
        lines += wrapped(
            f"frozen {percent(number(probe, 'frozen'))}, forget {written(forget)}, "
            f"which is a memory of {written(number(probe, 'memory'))} characters",
            width,
            indent=2,
        )
    return lines


def _numerics(snapshot: Snapshot, width: int) -> list[Text]:
    """The errors of the number type, over all matrices."""
    probe = last(snapshot, "numerics")
    if probe is None:
        return []
    words = f"numbers: gradient error {scientific(number(probe, 'gradient_error'))} in total, "
    words += f"loss error {scientific(number(probe, 'loss_error'))}, "
    words += f"not finite {percent(number(probe, 'non_finite'))}, too small {percent(number(probe, 'subnormal'))}, "
    words += f"lost {percent(number(probe, 'lost'))}"
    return wrapped(words, width, "red" if number(probe, "non_finite") > 0 else "", indent=2)


def _saturated(snapshot: Snapshot, name: str) -> float:
    """The mean saturation of the layer that a matrix belongs to; nan for a matrix of no layer."""
    match = re.fullmatch(r"(?:rnn\.(?:ih|hh)|.*weight_(?:ih|hh)_l)(\d+)", name)
    count = len(GATES.get(snapshot.settings.cell, ()))
    if not match or not count:
        return math.nan
    layer = int(match[1])
    return mean(numbers(last(snapshot, "gates"), "saturated")[layer * count : (layer + 1) * count])


def _sorted(found: list[Row], sort: int) -> list[Row]:
    order = COLUMNS[sort].order
    if order is None:
        return found
    # nan comes last, and infinity first.
    return sorted(found, key=lambda row: math.inf if math.isnan(order(row)) else -order(row))


def _distance(ratio: float) -> float:
    """The distance of an update ratio from `USUAL`, in powers of ten."""
    if math.isnan(ratio):
        return 0.0
    return abs(math.log10(min(1e9, max(ratio, 1e-9)) / USUAL))


def fitting(value: float, width: int, write: Callable[[float], str] = written) -> str:
    """A number in at most `width` columns, with fewer digits if need be."""
    return next((text for text in (write(value), scientific(value)) if len(text) <= width), scientific(value, 1))


def _short_share(value: float) -> str:
    """A share in per cent, in at most nine columns."""
    return f"{fitting(100 * value, 7)} %" if math.isfinite(value) else written(value)


def _columns(found: list[Row], room: int, sort: int) -> list[Column]:
    """The columns that fit into `room`, the one that the table is sorted by among them.

    The first has room for the names of a program's own network, which are longer than ours.
    """
    width = min(LONGEST_NAME, max(COLUMNS[0].width, *(len(row.name) + 1 for row in found)))
    first = replace(COLUMNS[0], width=width, write=lambda row: end_of(row.name, width - 1))
    rest = list(COLUMNS[1:])
    while len(rest) > 1 and width + sum(column.width for column in rest) + 2 > room:
        rest.remove(next(column for column in reversed(rest) if column is not COLUMNS[sort]))
    return [first, *rest]


def _cell(column: Column, text: str) -> str:
    if column.order is None:
        return f"{text:<{column.width}}"
    return f"{text:>{column.width}}"


def _at(values: tuple[float, ...], place: int) -> float:
    return values[place] if place < len(values) else math.nan
