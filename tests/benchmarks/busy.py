"""The speed of `train` while programs keep one processor, or all, busy: `python -m tests.benchmarks.busy TEXT`.

Prints for each network and each load the speed as a share of that of one thread under the same load, measured in turn.
The load begins once the training runs, after number type and threads have been chosen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import click

from tui.words.shell_commands import COMMAND

BUSY = (sys.executable, "-c", "while True: pass")
SETTLE_SECONDS = 3.0
"""The seconds between the load's start and the first point that counts, in which the training may notice the load."""

NETWORKS: dict[str, Sequence[str]] = {
    "the standard rule": (),
    "lstm 1×512, 32 streams": ("--hidden", "512", "--streams", "32"),
    "lstm 1×1024, 64 streams, float32": ("--hidden", "1024", "--streams", "64", "--dtype", "float32"),
}


@contextmanager
def load(programs: int) -> Iterator[None]:
    """Programs that do nothing but keep processors busy."""
    running = [subprocess.Popen(BUSY) for _ in range(programs)]
    try:
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def rate(text: str, options: Sequence[str], programs: int, seconds: float) -> float:
    """Characters per second beside this many programs."""
    with tempfile.TemporaryDirectory() as lab:
        command = [*COMMAND, "train", text, *options, "--json", "--seconds", "3600", "--lab", lab]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as training:
            assert training.stdout is not None
            points = (event for event in map(json.loads, training.stdout) if event["event"] == "point")
            next(points)
            with load(programs):
                settled = time.monotonic() + SETTLE_SECONDS
                first = next(point for point in points if time.monotonic() >= settled)
                begun = time.monotonic()
                last = next(point for point in points if time.monotonic() >= begun + seconds)
                took = time.monotonic() - begun
            training.terminate()
            training.stdout.close()
    return float(last["chars"] - first["chars"]) / took


@click.command()
@click.argument("text")
@click.option("--seconds", default=8.0)
@click.option("--rounds", default=3)
def main(text: str, seconds: float, rounds: int) -> None:
    """Measure and print."""
    for name, options in NETWORKS.items():
        for programs in range((os.cpu_count() or 1) + 1):
            pairs = [
                (rate(text, options, programs, seconds), rate(text, [*options, "--threads", "1"], programs, seconds))
                for _ in range(rounds)
            ]
            ratios = [auto / alone for auto, alone in pairs]
            print(
                f"{name}, beside {programs} busy: {median(auto for auto, _ in pairs):,.0f} char/s, "
                f"{median(ratios):.2f} of one thread ({min(ratios):.2f} … {max(ratios):.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
