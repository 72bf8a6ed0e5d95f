"""An area of lines and signs between two axes, which plotext draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from tui.drawing.axes import log_ticks, span, ticks, told_apart
from tui.words.numbers import short

NARROWEST, LOWEST = 24, 6
"""The smallest chart that can be read, in columns and rows."""

AXIS_ROWS = 2
"""Rows below the area: the axis and its labels."""

Colour = int | str
"""A number of a terminal's own palette, or one of plotext's words for it."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that is drawn.

    Attributes:
        text: its lines.
        left, right: the characters trained on at the edges of its area.
        first: the text's column at which the area begins.
        columns: the width of the area; 0 where nothing is drawn.
    """

    text: Text
    left: float = 0.0
    right: float = 0.0
    first: int = 0
    columns: int = 0

    @property
    def step(self) -> float:
        """The characters trained on from one column to the next."""
        return (self.right - self.left) / max(1, self.columns - 1)

    def chars_at(self, column: int) -> float:
        """The characters trained on at a column of the text; those of the nearest column for one beside the area."""
        return self.left + self.step * min(max(column - self.first, 0), self.columns - 1)


class Figure:
    """Draws into an area that spans all of `xs` and `ys`, and with its axes takes `width` columns and `height` rows.

    Whatever is drawn later covers what is there. Places outside of the area are not drawn. With `log`, the heights are
    logarithms.

    Attributes:
        left, right, low, high: the area's edges.
        rows: the number of the area's rows.
        column: the distance of two columns on the scale of `xs`.
    """

    def __init__(self, xs: Sequence[float], ys: Sequence[float], width: int, height: int, *, log: bool = False) -> None:
        import plotext

        self.left, self.right = span(xs)
        self.low, self.high = span(ys)
        self.rows = height - AXIS_ROWS
        self._ticks = (log_ticks if log else ticks)(self.low, self.high, max(3, height // 4))
        self._labels = told_apart([10**tick if log else tick for tick in self._ticks])
        self._width = width
        self._first = max(map(len, self._labels), default=0) + 1
        self.column = (self.right - self.left) / max(1, width - self._first - 1)
        self._figure: Any = plotext.figure
        plotext.terminal.limit(False, False)
        self._figure.clear()
        self._figure.theme("colorless")
        self._figure.plot_size(width, height)
        self._figure.axes(False, side=1)

    def line(self, xs: Sequence[float], ys: Sequence[float], colour: Colour) -> None:
        """A line through points."""
        if xs:
            signal = self._signal(xs, ys, "braille", colour)
            self._figure.draw(signal.lines() if len(xs) > 1 else signal)

    def signs(self, xs: Sequence[float], ys: Sequence[float], sign: str, colour: Colour) -> None:
        """A character at each of some points."""
        if xs:
            self._figure.draw(self._signal(xs, ys, sign, colour))

    def column_of(self, x: float, sign: str, colour: Colour) -> None:
        """A character in each row."""
        ys = [self.height_of(row) for row in range(self.rows)]
        self.signs([x] * len(ys), ys, sign, colour)

    def dashes(self, y: float, colour: Colour) -> None:
        """A dashed line from the left to the right."""
        xs = [self.left + self.column * column for column in range(self._width - self._first)]
        self.signs(xs, [y] * len(xs), "┄", colour)

    def write(self, words: str, x: float, row: int, colour: Colour) -> None:
        """Words that begin at `x`, in a row counted from the top."""
        for place, letter in enumerate(words):
            self.signs([x + self.column * place], [self.height_of(row)], letter, colour)

    def write_at_end(self, words: str, row: int, colour: Colour) -> None:
        """Words at the right edge of a row."""
        self.write(words, self.right - self.column * (cell_len(words) - 1), row, colour)

    def row_of(self, y: float) -> int:
        """The row of a height, counted from the top."""
        return round((self.high - y) / (self.high - self.low) * (self.rows - 1))

    def height_of(self, row: int) -> float:
        """The height of a row, counted from the top."""
        return self.high - (self.high - self.low) * row / (self.rows - 1)

    def finished(self) -> Chart:
        """The chart with its axes."""
        columns = ticks(self.left, self.right, max(2, self._width // 14))
        self._rule("x", self.left, self.right, columns, [short(column) for column in columns])
        self._rule("y", self.low, self.high, self._ticks, self._labels)
        text = Text.from_ansi(self._figure.build().string())
        text.rstrip()
        text.no_wrap = True
        return Chart(text, self.left, self.right, self._first, self._width - self._first)

    def _signal(self, xs: Sequence[float], ys: Sequence[float], sign: str, colour: Colour) -> Any:
        import plotext

        return self._figure.signal(list(xs), list(ys), marker=plotext.marker(sign, pixel=colour))

    def _rule(self, axis: str, low: float, high: float, places: Sequence[float], labels: Sequence[str]) -> None:
        """Set the range of an axis, and its ticks with their labels."""
        ruler = self._figure.ruler(axis, 0)
        ruler.lim(low, high)
        ruler.ticks(list(places), list(labels))


def load() -> None:
    """Load plotext: not at the start, so that the first paint need not wait, but before a chart is timed."""
    import plotext  # noqa: F401


def too_small(width: int, height: int) -> Chart | None:
    """The words in place of a chart for which there is no room; None where there is room."""
    if width >= NARROWEST and height >= LOWEST:
        return None
    return Chart(Text("too small for a chart", style="dim"))


def thinned(xs: list[float], ys: list[float], columns: int) -> tuple[list[float], list[float]]:
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
