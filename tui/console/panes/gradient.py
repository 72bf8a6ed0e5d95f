"""The pane that shows the size of the gradient, in total and for each weight matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult

from engine.clock import Every
from engine.events import Point
from engine.session.snapshot import Snapshot, Status
from tui.console.panes.by_lag import chart, half_life, mini
from tui.console.panes.cached_text import CachedText
from tui.console.panes.pane import Pane
from tui.drawing.bars import resampled
from tui.drawing.log_bars import LABEL, log_bars
from tui.drawing.sparklines import share_line, sparkline
from tui.words.numbers import percent, scientific, written
from tui.words.readings import last, number, numbers

RECENT = 5
"""Points over which the shown norms and the clipped share are averaged: about a second."""

NUMBER = 10
"""Columns of a norm and the gaps around it."""

RATIO = 12
"""Columns of an update ratio, where there is room for it."""

DRAWN_SECONDS = 1.4
"""The least time between two drawings while a network trains."""

FEWEST_BARS = 8
"""Columns that bars need before there is room for anything else."""

LEAST_ROWS, AXIS = 2, 2
"""The fewest rows of a chart, and those of an axis below it."""

FAR = 2.0
"""How many powers of ten the clipping bound may be away from all norms to be shown with them."""

LONG_POWER = 4
"""The powers of ten that are written in full."""


class GradientPane(Pane):
    """A line for each matrix: its name, its norm before clipping, and its earlier norms as bars.

    The bars of the line on clipping show the share of the updates that were clipped, from 0 to 100 %. Where there is
    room, the norm over time stands above them, with the bound as a line, and the gradient by lag below them.
    """

    TITLE = "Gradient"
    HINT = "How large the gradient is, in total and for each weight matrix."
    TERMS = ("grad_norm", "clipped", "update_ratio", "by_lag", "half_life")

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot = Snapshot()
        self._due = Every(DRAWN_SECONDS)

    def compose(self) -> ComposeResult:
        """The pane's text."""
        yield CachedText(id="gradient-text")

    def on_resize(self) -> None:
        """Draw for the new size without waiting."""
        self._draw()

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot."""
        self.frame(self.TITLE, "L2 norm before clipping")
        goes_on = snapshot.status is Status.TRAINING is self._snapshot.status
        if goes_on and not self._due.due():
            return
        self._snapshot = snapshot
        self._due.reset()
        self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        alone = not self.screen.query_one("#by-lag").display
        self.query_one(CachedText).draw(gradient(self._snapshot, width, height, by_lag=alone))


def gradient(snapshot: Snapshot, width: int, height: int, *, by_lag: bool = True) -> Text:
    """The pane's lines: those of `norms`, and in the room that is left the norm over time and the gradient by lag.

    The latter is left out where another pane shows it.
    """
    lines = norms(snapshot, width, height if by_lag else 0)
    room = height - len(lines.split(allow_blank=True))
    if not snapshot.recent or room < LEAST_ROWS + 1:
        return lines
    probe = last(snapshot, "gradient_by_lag")
    if not by_lag or probe is None or room < 2 * LEAST_ROWS + AXIS + 2:
        return Text("\n").join([*over_time(snapshot, width, room), lines])
    above = max(LEAST_ROWS, (room - AXIS) // 2)
    words = f"By lag · half-life {half_life(number(probe, 'half_life'))}"
    below = chart(numbers(probe, "relative"), snapshot.settings.bptt, width, room - AXIS - above - 1)
    shown = norms(snapshot, width, 0)  # Without the gradient by lag in one line.
    return Text("\n").join([*over_time(snapshot, width, above + 1), shown, Text(words, style="dim"), *below])


def over_time(snapshot: Snapshot, width: int, height: int) -> list[Text]:
    """The norm of the whole gradient over the whole run, in `height` lines with a title."""
    points = snapshot.points or snapshot.recent
    logs = [math.log10(point.grad_norm) if _is_drawn(point.grad_norm) else math.nan for point in points]
    bound = snapshot.settings.clip
    ruled = None if bound is None or not _is_drawn(bound) else math.log10(bound)
    seen = [value for value in logs if math.isfinite(value)]
    if ruled is not None and seen and not min(seen) - FAR < ruled < max(seen) + FAR:
        ruled = None  # So far away, it would flatten the bars.
    line = "" if ruled is None else f"  ╌ clip {snapshot.settings.write('clip')}"
    title = Text.assemble(("Norm over the whole run", "dim"), (line, "yellow"))
    return [title, *log_bars(resampled(logs, max(1, width - LABEL)), width, height - 1, _norm, rule=ruled)]


def _is_drawn(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _norm(power: int) -> str:
    return f"{10.0**power:g}" if abs(power) <= LONG_POWER else f"1e{power}"


def norms(snapshot: Snapshot, width: int, height: int = 0) -> Text:
    """Lines on each matrix, `width` columns wide; if there is room, the last one shows the gradient by lag."""
    points = snapshot.recent
    if not points:
        return Text("no update yet", style="dim")
    names = ["all", *snapshot.matrix_names]
    series = [[point.grad_norm for point in points]]
    series += [[point.norms[place] for point in points] for place in range(len(snapshot.matrix_names))]
    label = max(len(name) for name in names)
    ratios = _ratios(snapshot, len(series)) if width >= label + NUMBER + RATIO + FEWEST_BARS else []
    bars = max(0, width - label - NUMBER - (RATIO if ratios else 0))
    lines = [
        Text.assemble(
            (f"{name:<{label}} ", "bold" if name == "all" else ""),
            f"{_now(values):>8.3g} ",
            (sparkline(values, bars), "cyan"),
        )
        for name, values in zip(names, series, strict=True)
    ]
    for line, ratio in zip(lines, ratios, strict=False):
        if not math.isnan(ratio):
            line.align("left", label + NUMBER + bars)
            line.append(f" upd/w {scientific(ratio, digits=1)}", style="dim")
    cut = _clipping(snapshot, points)
    shares = " " * (label + NUMBER) + share_line([point.clipped for point in points], bars)
    lines.insert(1, cut.append(f" {shares[cut.cell_len + 1 :]}", style="not dim cyan"))
    if len(lines) < height and (line := _by_lag(snapshot, label, bars)):
        lines.append(line)
    return Text("\n").join(lines)


def _ratios(snapshot: Snapshot, count: int) -> list[float]:
    """The update ratio of all matrices together, and of each; empty if unknown."""
    probe = last(snapshot, "update_ratio")
    return [number(probe, "whole"), *numbers(probe, "ratios")][:count] if probe is not None else []


def _by_lag(snapshot: Snapshot, label: int, bars: int) -> Text:
    """The gradient by lag in one row, and its half-life; empty if unknown."""
    probe = last(snapshot, "gradient_by_lag")
    if probe is None:
        return Text()
    life = number(probe, "half_life")
    words = f" half-life {written(life)} chars"
    line = Text(f"{'by lag':<{label}} ")
    if bars >= len(words) + FEWEST_BARS:
        line.append(f"{'':>8} ").append(mini(numbers(probe, "relative"), bars - len(words)), style="cyan")
        return line.append(words)
    return line.append(f"{'½ ' + written(life):>8} ").append(mini(numbers(probe, "relative"), bars), style="cyan")


def _now(values: Sequence[float]) -> float:
    last = values[-RECENT:]
    return sum(last) / len(last)


def _clipping(snapshot: Snapshot, points: Sequence[Point]) -> Text:
    settings = snapshot.settings
    if settings.clip is None:
        return Text("clip off", style="dim")
    last = points[-4 * RECENT :]
    share = sum(point.clipped * point.updates for point in last) / sum(point.updates for point in last)
    cut = Text(f"clip {settings.write('clip')} {settings.clip_by} · ", style="dim")
    return cut.append(f"{percent(round(share, 2))} cut", style="not dim yellow" if share > 0.5 else "not dim")
