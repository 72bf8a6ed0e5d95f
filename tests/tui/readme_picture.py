"""The README's picture: the console amid a training that is made up, and therefore the same each time it is drawn."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from engine.events import Change, Hypothesis, Saved, Validation
from engine.session.snapshot import Snapshot
from engine.settings import Settings
from engine.windows import LengthLaw
from tests.tui.conftest import FakeEngine, finding, trained
from tests.tui.still import Still, settle, standstill

PICTURE = Path(__file__).parents[2] / "docs" / "console.svg"
SIZE = (120, 36)

SAMPLE = """\
── begun at update 390 ──
LAUNCE:
O, her a commanded to sufference here to
Perjucto, and the good king of the more,
That I have said the world to be a man.

KING HENRY:
What say you to the morning, good my lord?"""

VALIDATED = ((90, 2.13), (200, 1.71), (300, 1.64), (390, 1.62))

OVERSTEPS = (
    "Each update moves the weights by 2.4% of themselves and oversteps: the gradients of different text agree (17%), "
    "and yet the loss does not fall along them."
)


def drawn() -> str:
    """The picture as SVG; it loads no fonts, only those of the reader's own machine are used."""
    with standstill(), tempfile.TemporaryDirectory() as folder:
        picture = asyncio.run(_export(Path(folder)))
    return re.sub(r",\s*url\([^)]*\) format\([^)]*\)", "", picture)


async def _export(folder: Path) -> str:
    app = Still(FakeEngine(_snapshot()), folder)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        picture = app.export_screenshot(title="charrnn-tui")
    app.join()
    return picture


def _snapshot() -> Snapshot:
    return trained(
        settings=Settings(bptt=LengthLaw.fixed(40)),
        validations=tuple(Validation(update, 1024 * update, loss) for update, loss in VALIDATED),
        findings=(finding(says=OVERSTEPS),),
        log=(
            Change(120, 122_880, 1, "clip", "1", "off"),
            Change(150, 153_600, 2, "bptt", "64", "40"),
            Saved(200, 204_800, "best", "best.safetensors"),
            Change(260, 266_240, 3, "clip", "off", "1"),
            Saved(390, 399_360, "best", "best.safetensors"),
        ),
        hypotheses=(
            Hypothesis(1, "without clipping the loss climbs", "by 0.1 nats", "open", "shakespeare-1", 120),
            Hypothesis(2, "clip 1 helps", "", "confirmed", "shakespeare-1", 260, "−0.08 nats per character"),
        ),
        sample=SAMPLE,
    )
