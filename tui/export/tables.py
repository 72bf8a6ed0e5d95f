"""The tables of a report."""

from __future__ import annotations

MOST_ROWS = 100
"""How many rows of a long table are shown; `--to csv` has all."""

Row = tuple[str, ...]
