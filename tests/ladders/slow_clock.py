"""A clock that counts seconds as a slower machine would: a fast machine shows what a slow one says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def as_slow_as(speed: float) -> Iterator[None]:
    """Have every second last 1 / `speed` seconds: at 0.2, what takes this machine one second counts as five.

    The clocks of the `time` module are replaced that a training and its instruments are timed by. Waiting for a thread
    or a process takes as long as ever.
    """
    with (
        patch.object(time, "monotonic", _slowed(time.monotonic, speed)),
        patch.object(time, "perf_counter", _slowed(time.perf_counter, speed)),
    ):
        yield


def _slowed(clock: Callable[[], float], speed: float) -> Callable[[], float]:
    begun = clock()
    return lambda: begun + (clock() - begun) / speed
