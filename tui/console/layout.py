"""The layouts of the console: which panes stand together."""

from __future__ import annotations

from enum import StrEnum

LARGE = (150, 45)
"""Columns and rows from which there is room for a third column of panes."""


class Layout(StrEnum):
    """The purpose of a layout."""

    TRAINING = "training"
    DIAGNOSIS = "diagnosis"
    READING = "reading"

    @property
    def next(self) -> Layout:
        """The layout after this one; the first after the last."""
        every = list(Layout)
        return every[(every.index(self) + 1) % len(every)]

    def panes(self, *, large: bool) -> tuple[str, ...]:
        """The ids of its panes, row by row from the top left: two in a row, or three in a `large` terminal."""
        return (_LARGE if large else _SMALL)[self]


_SMALL = {
    Layout.TRAINING: ("loss", "gradient", "log", "sample"),
    Layout.DIAGNOSIS: ("loss", "gradient", "matrices", "log"),
    Layout.READING: ("loss", "sample", "reading", "log"),
}
_LARGE = {
    Layout.TRAINING: ("loss", "gradient", "by-lag", "log", "sample", "reading"),
    Layout.DIAGNOSIS: ("loss", "gradient", "by-lag", "matrices", "log", "instruments"),
    Layout.READING: ("loss", "gradient", "sample", "reading", "log", "instruments"),
}
