"""The pane of the loss over the characters trained on."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from rich.text import Text
from textual.app import ComposeResult
from textual.events import Click

from engine.events import Change
from engine.session.snapshot import Snapshot, Status
from tui.console.panes.cached_text import CachedText
from tui.console.panes.loss_cursor import under_cursor
from tui.console.panes.pane import Pane
from tui.drawing.curves import Curve, drawn_once, names
from tui.drawing.figure import Chart, load
from tui.drawing.loss_chart import View, loss_chart
from tui.words.numbers import percent
from tui.words.readings import last, number
from tui.words.severity import SIGNS

FASTEST_SECONDS = 1.0
"""The shortest time between two charts while a training runs."""

BUILD_SHARE = 0.02
"""The largest share of the time that drawing charts may take."""

BORDERS = 8
"""Columns of the frame that its subtitle leaves free."""

LEVELS = ("uniform", "letters", "pairs", "triples", "xz")
"""The losses that the chart shows for comparison, as `reference_levels` names them."""

LAST_PART = 0.25
SMALLEST_PART = 1 / 1024


class LossPane(Pane):
    """A chart of the training and validation loss, and of other runs laid over it."""

    TITLE = "Loss"
    HINT = "The training and validation loss in nats per character, over the characters trained on."
    TERMS = ("loss", "bits", "val", "best", "loss_spread", "lr", "speed", "budget", "letters")

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.view = View()
        self.overlays: tuple[Curve, ...] = ()
        self.chart = Chart(Text())
        self._drawn: object = None
        self._due = 0.0
        self._status = Status.LOADING

    def compose(self) -> ComposeResult:
        """The pane's text."""
        yield CachedText(id="loss-chart")

    def on_resize(self) -> None:
        """Draw for the new size without waiting."""
        self._due = 0.0

    def toggle_log(self) -> None:
        """Switch between a linear and a logarithmic loss axis."""
        self._look(replace(self.view, log=not self.view.log))

    def toggle_part(self) -> None:
        """Switch between the whole run and its last part."""
        self._look(replace(self.view, share=LAST_PART if self.view.share == 1 else 1.0))

    def zoom(self, factor: float) -> None:
        """Show a part that is `factor` times as long."""
        self._look(replace(self.view, share=min(1.0, max(SMALLEST_PART, self.view.share * factor))))

    def move_cursor(self, columns: int) -> None:
        """Move the cursor by some columns; it begins at the right edge, past which it is gone."""
        if self.chart.columns:
            begin = self.chart.right if self.view.cursor is None else self.view.cursor
            self._put_cursor(begin + columns * self.chart.step)

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is."""
        if self.chart.columns:
            self._put_cursor(self.chart.chars_at(int(event.screen_x) - self.content_region.x))

    def lay_over(self, curves: tuple[Curve, ...]) -> None:
        """Show the curves of other runs too."""
        self.overlays = curves
        self._due = 0.0

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot, if anything is new and the next chart is due."""
        what = (
            len(snapshot.points),
            snapshot.update,
            len(snapshot.validations),
            snapshot.findings,
            self.view,
            self.overlays,
            self.size,
            len(snapshot.probes.get("reference_levels", ())),
        )
        stopped = self._status is Status.TRAINING and snapshot.status is not Status.TRAINING
        self._status = snapshot.status
        if what == self._drawn or (time.monotonic() < self._due and not stopped):
            return
        load()
        begun = time.monotonic()
        # The recent points are finer: they are drawn if they cover the part that is shown.
        begin = snapshot.chars * (1 - self.view.share)
        fine = bool(snapshot.recent) and begin >= snapshot.recent[0].chars
        whole = Curve(snapshot.run, snapshot.points, snapshot.validations)
        curves = (replace(whole, points=snapshot.recent) if fine else whole, *drawn_once((whole, *self.overlays))[1:])
        changes = [entry for entry in snapshot.log if isinstance(entry, Change) and not entry.undone]
        chart = self.query_one(CachedText)
        width, height = self.content_size
        try:
            self.chart = loss_chart(
                curves,
                changes,
                self.view,
                width,
                height,
                snapshot.findings,
                _levels(snapshot),
                None if self.overlays or snapshot.outlook is None else snapshot.outlook.forecast,
            )
            chart.draw(self.chart.text)
        except Exception as error:  # noqa: BLE001 - whatever a chart does, the training and the screen go on
            chart.draw(Text(f"the chart could not be drawn: {type(error).__name__}: {error}", style="red"))
        self.frame(self._title(), self._legend(snapshot))
        self._drawn = what
        self._due = begun + max(FASTEST_SECONDS, (time.monotonic() - begun) / BUILD_SHARE)

    def _title(self) -> str:
        part = "" if self.view.share == 1 else f" · last {percent(self.view.share)}"
        return f"{self.TITLE} · nats/char{' log' if self.view.log else ''}{part}"

    def _legend(self, snapshot: Snapshot) -> str:
        if self.view.cursor is not None:
            return under_cursor(snapshot, self.view.cursor, self.chart.step, self.size.width - BORDERS)
        begin = snapshot.chars * (1 - self.view.share)
        seen = [finding for finding in snapshot.findings if finding.since_chars >= begin]
        severities = {finding.severity for finding in seen}
        signs = "".join(sign for severity, sign in SIGNS.items() if severity in severities)
        rest = f"┊ change{f' {signs} finding' if seen else ''}"
        if not self.overlays:
            return f"─ train ◆ val {rest}"
        room = self.size.width - len(rest) - BORDERS
        return f"{names((Curve(snapshot.run, ()), *self.overlays), room)}  {rest}"

    def _put_cursor(self, chars: float) -> None:
        is_there = chars < self.chart.right - self.chart.step / 2
        self._look(replace(self.view, cursor=max(chars, self.chart.left) if is_there else None))

    def _look(self, view: View) -> None:
        self.view = view
        self._due = 0.0


def _levels(snapshot: Snapshot) -> dict[str, float]:
    """The losses of simple models on this text, by the names of the models."""
    probe = last(snapshot, "reference_levels")
    return {name: value for name in LEVELS if math.isfinite(value := number(probe, name))}
