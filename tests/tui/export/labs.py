"""Labs to export from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.budget import Budget
from engine.events import Change, Note, Point, Probe, Sample, Saved, Stored, Validation
from engine.lab import Entry, Lab, Run
from engine.race.lanes import stored_lane
from engine.race.plan import Plan, grid
from engine.race.statistics.standing import standing
from engine.race.store import Race, Races
from engine.settings import Settings
from tests.tui.conftest import NAMES, point, readings
from tui.export.lab_reader import find, read_run
from tui.export.race_data import RaceData
from tui.export.run_data import RunData

HOSTILE = (
    "<script>alert(1)</script></style></pre>' onload='x \"><img src=http://evil.test/x> ](javascript:alert(1)) "
    "![x](http://evil.test/y) [a]: http://evil.test www.evil.test `code` | cell | $x^{ *b* \\ {{ 7*7 }} {% raw %} "
    "\x1b[31m\x00\x07\r\n    - # =1+1\n```\n</table>\u202egnp.exe\u2066\u200b&lt;b&gt;"
)


def happened(updates: int = 40) -> list[Stored]:
    """A run of some updates in two processes, in which everything happened that can."""
    half = updates // 2
    events: list[Stored] = [Probe(0, 0, "text_facts", 0.1, readings(1)["text_facts"])]
    for update in range(1, updates + 1):
        measured = point(update)
        if update > half:
            measured = replace(measured, seconds=(update - half) / 50)
        events.append(measured)
        if update == half:
            events.append(Note(update, update * 1024, "resume", f"goes on from update {update}"))
        if update % 5 == 0:
            events += [
                Probe(update, update * 1024, name, 0.01, values)
                for name, values in readings(update).items()
                if name != "text_facts"
            ]
    end = updates * 1024
    quarter = updates // 4
    at = next(place for place, event in enumerate(events) if isinstance(event, Point) and event.update == quarter)
    events[at + 1 : at + 1] = [
        Change(quarter, quarter * 1024, 1, "lr", "0.004", "0.05"),
        Change(quarter, quarter * 1024, 2, "clip", "1", "off"),
    ]
    return [
        *events,
        Validation(updates, end, 1.75),
        Sample(updates, end, 0.8, "ROMEO:\nO, she doth teach the torches to burn bright!\n"),
        Saved(updates, end, "end", "/somewhere/latest.safetensors"),
    ]


def stored(folder: Path, events: Sequence[Stored], **changes: Any) -> Run:
    """A run in a lab, made where it is not there."""
    values: dict[str, Any] = {
        "name": "notes-1",
        "text": "notes.txt",
        "digest": "0" * 64,
        "settings": Settings().plain(),
        "parent": None,
        "compute": "cpu fp32 ×1",
        "network": "lstm 1×12",
        "parameters": 99,
        "matrix_names": NAMES,
    }
    with Lab.open(folder) as lab:
        run = lab.create_run(**{**values, **changes})
        lab.record(run, events)
        reached = max((event.update for event in events), default=0)
        chars = max((event.chars for event in events), default=0)
        lab.finish(run, status="updates", update=reached, chars=chars, seconds=reached / 50)
        return lab.run(run.name)


def data_of(folder: Path, key: str = "notes-1") -> RunData:
    """A run of a lab, read."""
    with Lab.open_existing(folder) as lab:
        return read_run(lab, key)


STEPS = 64
"""Updates of a lane, each of 1,024 characters."""

RUNGS = (2, 4, 8, 16, 32, 48, 64)
"""Those after which its validation loss was measured."""

BROKEN = "the loss is nan"
"""Why a lane diverged."""


def lane_events(loss: float, updates: int = STEPS) -> list[Stored]:
    """A lane whose validation loss falls to `loss`, or as much of it as was trained."""
    events: list[Stored] = []
    for update in range(1, updates + 1):
        events.append(point(update))
        if update in RUNGS:
            events.append(Validation(update, update * 1024, loss + (1 - update / STEPS) ** 2))
    return events


def race_plan(*vary: str, **changes: Any) -> Plan:
    """Of the length of such lanes."""
    values: dict[str, Any] = {"settings": Settings(), "budget": Budget(chars=STEPS * 1024), "seeds": 4}
    return Plan(variants=grid(vary or ("lr=4e-3,1e-1",)), **{**values, **changes})


def raced(
    folder: Path,
    plan: Plan,
    losses: Mapping[tuple[int, int], float],
    *,
    status: str = "done",
    half: int = STEPS // 2,
) -> Race:
    """A race in a lab, made by hand.

    Args:
        folder: of the lab.
        plan: what is raced.
        losses: where each lane ended, by variant and seed; infinite where it diverged half-way, and nan where it was
            stopped there.
        status: of the race.
        half: updates up to there.
    """
    with Lab.open(folder) as lab:
        race = Races(lab).create(plan, text="notes.txt", source="notes.txt", digest="0" * 64)
        for (variant, replicate), loss in losses.items():
            updates = STEPS if math.isfinite(loss) else half
            events = lane_events(loss if math.isfinite(loss) else 2.0, updates)
            if math.isinf(loss):
                events.append(Note(updates, updates * 1024, "not-finite", BROKEN))
            run = lab.create_run(
                name=f"{race.name}{chr(ord('a') + variant)}{replicate + 1}",
                text=race.text,
                digest=race.digest,
                settings=plan.seeded(variant, replicate).plain(),
                parent=None,
                compute="cpu fp32 ×1",
                network="lstm 1×12",
                parameters=99,
                matrix_names=NAMES,
                race=Entry(race.number, variant, replicate),
            )
            lab.record(run, events)
            ended = "done" if math.isfinite(loss) else "not-finite" if math.isinf(loss) else "stopped"
            lab.finish(run, status=ended, update=updates, chars=updates * 1024, seconds=updates / 50)
        stands = standing(plan, [stored_lane(lab, plan, run) for run in lab.runs(race.number)])
        Races(lab).set(race, status=status, says="", results=stands.results)
        return Races(lab).race(race.name)


def four_seeds(*differences: float) -> dict[tuple[int, int], float]:
    """Losses of a first variant, and of others that differ from it by so much, over four seeds."""
    return {
        (variant, seed): 1.7 + 0.01 * seed + difference + 0.004 * (-1) ** (variant * seed)
        for seed in range(4)
        for variant, difference in enumerate((0.0, *differences))
    }


def race_of(folder: Path, key: str = "R1") -> tuple[list[RunData], RaceData]:
    """A race of a lab with its runs, read."""
    with Lab.open_existing(folder) as lab:
        found = find(lab, key)
    assert found.race is not None
    return list(found.runs), found.race
