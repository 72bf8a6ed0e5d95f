"""Tasks that the tests give to workers; only functions of a module can be sent to another process."""

from __future__ import annotations

import gc
import os
import resource
import signal
import struct
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from engine.errors import UserError
from tests.waiting import PATIENCE, until

__all__ = ["PATIENCE", "until"]

if TYPE_CHECKING:
    # A worker that trains nothing need not load torch.
    from engine.race.slice import Slice, Trained
    from engine.text.corpus import Corpus


def victim(folder: Path) -> int:
    """Wait for the worker that is to be killed."""
    return int(until(lambda: [path.name for path in folder.glob("[0-9]*")])[0])


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def killed_first(folder: Path, corpus: Corpus, task: Slice) -> Trained:
    """Compute the slice; but the first worker leaves its process id, and computes until it is killed."""
    from engine.race.slice import train_slice

    try:
        (folder / "taken").touch(exist_ok=False)
    except FileExistsError:
        return train_slice(corpus, task)
    (folder / str(os.getpid())).touch()
    while True:
        train_slice(corpus, task)


def killed_always(*_: object) -> Trained:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def dies_first(_corpus: Corpus, folder: Path) -> int:
    """Whoever computes it; the first one dies, and says who it was."""
    try:
        (folder / "taken").touch(exist_ok=False)
    except FileExistsError:
        return os.getpid()
    (folder / str(os.getpid())).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def never_done(folder: Path, *_: object) -> Trained:
    (folder / str(os.getpid())).touch()
    while True:
        time.sleep(1)


def users_fault(*_: object) -> Trained:
    raise UserError("--device cuda: there is none here; available: cpu")


def our_fault(*_: object) -> Trained:
    raise ZeroDivisionError("a bug")


class UnpicklableError(Exception):
    """An exception that cannot be unpickled from its arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def hard_to_tell(*_: object) -> Trained:
    raise UnpicklableError("a b", "ug")


def out_of_memory(*_: object) -> Trained:
    raise MemoryError


def short_of_memory(_folder: Path, corpus: Corpus, task: Slice) -> Trained:
    """Compute the slice with hardly more memory than is in use already."""
    from engine.race.slice import train_slice

    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))
    return train_slice(corpus, task)


def sends_much(folder: Path, size: int) -> bytes:
    """Return so much that sending it takes a while."""
    (folder / str(os.getpid())).touch()
    return bytes(size)


def dies_while_it_sends() -> None:
    """Leave half of a message in the pipe."""
    (pipe,) = (each for each in gc.get_objects() if isinstance(each, Connection))
    os.write(pipe.fileno(), struct.pack("!i", 1_000) + bytes(500))
    os.kill(os.getpid(), signal.SIGKILL)


def exits() -> None:
    os._exit(3)


def who() -> int:
    return os.getpid()
