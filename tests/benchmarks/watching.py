"""The cost of watching a loop: `python -m tests.benchmarks.watching`, in one process, with and without in turn."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import charrnn
import torch
from torch import nn

ROUNDS = 5

WARM_SECONDS, WARM_UPDATES = 1.0, 40
"""The seconds and updates of a turn before those that are timed: at the beginning more is looked at."""

TARGETS = {"one character an update, lstm 1×128": 1.03, "16 windows of 64, lstm 1×256": 1.01}
"""The most time that a watched update may take, as a multiple of one that is not watched."""


def main() -> int:
    """Train each loop in turns with and without watching; return the exit code."""
    torch.set_num_threads(1)
    made = [one_character(), windows()]
    missed = False
    with tempfile.TemporaryDirectory() as lab:
        for (name, target), (update, updates) in zip(TARGETS.items(), made, strict=True):
            found = ratio(update, updates, Path(lab))
            print(f"{name}: {found:.3f} × (target {target} ×)", flush=True)
            missed |= found > target
    imported, watching = beginning()
    print(f"`import charrnn` takes {1000 * imported:.0f} ms (target 50 ms), and `watch()` {1000 * watching:.0f} ms")
    return int(missed)


def ratio(update: Callable[[], None], updates: int, lab: Path) -> float:
    """The time of watched updates as a multiple of that of others: of the shortest turn of each kind.

    Whatever else a machine does makes a turn longer, and none shorter.
    """
    times: dict[bool, list[float]] = {True: [], False: []}
    for each in range(2 * ROUNDS):
        for watched in (True, False) if each % 2 else (False, True):
            times[watched].append(seconds(update, updates, lab if watched else None))
    return min(times[True]) / min(times[False])


def seconds(update: Callable[[], None], updates: int, lab: Path | None) -> float:
    """The seconds that so many updates take, watched where there is a lab."""
    watch = None if lab is None else charrnn.watch(lab=lab)
    begun, made = time.perf_counter(), 0
    while time.perf_counter() - begun < WARM_SECONDS or made < WARM_UPDATES:
        update()
        made += 1
    begun = time.perf_counter()
    for _ in range(updates):
        update()
    took = time.perf_counter() - begun
    if watch is not None:
        watch.stop()
    return took


def one_character() -> tuple[Callable[[], None], int]:
    """A loop that updates at each character, and how many updates make a turn."""
    embedding, network, head = nn.Embedding(65, 64), nn.LSTM(64, 128), nn.Linear(128, 65)
    parameters = [*embedding.parameters(), *network.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    text = torch.randint(0, 65, (2,))
    state = (torch.zeros(1, 1, 128), torch.zeros(1, 1, 128))

    def update() -> None:
        nonlocal state
        output, (hidden, cell) = network(embedding(text[:1])[None], state)
        state = hidden.detach(), cell.detach()
        loss = nn.functional.cross_entropy(head(output)[0], text[1:])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return update, 800


def windows() -> tuple[Callable[[], None], int]:
    """A loop over windows of many streams, likewise."""
    embedding, network, head = nn.Embedding(65, 64), nn.LSTM(64, 256), nn.Linear(256, 65)
    parameters = [*embedding.parameters(), *network.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    text = torch.randint(0, 65, (65, 16))

    def update() -> None:
        output, _ = network(embedding(text[:-1]))
        loss = nn.functional.cross_entropy(head(output).flatten(0, 1), text[1:].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return update, 15


BEGINNING = """
import sys, time, torch
begun = time.perf_counter()
import charrnn
imported = time.perf_counter()
charrnn.watch(lab=sys.argv[1])
print(imported - begun, time.perf_counter() - imported)
"""


def beginning() -> tuple[float, float]:
    """The seconds that the import takes in a process that has torch, and those until it watches."""
    with tempfile.TemporaryDirectory() as lab:
        command = [sys.executable, "-c", BEGINNING, lab]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    imported, watching = map(float, printed.split())
    return imported, watching


if __name__ == "__main__":
    sys.exit(main())
