"""How much of the time measuring may take from training."""

from __future__ import annotations

SHARE = 0.03
"""The share of the time that a measurement may take again and again."""

FIRST_SHARE = 0.1
"""The same for its first time, so that a short run has one at all."""

FIRST_SECONDS = 1.0
"""After so many seconds a first one is tried."""

TIMED_SHARE = 0.05
"""Once so much of a measurement is done, it says how long the whole of it takes."""


class Allowance:
    """Says when a measurement is due, and gives it up early where it turns out to be too dear yet."""

    def __init__(self) -> None:
        self._takes: float | None = None
        self._last = 0.0
        self._had_one = False

    def due(self, now: float) -> bool:
        """Whether one fits into its share of the time; `now` is seconds of training so far."""
        if self._takes is None:
            return now - self._last >= FIRST_SECONDS
        return self._takes <= self._affordable(now)

    def goes_on(self, share: float, seconds: float, now: float, *, asked: bool) -> bool:
        """Whether a measurement, of which `share` is done after `seconds`, should go on; always when asked for."""
        if share < TIMED_SHARE:
            return True
        self._takes = seconds / share
        return asked or self._takes <= self._affordable(now)

    def done(self, now: float) -> None:
        """One was made."""
        self._last, self._had_one = now, True

    def _affordable(self, now: float) -> float:
        return (SHARE if self._had_one else FIRST_SHARE) * (now - self._last)
