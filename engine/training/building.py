"""Builds the compiled loops in a separate process before they are used.

A build takes many seconds and would keep the interpreter's lock from the screen. A process that built them itself would
also run machine code different from that which the next process loads from the cache, and the results would differ in
their bits. With a separate build every process loads the same code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import product

import numpy as np
import torch
from filelock import FileLock, Timeout

from engine import child
from engine.network.model import CELLS, CharRNN
from engine.settings import Settings
from engine.training.compiled import FOLDER
from engine.training.compiled.blas import MULTIPLIES_BFLOAT16
from engine.training.many_streams import ManyStreams
from engine.training.mutable_state import MutableState
from engine.training.one_stream import OneStream
from engine.training.optimisers import Optimiser
from engine.training.randomness import Randomness
from engine.training.streams import Streams
from engine.training.window import Window

WAIT_SECONDS = 0.2

BUILT = "built"
"""The file that says that the loops are built."""

BESIDE, LOWER = "--beside", 5
"""The argument of a build that nobody waits for, and by how much its priority is lowered: not by more, since a training
of one stream that begins meanwhile waits for it."""

COMMAND = (sys.executable, "-m", "engine.training.building")

_BESIDE: list[subprocess.Popen[bytes]] = []
"""The builds that nobody waits for; a process that nobody refers to would be warned of."""


class BuildError(RuntimeError):
    """The loops could not be built on this machine."""


def build(waiting: Callable[[], None]) -> None:
    """Build the loops unless they are built already; raises BuildError where that fails.

    `waiting` is called several times a second. When it raises, the build is given up. Where the cache cannot be
    written, this does nothing, and each process builds the loops for itself when they are first called.
    """
    if FOLDER is None:
        return
    while not is_built():
        try:
            with FileLock(FOLDER / ".building.lock", timeout=WAIT_SECONDS):
                if not is_built():
                    _build(waiting)
        except Timeout:
            waiting()
        except OSError as error:
            raise BuildError(str(error)) from error


def is_built() -> bool:
    """Whether the loops are built already."""
    return FOLDER is not None and (FOLDER / BUILT).exists()


def build_beside() -> None:
    """Build the loops in a process of lower priority that nobody waits for, so that later trainings have them."""
    if FOLDER is None or is_built():
        return
    nowhere = subprocess.DEVNULL
    with suppress(OSError):
        _BESIDE.append(
            subprocess.Popen([*COMMAND, BESIDE], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
        )


def _build(waiting: Callable[[], None]) -> None:
    code, said = child.run(COMMAND, waiting)
    if code:
        reasons = said.strip().splitlines() or ["no reason given"]
        raise BuildError(reasons[-1])


def main() -> None:
    """Build the loops, in the separate process."""
    if BESIDE not in sys.argv:
        _call_all()
        return
    if hasattr(os, "nice"):
        os.nice(LOWER)
    assert FOLDER is not None
    with suppress(Timeout), FileLock(FOLDER / ".building.lock", timeout=0):
        _call_all()


def _call_all() -> None:
    """Call every loop: one update of the smallest network, and the passes of each cell over two streams."""
    cpu, settings = torch.device("cpu"), Settings(hidden=1, embedding=1, streams=1)
    network = CharRNN(settings, vocabulary_size=2)
    streams, random = Streams(np.zeros(2, np.uint8), 1, cpu), Randomness(0, cpu)
    mutable = MutableState(network, Optimiser(network, settings), streams, network.zero_state(1), random)
    OneStream(mutable).train(settings, np.ones(1, np.int64), np.ones(1))
    # Sides of products that are odd and even have forms of their own.
    for cell, hidden, vocabulary in product(CELLS, (1, 2), (2, 3)):
        two = Settings(cell=cell, hidden=hidden, embedding=1, streams=2, layers=2)
        network, ids = CharRNN(two, vocabulary), torch.zeros(1, 2, dtype=torch.int64)
        for dtype in (torch.float32, *((torch.bfloat16,) if MULTIPLIES_BFLOAT16 else ())):
            (passes,) = ManyStreams(network, dtype, 1).begin(Window(ids, ids, network.zero_state(2)), (0, 2), two)
            passes()
    if FOLDER is not None:
        (FOLDER / BUILT).touch()


if __name__ == "__main__":
    main()
