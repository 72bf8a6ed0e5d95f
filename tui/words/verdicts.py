"""How verdicts look: in the console and on the command line."""

from __future__ import annotations

from engine.race.result import Comparison, Verdict
from engine.race.statistics.sentence import signed

SIGNS = {Verdict.BETTER: "✓", Verdict.WORSE: "✗", Verdict.SAME: "=", Verdict.UNDECIDED: "?"}
"""What stands before a verdict, so that it need not be told by its colour."""

COLOURS = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.SAME: "cyan", Verdict.UNDECIDED: "yellow"}


def interval_text(found: Comparison) -> str:
    """Such as `+0.45, 95 % from +0.28 to +0.62`."""
    return f"{signed(found.estimate)}, 95 % from {signed(found.low)} to {signed(found.high)}"
