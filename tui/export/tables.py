"""The tables of a report."""

from __future__ import annotations

MOST_ROWS = 100
"""The most rows of a table that are shown; `--to csv` has all."""

Row = tuple[str, ...]
