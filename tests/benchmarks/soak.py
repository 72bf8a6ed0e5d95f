"""A million updates with the console on: `python -m tests.benchmarks.soak TEXT [--updates N]`.

One character at a time, a small network. Prints, for each tenth of the updates, the memory of the process, how late the
screen's clock ticked, how long it takes to redraw everything, and the size of the lab; last, how long it takes to
resume the run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import click
import psutil

from engine.budget import Budget
from engine.events import RunStatus
from engine.session.job import Job, NewRun, Resumption
from engine.session.session import Session
from engine.session.snapshot import Status
from engine.settings import PRESETS, Settings
from tui.console.app import Console
from tui.console.main_screen import ConsoleScreen

TICK = 0.01
PARTS = 10
REDRAWS = 20


async def train(text: str, lab: Path, hidden: int, updates: int) -> str:
    """Train in the console, and print; return the run's name."""
    settings = Settings(hidden=hidden, embedding=hidden, **PRESETS["online"])  # type: ignore[arg-type]
    session = Session(Job(NewRun(text, settings), lab, Budget(updates=updates), interactive=True))
    app = Console(session, lab)
    async with app.run_test(size=(120, 40)):
        while session.snapshot().status is not Status.TRAINING:
            await asyncio.sleep(TICK)
        for part in range(1, PARTS + 1):
            late = []
            while session.snapshot().update < updates * part // PARTS:
                begun = time.perf_counter()
                await asyncio.sleep(TICK)
                late.append(time.perf_counter() - begun - TICK)
            late.sort()
            print(
                f"{session.snapshot().update:>9,} updates: {psutil.Process().memory_info().rss / 1e6:,.1f} MB, "
                f"beat late by p99 {1000 * late[len(late) * 99 // 100]:.0f} ms, at most {1000 * late[-1]:.0f}, "
                f"redraw {1000 * redraw(app):.1f} ms, lab {size(lab) / 1e6:.2f} MB",
                flush=True,
            )
        while session.snapshot().status is not Status.FINISHED:
            await asyncio.sleep(TICK)
        app.leave(RunStatus.QUIT)
    app.join()
    return session.snapshot().run


def redraw(app: Console) -> float:
    """Seconds to redraw everything on the screen, the chart too, since its axis differs each time."""
    screen, took = app.screen, []
    assert isinstance(screen, ConsoleScreen)
    for _ in range(REDRAWS):
        begun = time.perf_counter()
        screen.action_log_scale()
        took.append(time.perf_counter() - begun)
    return median(took)


def size(lab: Path) -> int:
    """Bytes in the lab's database and checkpoints."""
    return sum(path.stat().st_size for path in lab.rglob("*") if path.is_file())


def resume(lab: Path, run: str, updates: int) -> float:
    """Seconds from requesting the run to its first further update, with torch already loaded."""
    begun = time.perf_counter()
    Session(Job(Resumption(run), lab, Budget(updates=updates + 1))).run()
    return time.perf_counter() - begun


@click.command()
@click.argument("text")
@click.option("--hidden", default=32)
@click.option("--updates", default=1_000_000)
def main(text: str, hidden: int, updates: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Path(folder)
        run = asyncio.run(train(text, lab, hidden, updates))
        print(f"resumed, trained on and saved in {resume(lab, run, updates):.2f} s")


if __name__ == "__main__":
    main()
