"""Clocks: an interval, a stopwatch, and the pace of updates."""

from __future__ import annotations

import time


class Every:
    """Tells whether `seconds` seconds have passed since the last `reset`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.reset()

    def due(self) -> bool:
        """Whether the time has passed."""
        return time.monotonic() - self._last >= self.seconds

    def reset(self) -> None:
        """Begin a new interval."""
        self._last = time.monotonic()


class Stopwatch:
    """Counts the seconds during which it runs."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """The total seconds so far."""
        return self._before + (0.0 if self._since is None else time.monotonic() - self._since)

    def run(self, running: bool) -> None:
        """Start or stop the stopwatch; does nothing where it already is in that state."""
        if running and self._since is None:
            self._since = time.monotonic()
        elif not running and self._since is not None:
            self._before, self._since = self.seconds, None


class Pace:
    """The number of updates that fill a given time, learnt from the time of the last ones.

    Attributes:
        updates: the number of updates to make next.
    """

    def __init__(self, seconds: float) -> None:
        self.updates = 1
        self._seconds = seconds

    def took(self, seconds: float, updates: int) -> None:
        """Learn from `updates` updates that took `seconds`; no call more than doubles the number."""
        if updates and seconds > 0:
            self.updates = max(1, min(2 * self.updates, int(self._seconds * updates / seconds)))
