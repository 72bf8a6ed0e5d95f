"""The recording in the README: the real console on a real training that goes wrong, and that its finding cures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from rich.segment import Segment
from textual.pilot import Pilot

from engine.events import Cause
from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.session.snapshot import Snapshot, Status
from engine.settings import Settings
from tests.docs.film import Frame, film
from tui.console.app import Console

PATH = Path(__file__).parents[2] / "docs" / "pictures" / "recording.svg"
SIZE = (128, 38)

RATE = 0.2
COMMAND = f"charrnn-tui shakespeare.txt --lr {RATE:g}"

EVERY = 0.4
"""Seconds of the training between two pictures."""

FRAMES = 32
"""The most pictures of one part."""

PATIENCE = 120.0
"""At most so many seconds for a part."""

CLIMBS, FALLS = 4.0, 30.0
"""At least so many seconds of the training after the finding, and after its cure."""

WRONG, SAID, READ, CURED, DONE = 8.0, 3.0, 5.0, 9.0, 3.0
"""Seconds for which a reader sees each part: the training until the finding, the line under the header, the finding,
the training after its cure, and its end."""

AT_FIRST = f"A learning rate of {RATE:g}, fifty times the default: the loss falls, and then it climbs."
NAMED = "The line under the header names the cause, and the keys that do something about it."
FOUND = "F: the finding, with the numbers that show it."
TRIED = "t: the rate that the finding proposes. The loss falls."

Rows = list[list[Segment]]


def recorded(lab: Path) -> str:
    """Train, record it, and return the animated SVG. Takes a minute or two; raises TimeoutError without a finding."""
    frames, still = asyncio.run(_recorded(lab))
    return film(frames, COMMAND, still)


async def _recorded(lab: Path) -> tuple[list[Frame], int]:
    session = Session(Job(NewRun("shakespeare.txt", Settings(lr=RATE), "shakespeare-1"), lab, interactive=True))
    app = Console(session, lab)
    async with app.run_test(size=SIZE) as pilot:
        await _watched(pilot, lambda: len(session.snapshot().recent) > 3)
        wrong = await _watched(pilot, lambda: _is_found(session.snapshot()))
        wrong += await _watched(pilot, _after(CLIMBS))
        frames = [*_played(wrong, WRONG, AT_FIRST), Frame(_rows(pilot), SAID, NAMED)]
        still = len(frames) - 1
        await pilot.press("F")
        await asyncio.sleep(EVERY)
        frames.append(Frame(_rows(pilot), READ, FOUND))
        await pilot.press("t")
        enough = _after(FALLS)
        cured = await _watched(pilot, lambda: enough() and not _is_found(session.snapshot()))
        frames += [*_played(cured, CURED, TRIED), Frame(_rows(pilot), DONE, TRIED)]
        await pilot.press("q")
        await _watched(pilot, lambda: session.snapshot().status is Status.ENDED)
    app.join()
    return frames, still


async def _watched(pilot: Pilot[int], until: Callable[[], bool]) -> list[Rows]:
    """Pictures of the terminal until something is so; raises TimeoutError where that never is."""
    taken = []
    patient = _after(PATIENCE)
    while not until():
        if patient():
            raise TimeoutError("the training does not do what is to be shown")
        await asyncio.sleep(EVERY)
        taken.append(_rows(pilot))
    return taken


def _played(taken: list[Rows], seconds: float, caption: str) -> list[Frame]:
    """Some of the pictures, evenly chosen, as a part of so many seconds."""
    count = min(FRAMES, len(taken))
    chosen = [taken[place * len(taken) // count] for place in range(count)]
    return [Frame(rows, seconds / count, caption) for rows in chosen]


def _after(seconds: float) -> Callable[[], bool]:
    """Says whether so many seconds have passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _is_found(snapshot: Snapshot) -> bool:
    return any(
        each.cause is Cause.LEARNING_RATE_TOO_HIGH and each.until_update is None and each.trial is not None
        for each in snapshot.findings
    )


def _rows(pilot: Pilot[int]) -> Rows:
    """The terminal's present content."""
    return [list(strip) for strip in pilot.app.screen._compositor.render_strips()]
