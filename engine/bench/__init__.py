"""Comparisons of the engine with plain loops, both measured in turn in one process; and what an update costs."""

from engine.bench.comparison import Comparison, compare
from engine.bench.cost import Cost
from engine.bench.rows import cost_of, rows

__all__ = ["Comparison", "Cost", "compare", "cost_of", "rows"]
