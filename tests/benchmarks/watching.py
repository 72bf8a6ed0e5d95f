"""The cost of watching a loop, with a console attached: `python -m tests.benchmarks.watching`.

The same loop trains in two processes that take turns, one of them watched. Two processes that run the same program
differ by some percent as long as they live, by where their memory lies: so there are several such pairs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import mean, median, stdev
from threading import Thread

import torch
from torch import nn

from tests.benchmarks.screen import Terminal

WARM_SECONDS, WARM_UPDATES = 3.0, 80
"""The seconds and updates of each loop before turns are timed: at the beginning more is looked at."""

TURN_SECONDS, TURNS, PAIRS = 1.0, 10, 8
"""The length of a turn without watching, the turns of each of two processes, and the pairs of processes."""

TARGETS = {"one-character": 1.03, "windows": 1.01}
"""The most time that a watched update may take, as a multiple of one that is not watched, for each loop."""


class Loop:
    """One of the loops in a process of its own, which trains when it is asked to."""

    def __init__(self, name: str, lab: Path | None) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHARRNN")}
        command = [sys.executable, "-m", "tests.benchmarks.watching", name, *([str(lab)] if lab else [])]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def seconds(self, updates: int) -> float:
        """The seconds that so many updates take."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(updates, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def main() -> int:
    """Measure each loop; return the exit code."""
    missed = False
    for name, target in TARGETS.items():
        ratios = []
        for _ in range(PAIRS):
            with tempfile.TemporaryDirectory() as lab:
                ratios.append(ratio(name, Path(lab)))
        found, error = mean(ratios), stdev(ratios) / PAIRS**0.5
        print(f"{name}: {found:.3f} ± {error:.3f} × (target {target} ×)", flush=True)
        missed |= found > target
    imported, watching = beginning()
    print(f"`import charrnn` takes {1000 * imported:.0f} ms (target 50 ms), and `watch()` {1000 * watching:.0f} ms")
    return int(missed)


def ratio(name: str, lab: Path) -> float:
    """The time of watched updates as a multiple of that of others, in one pair of processes: the median over turns.

    A machine's other work makes single turns longer, by many times what is measured here.
    """
    plain, watched = Loop(name, None), Loop(name, lab)
    for each in (plain, watched):
        took = each.seconds(WARM_UPDATES)
        each.seconds(round(WARM_UPDATES * WARM_SECONDS / took))
    updates = max(1, round(WARM_UPDATES * TURN_SECONDS / plain.seconds(WARM_UPDATES)))
    ratios = []
    with console(lab):
        for turn in range(TURNS):
            order = (plain, watched) if turn % 2 else (watched, plain)
            times = {each: each.seconds(updates) for each in order}
            ratios.append(times[watched] / times[plain])
    for each in (plain, watched):
        each.close()
    return median(ratios)


@contextmanager
def console(lab: Path) -> Iterator[None]:
    """A console that is attached to the program that is watched in a lab."""
    terminal = Terminal(["attach", "--lab", str(lab)])
    terminal.until("Gradient")
    drain = Thread(target=_read, args=(terminal,), daemon=True)
    drain.start()
    yield
    terminal.press("q")
    drain.join()
    terminal.close()


def _read(terminal: Terminal) -> None:
    """Read what is drawn, until the console has ended."""
    with suppress(OSError):
        while True:
            terminal.rest(1.0)


def train(name: str, lab: Path | None) -> None:
    """Make as many updates as each line of standard input says, and print the seconds that they took."""
    torch.set_num_threads(1)
    if lab is not None:
        import charrnn

        charrnn.watch(lab=lab)
    update = LOOPS[name]()
    for line in sys.stdin:
        begun = time.perf_counter()
        for _ in range(int(line)):
            update()
        print(time.perf_counter() - begun, flush=True)


def one_character() -> Callable[[], None]:
    """A loop that updates at each character; returns its update."""
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

    return update


def windows() -> Callable[[], None]:
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

    return update


LOOPS = {"one-character": one_character, "windows": windows}


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
    if len(sys.argv) > 1:
        train(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    else:
        sys.exit(main())
