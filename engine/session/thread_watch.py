"""Checks during training whether several threads are still faster than one."""

from __future__ import annotations

WINDOW_SECONDS = 0.5
"""The seconds over which the rate is measured."""

FELL_BELOW = 0.9
"""The share of one thread's rate below which several threads are given up, once two windows in a row are below it."""

COLLAPSED = 0.5
"""The share of one thread's rate below which several threads are given up at once."""

FIRST_WAIT, LONGEST_WAIT = 15.0, 240.0
"""The seconds until several threads are tried again: at first, and at most. The time doubles while they stay slower."""


class Watch:
    """Falls back to one thread when several are slower, and tries several again later.

    The threads of a pool wait for each other. Where another program takes one processor, all of them stand still most
    of the time, and a single thread is many times as fast.

    Args:
        threads: the number of threads, at least 2.
        alone: the rate of one thread, in characters per second, or in the unit of `took` per second.
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
        """Record that reading `chars` took `seconds`; return the new number of `threads` and the reason if it changed.

        The text is empty where it did not change.
        """
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
