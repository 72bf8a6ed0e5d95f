"""Labs to export from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.events import Change, Note, Point, Probe, Sample, Saved, Stored, Validation
from engine.lab import Lab, Run
from engine.settings import Settings
from tests.tui.conftest import NAMES, point, readings
from tui.export.run_data import RunData, read

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
        return read(lab, key)
