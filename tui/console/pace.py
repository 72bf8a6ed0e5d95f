"""The time between two drawings."""

from __future__ import annotations

from collections import deque
from statistics import median

SHARE = 0.02
"""The share of a processor's time that drawing may take. It holds the interpreter lock, which the training needs."""

LEAST, MOST = 0.5, 1.0
"""The least and the most seconds from one drawing to the next."""

REMEMBERED = 5
"""The drawings whose median says how long one takes: the first one of a pane takes several times as long."""


class Pace:
    """Draws less often where drawing takes long.

    Args:
        now: the processor time of the thread that draws, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._last = now
        self._took: deque[float] = deque(maxlen=REMEMBERED)

    def seconds(self, now: float) -> float:
        """The seconds to the next drawing, after the thread has used so much processor time since it began."""
        self._took.append(now - self._last)
        self._last = now
        return min(max(median(self._took) / SHARE, LEAST), MOST)
