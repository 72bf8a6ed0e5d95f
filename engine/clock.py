"""Times that have passed."""

from __future__ import annotations

import time


class Every:
    """Says when so many seconds have passed since the last `reset`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.reset()

    def due(self) -> bool:
        """Whether they have passed."""
        return time.monotonic() - self._last >= self.seconds

    def reset(self) -> None:
        """Begin to wait again."""
        self._last = time.monotonic()


class Stopwatch:
    """Seconds while it runs."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """All seconds so far."""
        return self._before + (0.0 if self._since is None else time.monotonic() - self._since)

    def run(self, running: bool) -> None:
        """Start it or stop it."""
        if running and self._since is None:
            self._since = time.monotonic()
        elif not running and self._since is not None:
            self._before, self._since = self.seconds, None


class Pace:
    """How many updates fill a given time, learnt from how long the last ones took."""

    def __init__(self, seconds: float) -> None:
        self.updates = 1
        self._seconds = seconds

    def took(self, seconds: float, updates: int) -> None:
        """Learn from `updates` that took `seconds`; no call more than doubles the number."""
        if updates and seconds > 0:
            self.updates = max(1, min(2 * self.updates, int(self._seconds * updates / seconds)))
