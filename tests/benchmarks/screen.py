"""The responsiveness of the console while it trains: `python -m tests.benchmarks.screen TEXT`.

Prints the time to the first paint, the time from a key to its effect shown as requested, and how late the screen's own
clock ticks; first for the standard rule, then for one character at a time.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
import numpy as np

from engine.events import RunStatus
from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.session.snapshot import Status
from engine.settings import PRESETS, Settings
from tui.console.app import Console
from tui.words.shell_commands import COMMAND

TICK = 0.01
RULES: dict[str, tuple[Settings, Sequence[str]]] = {
    "standard": (Settings(), ()),
    "online": (
        Settings(hidden=128, **PRESETS["online"]),  # type: ignore[arg-type]
        ("--preset", "online", "--hidden", "128"),
    ),
}


class Terminal:
    """The console in a terminal of its own."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._handle, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=terminal, stdout=terminal, stderr=terminal, env=environment
        )
        os.close(terminal)

    def until(self, sign: str, patience: float = 60.0) -> float:
        """Seconds until the terminal receives `sign`."""
        begun, seen = time.perf_counter(), b""
        while sign.encode() not in seen:
            if not select.select([self._handle], [], [], patience)[0]:
                raise TimeoutError(f"{sign!r} did not come")
            seen = seen[-200:] + os.read(self._handle, 65_536)
        return time.perf_counter() - begun

    def press(self, keys: str) -> None:
        """Type the keys."""
        os.write(self._handle, keys.encode())

    def rest(self, seconds: float) -> None:
        """Read what is drawn meanwhile."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._handle], [], [], left)[0]:
                os.read(self._handle, 65_536)

    def close(self) -> None:
        """Quit."""
        self.press("q")
        with suppress(OSError):  # the other side is closed
            while os.read(self._handle, 65_536):
                pass
        self._process.wait()
        os.close(self._handle)


def first_paint(text: str, lab: Path) -> float:
    """Seconds from the command to the panes."""
    terminal = Terminal([text, "--lab", str(lab)])
    seconds = terminal.until("Hypotheses")
    terminal.until("training")
    terminal.close()
    return seconds


def keys(text: str, lab: Path, options: Sequence[str], count: int) -> list[float]:
    """Seconds from each key to its effect on the screen, as requested or, where that was sooner, as applied."""
    terminal = Terminal([text, *options, "--lab", str(lab)])
    terminal.until("training")
    terminal.rest(3.0)
    took = []
    for number in range(count):
        terminal.press("lL"[number % 2])
        took.append(terminal.until("lr"))
        terminal.rest(0.3)
    terminal.close()
    return took


async def beat(text: str, lab: Path, settings: Settings, seconds: float) -> list[float]:
    """How late, in seconds, each tick of the screen's event loop came while it trained."""
    app = Console(session := Session(Job(NewRun(text, settings), lab, interactive=True)), lab)
    late = []
    async with app.run_test(size=(120, 40)):
        while session.snapshot().status is not Status.TRAINING:
            await asyncio.sleep(TICK)
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            await asyncio.sleep(TICK)
            late.append(time.perf_counter() - begun - TICK)
        app.leave(RunStatus.QUIT)
    app.join()
    return late


@click.command()
@click.argument("text")
@click.option("--seconds", default=20.0)
@click.option("--count", default=100)
def main(text: str, seconds: float, count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Path(folder)
        paints = [first_paint(text, lab) for _ in range(5)]
        print(f"first paint: {np.median(paints):.2f} s (from {min(paints):.2f} to {max(paints):.2f})")
        for name, (settings, options) in RULES.items():
            took = np.array(keys(text, lab, options, count)) * 1000
            print(f"{name}: key to screen {np.median(took):.0f} ms, p99 {np.percentile(took, 99):.0f} ms")
            late = np.array(asyncio.run(beat(text, lab, settings, seconds))) * 1000
            usual, worst = np.percentile(late, (50, 99))
            print(f"{name}: beat late by {usual:.1f} ms, p99 {worst:.0f}, max {late.max():.0f}")


if __name__ == "__main__":
    main()
