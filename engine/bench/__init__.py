"""Comparisons of the engine with plain training loops, both measured in turn in one process."""

from engine.bench.comparison import Comparison, compare
from engine.bench.rows import rows

__all__ = ["Comparison", "compare", "rows"]
