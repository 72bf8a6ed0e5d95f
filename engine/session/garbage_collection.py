"""Python's garbage collector, kept away from what stays.

Torch brings half a million objects. While they are loaded the collector looks through all of them again and again, and
afterwards every few seconds, for 0.2 s in which neither the training nor the screen moves.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """For loading, which makes objects that stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def nothing_old_collected() -> Iterator[None]:
    """For what follows: a collection looks only at what was made since."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
