"""Comparisons with the loops that people write, both sides in turn in one process."""

from engine.bench.comparison import Comparison, compare
from engine.bench.rows import rows

__all__ = ["Comparison", "compare", "rows"]
