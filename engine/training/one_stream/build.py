"""Builds the compiled loops in a separate process before they are used.

A build takes many seconds and would keep the interpreter's lock from the screen. A process that built them itself would
also run machine code different from that which the next process loads from the cache, and the results would differ in
their bits. With a separate build every process loads the same code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from filelock import FileLock, Timeout

from engine import child
from engine.network.model import CharRNN
from engine.settings import Settings
from engine.training.mutable_state import MutableState
from engine.training.one_stream import OneStream
from engine.training.one_stream.compiled import FOLDER
from engine.training.optimisers import Optimiser
from engine.training.randomness import Randomness
from engine.training.streams import Streams

WAIT_SECONDS = 0.2


class BuildError(RuntimeError):
    """The loops could not be built on this machine."""


def build(waiting: Callable[[], None]) -> None:
    """Build the loops unless they are built already; raises BuildError where that fails.

    `waiting` is called several times a second. When it raises, the build is given up. Where the cache cannot be
    written, this does nothing, and each process builds the loops for itself when they are first called.
    """
    if FOLDER is None:
        return
    done = FOLDER / "built"
    while not done.exists():
        try:
            with FileLock(FOLDER / ".building.lock", timeout=WAIT_SECONDS):
                if not done.exists():
                    _build(waiting)
                    done.touch()
        except Timeout:
            waiting()
        except OSError as error:
            raise BuildError(str(error)) from error


def _build(waiting: Callable[[], None]) -> None:
    code, said = child.run([sys.executable, "-m", "engine.training.one_stream.build"], waiting)
    if code:
        reasons = said.strip().splitlines() or ["no reason given"]
        raise BuildError(reasons[-1])


def main() -> None:
    """Build the loops, in the separate process: one update of the smallest network calls every one of them."""
    cpu, settings = torch.device("cpu"), Settings(hidden=1, embedding=1, streams=1)
    network = CharRNN(settings, vocabulary_size=2)
    streams, random = Streams(np.zeros(2, np.uint8), 1, cpu), Randomness(0, cpu)
    mutable = MutableState(network, Optimiser(network, settings), streams, network.zero_state(1), random)
    OneStream(mutable).train(settings, np.ones(1, np.int64), np.ones(1))


if __name__ == "__main__":
    main()
