"""Lock files: a process holds one while it works on a run or race, and every other process can see this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import UserError
from engine.lab.database import errors

HOLD_SECONDS = 1.0
"""The seconds that `hold` waits for a lock: `is_held` takes it for a moment, too."""


@contextmanager
def hold(path: Path, folder: Path, refusal: str) -> Iterator[None]:
    """Hold a lock file of the lab in `folder`; raises UserError with `refusal` where another process holds it."""
    lock = FileLock(path, timeout=HOLD_SECONDS)
    with errors(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(refusal) from None
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a process holds a lock file; creates no file."""
    if not path.exists():
        return False
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return True
    lock.release()
    return False
