"""Keeps Python's garbage collector away from objects that stay.

Torch creates half a million objects. While they are loaded, the collector examines all of them repeatedly. Afterwards
it does so every few seconds, for 0.2 s in which neither the training nor the screen moves.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Within it, nothing is collected: for loading, which creates objects that stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def nothing_old_collected() -> Iterator[None]:
    """Within it, a collection examines only objects created since: for the time after loading."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
