"""Draws the README's picture from the real console: trains on Shakespeare for a while and exports what it shows."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from engine.events import Idea
from engine.session.commands import Hypothesise
from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.settings import Settings
from tui.console.app import Console

PICTURE = Path(__file__).parent / "console.svg"
SIZE = (120, 36)
CHANGES = ((300, "b"), (520, "c"), (700, "c"))
"""At which update which key is pressed."""

END = 1000


async def draw(text: str, lab: Path) -> None:
    """Train, press some keys, and write the picture."""
    session = Session(Job(NewRun(text, Settings()), lab, interactive=True))
    app = Console(session, lab)
    async with app.run_test(size=SIZE) as pilot:
        for update, key in CHANGES:
            await _reach(session, update)
            await pilot.press(key)
        session.send(Hypothesise(Idea("without clipping the loss climbs", "by 0.1 nats within 200 updates")))
        await _reach(session, END)
        await pilot.pause()
        # Only fonts of the reader's own machine: a picture should load nothing.
        picture = re.sub(r",\s*url\([^)]*\) format\([^)]*\)", "", app.export_screenshot(title="charrnn-tui"))
        PICTURE.write_text(picture)
        await pilot.press("q")
    app.join()


async def _reach(session: Session, update: int) -> None:
    while session.snapshot().update < update:
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(draw(sys.argv[1] if len(sys.argv) > 1 else "shakespeare.txt", Path(folder)))
    print(f"wrote {PICTURE}")
