"""Whether several threads are still worth it while training."""

from __future__ import annotations

WINDOW_SECONDS = 0.5
"""The rate is looked at over so long."""

FELL_BELOW = 0.9
"""Several threads are given up when they make less than this share of what one thread makes."""

COLLAPSED = 0.5
"""The same, at once."""

FIRST_WAIT, LONGEST_WAIT = 15.0, 240.0
"""Seconds until several threads are tried again: ever longer while they do not pay."""


class Watch:
    """Falls back to one thread when several are slower than that, and tries them again later.

    The threads of a pool wait for each other: where another program takes one processor, all of them stand still for
    most of the time, and one thread alone is many times as fast.

    Args:
        threads: several.
        alone: what one thread makes, in characters a second; whatever the unit, `took` has the same.
    """

    def __init__(self, threads: int, alone: float) -> None:
        self.threads = threads
        self._several = threads
        self._alone = alone
        self._together = 0.0
        self._slow_windows = 0
        self._wait, self._waited = FIRST_WAIT, 0.0
        self._trying = False
        self._chars = self._seconds = 0.0

    def took(self, chars: float, seconds: float) -> str:
        """Learn that reading `chars` took `seconds`; says so where `threads` has changed by that, and why."""
        self._chars += chars
        self._seconds += seconds
        if self._seconds < WINDOW_SECONDS:
            return ""
        rate, length = self._chars / self._seconds, self._seconds
        self._chars = self._seconds = 0.0
        return self._alone_took(rate, length) if self.threads == 1 else self._several_took(rate)

    def _several_took(self, rate: float) -> str:
        self._slow_windows = self._slow_windows + 1 if rate < FELL_BELOW * self._alone else 0
        if self._trying and not self._slow_windows and rate > self._alone:
            self._trying, self._wait = False, FIRST_WAIT
        if not (self._slow_windows > 1 or (self._slow_windows and (self._trying or rate < COLLAPSED * self._alone))):
            return ""
        if self._trying:
            self._wait = min(LONGEST_WAIT, 2 * self._wait)
        self._together, self._waited, self._slow_windows = rate, 0.0, 0
        return self._switch(1, f"{self._several} threads had fallen to {rate:,.0f} char/s")

    def _alone_took(self, rate: float, seconds: float) -> str:
        self._alone = rate
        self._waited += seconds
        if rate < self._together:
            self._trying = False
            return self._switch(self._several, f"one thread makes no more than {rate:,.0f} char/s either")
        if self._waited < self._wait:
            return ""
        self._trying = True
        return self._switch(self._several, "tried again")

    def _switch(self, threads: int, why: str) -> str:
        self.threads = threads
        return f"{threads} thread{'s' if threads > 1 else ''}: {why}"
