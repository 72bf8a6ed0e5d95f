"""The documentation's pictures: the console amid trainings that are made up, and therefore the same each time."""

from __future__ import annotations

import asyncio
import math
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.autopsy.outcome import Outcome, Report, probe_of
from engine.events import (
    AUTOPSY,
    Cause,
    Change,
    CheckpointKind,
    Hypothesis,
    HypothesisStatus,
    Point,
    Saved,
    Severity,
    Site,
    Trial,
    Validation,
)
from engine.race.plan import Plan, grid
from engine.race.result import Lane, RaceStatus, Rung
from engine.race.statistics.standing import standing
from engine.race.view import RaceView
from engine.session.snapshot import Snapshot
from engine.settings import Settings
from engine.windows import LengthLaw
from tests.tui.conftest import FakeEngine, finding, point, probed, trained
from tests.tui.still import Still, settle, standstill

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (120, 36)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the console.

    Attributes:
        snapshot: returns what the console shows.
        keys: the keys that are pressed before the picture is taken.
        size: columns and rows of the terminal.
    """

    snapshot: Callable[[], Snapshot]
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = SIZE


def drawn(picture: Picture) -> str:
    """The picture as SVG; it loads no fonts, only those of the reader's own machine are used."""
    with standstill(), tempfile.TemporaryDirectory() as folder:
        svg = asyncio.run(_export(picture, Path(folder)))
    return re.sub(r",\s*url\([^)]*\) format\([^)]*\)", "", svg)


async def _export(picture: Picture, folder: Path) -> str:
    app = Still(FakeEngine(picture.snapshot()), folder)
    async with app.run_test(size=picture.size) as pilot:
        await settle(pilot, picture.keys)
        svg = app.export_screenshot(title="charrnn-tui")
    app.join()
    return svg


# --- a training -------------------------------------------------------------------------------------------------------

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


def _training() -> Snapshot:
    return trained(
        settings=Settings(bptt=LengthLaw.fixed(40)),
        validations=tuple(Validation(update, 1024 * update, loss) for update, loss in VALIDATED),
        findings=(finding(says=OVERSTEPS),),
        log=(
            Change(120, 122_880, 1, "clip", "1", "off"),
            Change(150, 153_600, 2, "bptt", "64", "40"),
            Saved(200, 204_800, CheckpointKind.BEST, "best.safetensors"),
            Change(260, 266_240, 3, "clip", "off", "1"),
            Saved(390, 399_360, CheckpointKind.BEST, "best.safetensors"),
        ),
        hypotheses=(
            Hypothesis(
                1, "without clipping the loss climbs", "by 0.1 nats", HypothesisStatus.OPEN, "shakespeare-1", 120
            ),
            Hypothesis(
                2, "clip 1 helps", "", HypothesisStatus.CONFIRMED, "shakespeare-1", 260, "−0.08 nats per character"
            ),
        ),
        sample=SAMPLE,
    )


# --- a climb, and its autopsy -----------------------------------------------------------------------------------------

ONSET, PER_UPDATE = 300, 1024
BEFORE, AFTER = 1.52, 2.41
"""Losses before the climb and after it, in nats per character."""

REPLAYS: tuple[tuple[str, float | None, Trial | None], ...] = (
    ("as it was", None, None),
    ("rate ÷ 3", 0.98, Trial("lr", "0.01")),
    ("no learning", 0.93, None),
    ("optimiser reset", 0.41, None),
    ("clip at 0.6", 0.34, Trial("clip", "0.6")),
    ("float32", 0.12, Trial("dtype", "float32")),
    ("text elsewhere", 0.08, None),
    ("text before", 0.05, None),
    ("carried state reset", 0.02, None),
    ("shorter window 64 → 16", 0.0, Trial("bptt", "16")),
)
"""What is changed, which share of the climb that removes, and the change that a user would make."""


def _climbed() -> Snapshot:
    points = tuple(_risen(point(update)) for update in range(1, 401))
    report = Report(
        cause=Cause.LEARNING_RATE_TOO_HIGH,
        says=(
            f"From update {ONSET} on, the loss climbs from {BEFORE} to {AFTER}. These changes help: rate ÷ 3 removes "
            "98%, optimiser reset removes 41%, clip at 0.6 removes 34%. These changes make no difference: carried "
            "state reset, shorter window 64 → 16. So the steps are too long: the learning rate is too high."
        ),
        symptom="climb",
        start=ONSET - 40,
        onset=ONSET,
        climb=ONSET * PER_UPDATE,
        before=BEFORE,
        after=AFTER,
        trial=Trial("lr", "0.01"),
        outcomes=tuple(_replay(*each) for each in REPLAYS),
    )
    return trained(
        settings=Settings(lr=0.03),
        lr=0.03,
        points=points,
        recent=points,
        validations=(Validation(200, 204_800, 1.71), Validation(390, 399_360, 2.5)),
        findings=(finding(since_update=ONSET, since_chars=ONSET * PER_UPDATE, trial=Trial("lr", "0.003")),),
        probes={**probed(), AUTOPSY: (probe_of(report, 6.0),)},
    )


def _risen(before: Point) -> Point:
    """A point, higher after the onset of the climb."""
    return replace(before, loss=before.loss + (AFTER - BEFORE) * _climb(before.update))


def _climb(update: float) -> float:
    """The share of the climb that is done at an update."""
    return 1 - math.exp(-max(0.0, update - ONSET) / 25)


def _replay(label: str, removed: float | None, trial: Trial | None) -> Outcome:
    updates = range(ONSET - 40, ONSET + 90, 3)
    left = 1 - (removed or 0.0)
    losses = tuple(BEFORE + left * (AFTER - BEFORE) * _climb(each) + 0.02 * math.sin(each / 4) for each in updates)
    return Outcome(
        kind="rate",
        label=label,
        removed=removed,
        after=BEFORE + left * (AFTER - BEFORE),
        losses=losses,
        chars=tuple(PER_UPDATE * each for each in updates),
        trial=trial,
    )


# --- a race -----------------------------------------------------------------------------------------------------------

CHARS = 307_200
SEEDS = (1.0, -1.8, 0.3, 1.3, -0.8)
SCATTER = 0.012
"""How far the losses of seeds are apart, in nats per character, and by how much of that each seed is off."""


def _raced() -> Snapshot:
    plan = Plan(settings=Settings(), variants=grid(["lr=4e-3,1.3e-3,6e-3"]))
    lanes = [
        _lane(variant, seed, loss + SCATTER * wave * (1 + variant / 8))
        for seed, wave in enumerate(SEEDS)
        for variant, loss in enumerate((1.842, 1.959, 1.839))
    ]
    stands = standing(plan, lanes)
    race = RaceView(1, plan, status=RaceStatus.DONE, lanes=stands.lanes, results=stands.results, open=stands.open)
    hypothesis = Hypothesis(
        1, "a third of the rate ends lower", "better", HypothesisStatus.REFUTED, "shakespeare-1", 120, race=1
    )
    return trained(races=(race,), hypotheses=(hypothesis,), findings=())


def _lane(variant: int, replicate: int, loss: float) -> Lane:
    places = [CHARS * share / 24 for share in (1, 2, 4, 6, 9, 12, 16, 20, 24)]
    speed = (1.6, 1.1, 1.8)[variant]
    rungs = tuple(
        Rung(
            int(chars) // PER_UPDATE, int(chars), chars / 5e4, loss + 1.1 * math.exp(-speed * 3 * chars / CHARS) - 0.01
        )
        for chars in places
    )
    return Lane(variant, replicate, f"R1{'abc'[variant]}{replicate + 1}", 1.0, rungs, "", 3e-3)


# --- a program's own loop ---------------------------------------------------------------------------------------------

PRINTED = """\
epoch 0        0  loss 4.116
epoch 0    8,000  loss 2.958
epoch 0   16,000  loss 3.104
epoch 0   24,000  loss 3.373
epoch 0   32,000  loss 2.821
epoch 0   40,000  loss 4.377"""


def _watched() -> Snapshot:
    points = tuple(_unsteady(point(update)) for update in range(1, 401))
    fault = finding(
        Cause.GRADIENTS_NOT_ZEROED,
        severity=Severity.PROBLEM,
        since_update=2,
        since_chars=80,
        found_update=9,
        evidence={},
        says=(
            "Each backward pass adds its gradient to those of all updates before: nothing sets them to zero in between."
        ),
        trial=None,
        site=Site("train.py", 22, "optimizer.step()"),
        instead="optimizer.zero_grad()  # before loss.backward()",
    )
    return trained(
        run="20261130-115706-train",
        text="train.py",
        network="lstm 1×128",
        parameters=92_765,
        compute="cpu float32",
        matrix_names=("Embedding", "LSTM.weight_ih_l0", "LSTM.weight_hh_l0", "Linear"),
        watched=True,
        knobs=("lr", "clip", "bptt"),
        own={"momentum": "0.9"},
        settings=Settings(lr=2e-3, clip=None, bptt=LengthLaw.fixed(40)),
        chars=16_000,
        speed=9_120.0,
        lr=2e-3,
        points=points,
        recent=points,
        validations=(),
        best=None,
        places=(),
        findings=(fault,),
        judgements=(),
        log=(),
        hypotheses=(),
        races=(),
        sample=PRINTED,
        undo="",
    )


def _unsteady(before: Point) -> Point:
    """A point of a training whose gradients add up."""
    wave = math.sin(before.update / 23) + 0.6 * math.sin(before.update / 9 + 1)
    loss = 2.7 + 1.6 * math.exp(-before.update / 30) + 0.3 * min(3.0, before.update / 150) * abs(wave)
    norm = 0.6 + before.update / 40 * (1 + 0.3 * wave)
    return replace(
        before, loss=loss, chars=40 * before.update, grad_norm=norm, grad_norm_max=1.2 * norm, clipped=0.0, lr=2e-3
    )


PICTURES: Mapping[str, Picture] = {
    "console": Picture(_training),
    "finding": Picture(_training, ("F",), (110, 28)),
    "autopsy": Picture(_climbed, ("A",), (110, 30)),
    "race": Picture(_raced, ("9",), (120, 30)),
    "reading": Picture(_training, ("7",), (120, 26)),
    "watch": Picture(_watched, ("F",), (100, 24)),
}
"""Every picture by the name of its file."""
