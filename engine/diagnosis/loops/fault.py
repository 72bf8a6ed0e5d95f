"""A fault of a loop, as it is told."""

from __future__ import annotations

from dataclasses import dataclass

from engine.events import Cause, Severity

OFTEN = 3
"""How often something must have happened: once may be meant, at a beginning or an end."""

CUT = "hidden = hidden.detach()  # an LSTM's: hidden = tuple(each.detach() for each in hidden)"
"""How a state is cut off from the graph of the window before."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a fact shows.

    Attributes:
        cause: the fault.
        says: what happens, in plain words.
        instead: what to write instead.
        severity: how grave it is.
        least: how often it must have happened.
        line: a pattern for the line that is to be changed, where it is not that of `source.LINES`; empty for the line
            in which the fault shows.
    """

    cause: Cause
    says: str
    instead: str
    severity: Severity = Severity.PROBLEM
    least: int = OFTEN
    line: str | None = None
