"""A fake engine for the console: it records commands and plays snapshots."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button

from engine.errors import UserError
from engine.events import (
    Cause,
    Change,
    CheckpointKind,
    Finding,
    Hypothesis,
    HypothesisStatus,
    Judged,
    Judgement,
    Note,
    NoteKind,
    Number,
    Point,
    Probe,
    Reading,
    Saved,
    Severity,
    Trial,
    Validation,
)
from engine.race.plan import Plan, grid
from engine.race.result import Comparison, Lane, RaceStatus, Rung, Verdict
from engine.race.view import RaceView
from engine.session.commands import Command, Continue, Pause, Quit, Turn
from engine.session.snapshot import Reply, Snapshot, Status
from engine.settings import Settings
from tests.tui.settling import screen_settled, settled
from tui.console import conversation
from tui.console.app import Console

NAMES = ("embedding", "rnn.ih0", "rnn.hh0", "head")


def point(update: int) -> Point:
    loss = 1.5 + 2.5 * math.exp(-update / 60) + 0.05 * math.sin(update / 3)
    norm = 0.5 + 0.3 * math.sin(update / 7)
    norms = tuple(norm * factor for factor in (0.1, 0.3, 0.4, 0.8))
    return Point(
        update=update,
        chars=update * 1024,
        seconds=update / 50,
        loss=loss,
        grad_norm=norm,
        grad_norm_max=norm * 1.4,
        clipped=0.12,
        norms=norms,
        lr=4e-3,
        updates=1,
        loss_spread=0.06,
        worst_loss=loss + 0.7,
        worst_place=0.63,
        clip_factor=0.8,
        rate_used=3.7e-3,
    )


def readings(update: int) -> dict[str, Reading]:
    """The reading of each instrument at an update."""
    half_life = 3 + update / 60
    relative: tuple[Number, ...] = tuple(0.5 ** (lag / half_life) for lag in range(129))
    return {
        "gradient_by_lag": {
            "norm": 0.4,
            "relative": relative,
            "decay": 0.5 ** (1 / half_life),
            "half_life": half_life,
            "reach": next(lag for lag, value in enumerate(relative) if value is not None and value < 0.01),
        },
        "gates": {
            "saturated": (0.12, 0.3, 0.05, 0.08, 0.03),
            "share": 0.116,
            "frozen_gates": (0.0, 0.02, 0.0, 0.0, 0.0),
            "frozen": 0.004,
            "forget": 0.71,
            "memory": 4.3,
        },
        "update_ratio": {"ratios": (8e-4, 1.1e-3, 2.4e-2, 6e-4), "norms": (16.2, 21.5, 18.0, 9.4), "whole": 1.9e-3},
        "numerics": {
            "loss_error": 2e-4,
            "gradient_error": 0.011,
            "matrix_errors": (0.012, 0.011, 0.014, 0.009),
            "non_finite": 0.0,
            "subnormal": 0.001,
            "lost": 0.0,
        },
        "agreement": {"cosine": 0.21, "signal": 0.04, "noise": 0.2, "share": 0.17},
        "clipping": {"cosine": 1.0, "factor": 0.8, "cut": 1.0},
        "control": {
            "seen": 1.52,
            "held_out": 1.64,
            "by_region": tuple(1.5 + (0.9 if region == 20 else 0.1 * math.sin(region)) for region in range(32)),
            "regions": tuple((region + 0.5) / 32 for region in range(32)),
            "classes": (1.31, 2.6, None, 0.71, 0.65, 1.9, None),
            "rarest": 5.2,
            "by_context": 1.02,
            "missed": tuple(0.02 / lag if lag != 12 else 0.03 for lag in range(1, 129)),
        },
        "words": {
            "words": 120,
            "known": 0.83,
            "names": 3,
            "names_in_text": 40,
            "invented": ("thoure", "belive", "mords"),
        },
        "reference_levels": {"uniform": 4.17, "letters": 3.34, "pairs": 2.48, "triples": 2.02, "xz": 1.93},
        "text_facts": {
            "letter_entropy": 3.31,
            "pair_entropy": 2.45,
            "characters": 1_003_854,
            "validation_characters": 111_540,
            "distinct": 65,
        },
    }


def probed(**changes: Reading) -> dict[str, tuple[Probe, ...]]:
    """The probes of a training of 400 updates, with other values for some instruments."""
    return {
        name: tuple(
            Probe(update, update * 1024, name, 0.004, {**readings(update)[name], **changes.get(name, {})})
            for update in (100, 200, 300, 390)
        )
        for name in readings(100)
    }


def finding(cause: Cause = Cause.LEARNING_RATE_TOO_HIGH, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "cause": cause,
        "severity": Severity.WARNING,
        "since_update": 320,
        "until_update": None,
        "evidence": {"update_ratio": 0.024, "agreement": 0.17, "seen": 1.52},
        "says": "Each update moves the weights by 2.4% of themselves and oversteps: the loss rests. Look at it.",
        "trial": Trial("lr", "0.0004"),
        "since_chars": 327_680,
        "found_update": 350,
    }
    return Finding(**{**values, **changes})


def lane(variant: int, replicate: int, loss: float, *, share: float = 1.0, broken: str = "") -> Lane:
    """A lane whose loss falls by half a nat on its way to its end."""
    rungs = tuple(
        Rung(chars // 1024, chars, chars / 5e4, loss + 0.5 * (1 - chars / 400_000) ** 2)
        for chars in (12_800, 25_600, 51_200, 102_400, 204_800, 307_200, 409_600)
        if chars <= share * 410_000
    )
    return Lane(variant, replicate, f"R1{'ab'[variant]}{replicate + 1}", share, rungs, broken, 3e-3)


def raced(**changes: Any) -> RaceView:
    """A race of two rates after three seeds, the fourth under way."""
    lanes = [lane(variant, seed, 1.7 - 0.12 * variant + 0.01 * seed) for variant in (0, 1) for seed in range(3)]
    values: dict[str, Any] = {
        "number": 1,
        "plan": Plan(settings=Settings(), variants=grid(["lr=4e-3,1.3e-3"])),
        "status": RaceStatus.RUNNING,
        "lanes": (*lanes, lane(0, 3, 1.7, share=0.6), lane(1, 3, 1.6, share=0.4)),
        "results": (Comparison(1, "chars", 3, -0.12, -0.31, 0.07, Verdict.UNDECIDED, (0, 0)),),
        "open": frozenset({0, 1}),
    }
    return RaceView(**{**values, **changes})


def trained(**changes: Any) -> Snapshot:
    """A snapshot in the midst of a training."""
    points = tuple(point(update) for update in range(1, 401))
    values: dict[str, Any] = {
        "status": Status.TRAINING,
        "run": "shakespeare-1",
        "text": "shakespeare.txt",
        "network": "lstm 1×256",
        "parameters": 424_524,
        "compute": "cpu bf16 ×1",
        "matrix_names": NAMES,
        "update": 400,
        "chars": 409_600,
        "seconds": 31.0,
        "speed": 48_123.0,
        "lr": 4e-3,
        "points": points,
        "recent": points,
        "validations": (Validation(200, 204_800, 1.71), Validation(390, 399_360, 1.62)),
        "best": 1.62,
        "probes": probed(),
        "judgements": (
            Judgement(Cause.NON_FINITE, Judged.ABSENT),
            Judgement(Cause.CLIP_TOO_TIGHT, Judged.ABSENT),
            Judgement(Cause.PLATEAU, Judged.NOT_YET, "2 more control samples, update 500"),
            Judgement(Cause.BPTT_TOO_SHORT, Judged.CANNOT, "nothing is measured beyond 128 characters"),
        ),
        "findings": (
            finding(
                Cause.SPARSE_TARGETS,
                severity=Severity.NOTE,
                since_update=90,
                until_update=180,
                found_update=110,
                trial=None,
            ),
            finding(),
        ),
        "places": tuple((stream + 0.4) / 16 for stream in range(16)),
        "log": (
            Change(150, 153_600, 1, "bptt", "64", "10"),
            Saved(200, 204_800, CheckpointKind.BEST, "/lab/checkpoints/shakespeare-1/best.safetensors"),
            Note(300, 307_200, NoteKind.OTHER, "somebody looked"),
        ),
        "hypotheses": (
            Hypothesis(1, "bptt 40 is worse than 10", "val is higher", HypothesisStatus.OPEN, "shakespeare-1", 120),
            Hypothesis(2, "clip 1 helps", "", HypothesisStatus.CONFIRMED, "shakespeare-1", 200, "−0.08 nats"),
        ),
        "races": (
            raced(),
            RaceView(2, Plan(settings=Settings(), variants=grid(["clip=1,off"]))),
        ),
        "sample": "── begun at update 390 ──\nKING HENRY:\nWhat say you to the morning, good my lord?",
        "undo": "bptt 64 → 10",
    }
    return Snapshot(**{**values, **changes})


class FakeEngine:
    """Deals with commands when told to, or at once."""

    is_here = True

    def __init__(self, snapshot: Snapshot, *, at_once: bool = True, failure: str = "") -> None:
        self.commands: list[Command] = []
        self.ended = threading.Event()
        self._snapshot = snapshot
        self._at_once = at_once
        self._failure = failure
        self._waiting: list[tuple[int, Command]] = []

    def send(self, command: Command) -> int:
        self.commands.append(command)
        ticket = len(self.commands)
        if isinstance(command, Quit):
            self.play(status=Status.FAILED if self._failure else Status.ENDED, taken=ticket)
            self.ended.set()
            return ticket
        self._waiting.append((ticket, command))
        if self._at_once:
            self.deal()
        return ticket

    def deal(self, reply: str = "", *, failed: bool = False) -> None:
        """Deal with everything that waits."""
        for ticket, command in self._waiting:
            text = reply or type(command).__name__
            self.play(taken=ticket, replies=(*self._snapshot.replies, Reply(ticket, text, failed)))
            match command:
                case Turn(knob, value) if not failed and knob not in self._snapshot.own:
                    self.play(settings=self._snapshot.settings.with_value(knob, value))
                case Pause():
                    self.play(status=Status.PAUSED, message="paused")
                case Continue():
                    self.play(status=Status.TRAINING, message="")
        self._waiting.clear()

    def play(self, **changes: Any) -> None:
        self._snapshot = replace(self._snapshot, **changes)

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def run(self) -> None:
        if self._failure:
            self.play(status=Status.FAILED, message=self._failure)
            raise UserError(self._failure)
        self.ended.wait()


@pytest.fixture(autouse=True)
def _whatever_the_machines_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot waits for a state and not for a time, and what the console says stands until it says something else."""
    for module in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{module}.wait_for_idle", settled)
    monkeypatch.setattr("textual.pilot.Pilot._wait_for_screen", screen_settled)
    monkeypatch.setattr(conversation, "MESSAGE_SECONDS", math.inf)
    # A button takes no second press for a fifth of a second.
    monkeypatch.setattr(Button, "_start_active_affect", lambda _button: None)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(trained())


@pytest.fixture
def console(tmp_path: Path) -> Callable[[FakeEngine], Console]:
    def make(engine: FakeEngine) -> Console:
        return Console(engine, tmp_path / "lab")

    return make
