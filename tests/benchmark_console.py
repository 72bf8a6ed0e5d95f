"""What the console costs: the same training with and without it, in turn; prints the ratios.

python tests/benchmark_console.py [TEXT] [--seconds 10] [--rounds 3]
"""

from __future__ import annotations

import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import click

from engine.lab import Lab

COMMAND = [sys.executable, "-c", "from tui.cli import main; main()"]


def train(text: str, lab: Path, seconds: float, preset: str) -> tuple[float, float]:
    """Characters per second without the console, and the validation loss at the end in nats per character."""
    arguments = ["train", text, "--seconds", str(seconds), "--preset", preset, "--lab", str(lab), "--json"]
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=True)
    end = json.loads(done.stdout.splitlines()[-1])
    return end["chars"] / end["seconds"], end["val_loss"]


def console(text: str, lab: Path, seconds: float, preset: str) -> float:
    """Characters per second in the console, in a terminal of its own."""
    handle, terminal = pty.openpty()
    subprocess.run(["stty", "rows", "40", "cols", "120"], stdin=terminal, check=True)
    arguments = [text, "--seconds", str(seconds), "--preset", preset, "--lab", str(lab)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    )
    os.close(terminal)
    finished = threading.Event()

    def read() -> None:
        """Take what is drawn, as a terminal does, and leave once the budget is used up."""
        seen = b""
        while True:
            try:
                part = os.read(handle, 65_536)
            except OSError:
                return
            seen = (seen + part)[-200_000:]
            if b"finished" in seen and not finished.is_set():
                finished.set()
                os.write(handle, b"q")

    reader = threading.Thread(target=read)
    reader.start()
    process.wait()
    reader.join()
    os.close(handle)
    with Lab.open_existing(lab) as found:
        points = found.points(found.runs()[-1])
    return points[-1].chars / points[-1].seconds


@click.command()
@click.argument("text", default="shakespeare.txt")
@click.option("--seconds", default=10.0)
@click.option("--rounds", default=3)
@click.option("--preset", default="standard")
def main(text: str, seconds: float, rounds: int, preset: str) -> None:
    """Run both in turn and print the ratios."""
    ratios = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            alone, loss = train(text, Path(folder), seconds, preset)
            shown = console(text, Path(folder), seconds, preset)
        ratios.append(shown / alone)
        speeds = f"train {alone:,.0f} char/s, console {shown:,.0f} char/s"
        print(f"{number + 1}: {speeds}, ratio {ratios[-1]:.3f}, val {loss:.3f}", flush=True)
    print(f"console against train, {preset}: median {statistics.median(ratios):.3f}, least {min(ratios):.3f}")


if __name__ == "__main__":
    main()
