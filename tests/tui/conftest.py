"""A fake engine for the console: it records commands and plays snapshots."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.commands import Command, Continue, Pause, Quit, Turn
from engine.errors import UserError
from engine.events import Change, Hypothesis, Note, Point, Saved, Validation
from engine.snapshot import Reply, Snapshot, Status
from tui.app import Console

NAMES = ("embedding", "rnn.ih0", "rnn.hh0", "head")


def point(update: int) -> Point:
    loss = 1.5 + 2.5 * math.exp(-update / 60) + 0.05 * math.sin(update / 3)
    norm = 0.5 + 0.3 * math.sin(update / 7)
    norms = tuple(norm * factor for factor in (0.1, 0.3, 0.4, 0.8))
    return Point(update, update * 1024, update / 50, loss, norm, norm * 1.4, 0.12, norms, 4e-3, 1)


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
        "log": (
            Change(150, 153_600, 1, "bptt", "64", "10"),
            Saved(200, 204_800, "best", "/lab/checkpoints/shakespeare-1/best.safetensors"),
            Note(300, 307_200, "pause", "somebody looked"),
        ),
        "hypotheses": (
            Hypothesis(1, "bptt 40 is worse than 10", "val is higher", "open", "shakespeare-1", 120),
            Hypothesis(2, "clip 1 helps", "", "confirmed", "shakespeare-1", 200, "−0.08 nats"),
        ),
        "sample": "── begun at update 390 ──\nKING HENRY:\nWhat say you to the morning, good my lord?",
        "undo": "bptt 64 → 10",
    }
    return Snapshot(**{**values, **changes})


class FakeEngine:
    """Deals with commands when told to, or at once."""

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
                case Turn(knob, value) if not failed:
                    self.play(settings=self._snapshot.settings.with_text(knob, value))
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


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(trained())


@pytest.fixture
def console(tmp_path: Path) -> Callable[[FakeEngine], Console]:
    def make(engine: FakeEngine) -> Console:
        return Console(engine, tmp_path / "lab")

    return make
