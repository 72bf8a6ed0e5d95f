"""The cost of a second variant beside the first: `python -m tests.benchmarks.racing TEXT`, on two idle processors."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from engine.budget import Budget
from engine.race.opening import NewRace, open_race
from engine.race.plan import Plan, grid
from engine.race.race import Racing
from engine.race.statistics.standing import Standing
from engine.settings import Settings
from engine.workers.place import Place
from engine.workers.processes import Processes

ROUNDS = 5
CHARS = 300_000
TARGET = 1.15
"""The most time that two side by side may take, as a multiple of the time of one alone."""


class Kept(Processes):
    """Workers that outlive a race, so that their loading time is not measured."""

    def kill(self) -> None:
        """Do nothing: the workers are ended once, at the end."""


def main(text: str) -> int:
    """Race the same two variants one after the other and side by side, in turn; return the exit code."""
    ratios = []
    with workers(1) as one, workers(2) as two, tempfile.TemporaryDirectory() as folder:
        lab = Path(folder)
        seconds(text, lab, one, 1)
        seconds(text, lab, two, 2)
        for _ in range(ROUNDS):
            alone = seconds(text, lab, one, 1) / 2
            beside = seconds(text, lab, two, 2)
            ratios.append(beside / alone)
            print(f"one alone {alone:.2f} s, two side by side {beside:.2f} s: {ratios[-1]:.3f} ×", flush=True)
    found = median(ratios)
    print(f"median of {ROUNDS}: {found:.3f} × (target {TARGET} ×)")
    return 0 if found <= TARGET else 1


def seconds(text: str, lab: Path, executor: Executor, size: int) -> float:
    """The seconds that both variants of a seed take, from the first submitted slice on."""
    plan = Plan(settings=Settings(), variants=grid(["lr=4e-3,2e-3"]), budget=Budget(chars=CHARS), seeds=2)
    place = Place("kept", size, lambda: executor, lambda corpus: corpus)
    begun = ended = 0.0
    with open_race(NewRace(plan, text), lab, lambda _what, _share: None) as opened:

        def listen(stands: Standing) -> None:
            nonlocal ended
            lanes = [lane for lane in stands.lanes if lane.replicate == 0]
            if not ended and len(lanes) == 2 and all(lane.done for lane in lanes):
                ended = time.perf_counter()
                racing.stop()

        racing = Racing(opened.lab, opened.race, opened.corpus, opened.origin, place, listen)
        begun = time.perf_counter()
        racing.run()
    return ended - begun


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """Processes that have loaded everything."""
    executor = Kept(count)
    try:
        yield executor
    finally:
        executor.shutdown()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["shakespeare.txt"]))
