"""The pane that shows the size of the gradient, in total and for each weight matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult

from engine.events import Point
from engine.session.snapshot import Snapshot
from tui.console.panes.by_lag import mini
from tui.console.panes.cached_text import CachedText
from tui.console.panes.pane import Pane
from tui.drawing.charts import share_line, sparkline
from tui.words.numbers import percent, scientific, written
from tui.words.readings import last, number, numbers

RECENT = 5
"""Points over which the shown norms and the clipped share are averaged: about a second."""

NUMBER = 10
"""Columns of a norm and the gaps around it."""

RATIO = 12
"""Columns of an update ratio, where there is room for it."""

FEWEST_BARS = 8
"""Columns that bars need before there is room for anything else."""


class GradientPane(Pane):
    """A line for each matrix: its name, its norm before clipping, and its earlier norms as bars.

    The bars of the line on clipping show the share of the updates that were clipped, from 0 to 100 %.
    """

    TITLE = "Gradient"
    HINT = "How large the gradient is, in total and for each weight matrix."
    TERMS = ("grad_norm", "clipped", "update_ratio", "by_lag", "half_life")

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot = Snapshot()

    def compose(self) -> ComposeResult:
        """The pane's text."""
        yield CachedText(id="gradient-text")

    def on_resize(self) -> None:
        """Draw for the new size without waiting."""
        self._draw()

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot."""
        self.frame(self.TITLE, "L2 norm before clipping")
        self._snapshot = snapshot
        self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        self.query_one(CachedText).draw(norms(self._snapshot, width, height))


def norms(snapshot: Snapshot, width: int, height: int = 0) -> Text:
    """The pane's lines, `width` columns wide; if there is room, the last one shows the gradient by lag."""
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
