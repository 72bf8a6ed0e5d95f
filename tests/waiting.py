"""Waiting for a state, whatever the machine's speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 120.0
"""Seconds after which a state that has not come is a failure. Only a test that fails waits that long."""


def until(condition: Callable[[], Found], every: float = 0.02, patience: float = PATIENCE) -> Found:
    """Wait until a condition holds, for at most so many seconds; returns what it found."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, "the condition never held"
        time.sleep(every)
    return found
