"""How large the gradient is, in all and for each weight matrix."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult

from engine.events import Point
from engine.snapshot import Snapshot
from tui.charts import percent, share_line, sparkline
from tui.panes.drawing import Drawing
from tui.panes.pane import Pane

RECENT = 5
"""Points over which the shown norms and the clipped share are averaged: about a second."""

NUMBER = 10
"""Columns of a norm and the gaps around it."""


class GradientPane(Pane):
    """A line for each matrix: its name, its norm before clipping now, and the norms before it as bars.

    The bars of the clipping are the share of the updates that were clipped, from none to all.
    """

    TITLE = "Gradient"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot = Snapshot()

    def compose(self) -> ComposeResult:
        """One text."""
        yield Drawing(id="gradient-text")

    def on_resize(self) -> None:
        """Draw for the new size without waiting."""
        self._draw()

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot."""
        self.frame(self.TITLE, "L2 norm before clipping")
        self._snapshot = snapshot
        self._draw()

    def _draw(self) -> None:
        self.query_one(Drawing).draw(norms(self._snapshot, self.content_size.width))


def norms(snapshot: Snapshot, width: int) -> Text:
    """The pane's lines, `width` columns wide."""
    points = snapshot.recent
    if not points:
        return Text("no update yet", style="dim")
    names = ["all", *snapshot.matrix_names]
    series = [[point.grad_norm for point in points]]
    series += [[point.norms[place] for point in points] for place in range(len(snapshot.matrix_names))]
    label = max(len(name) for name in names)
    bars = max(0, width - label - NUMBER)
    lines = [
        Text.assemble(
            (f"{name:<{label}} ", "bold" if name == "all" else ""),
            f"{_now(values):>8.3g} ",
            (sparkline(values, bars), "cyan"),
        )
        for name, values in zip(names, series, strict=True)
    ]
    cut = _clipping(snapshot, points)
    shares = " " * (label + NUMBER) + share_line([point.clipped for point in points], bars)
    lines.insert(1, cut.append(f" {shares[cut.cell_len + 1 :]}", style="not dim cyan"))
    return Text("\n").join(lines)


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
