"""A training by a real session in a lab, and what is said about it, and when."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from engine.checkpoints import checkpoint
from engine.events import (
    Cause,
    Event,
    Finding,
    Point,
    Probe,
    Severity,
    Start,
)
from engine.lab import Lab
from engine.network.compute import choose
from engine.network.evaluation import evaluate
from engine.session.job import Job, NewRun
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer
from tests.ladders.fault import Fault
from tests.ladders.training import train

TRAINING = 30_000
"""The entries of the training split that are read at the end."""

LONGEST = 3
"""The longest time that a training gets whose fault begins late, as a multiple of what it gets after that."""


@dataclass(frozen=True, slots=True)
class Said:
    """A finding, and when it began.

    Attributes:
        finding: the finding.
        seconds: the seconds of training by then, and `since_onset` those since the fault began.
    """

    finding: Finding
    seconds: float
    since_onset: float


@dataclass(slots=True)
class Watched:
    """The result of a training.

    Attributes:
        said: the findings, notes left out, in the order in which they began.
        noted: the notes.
        updates: the updates made.
        chars: the characters read.
        loss: the last training loss in nats per character.
        validation: the loss over the whole validation split at the end; infinite where it is not finite.
        training: the same over a part of the training split, without dropout.
        held_out: the loss at fixed places of that split at each control sample.
        looks: by instrument, the number of readings and the seconds that they took.
        run: the name of its run.
    """

    said: list[Said] = field(default_factory=list)
    noted: list[Said] = field(default_factory=list)
    updates: int = 0
    chars: int = 0
    loss: float = math.nan
    validation: float = math.inf
    training: float = math.inf
    held_out: list[float] = field(default_factory=list)
    looks: dict[str, tuple[int, float]] = field(default_factory=dict)
    run: str = ""


def watch(
    fault: Fault,
    seed: int,
    seconds: float,
    folder: Path,
    *,
    until: Cause | None = None,
    chars: int | None = None,
    evaluated: bool = False,
) -> Watched:
    """Train for some seconds after the fault has begun, as `time` counts them, in a lab of its own.

    Memorising begins when the validation loss is lowest.

    Args:
        fault: the training.
        seed: of the text and of the network.
        seconds: how long.
        folder: an empty folder.
        until: a cause after whose finding it may end.
        chars: the characters after which it ends instead; it may take `LONGEST` times as long.
        evaluated: whether the validation loss is measured at the end.
    """
    text = folder / "text.txt"
    text.write_text(fault.written(seed))
    watched = Watched()
    begun = onset = 0.0
    lowest = math.inf if Cause.OVERFITTING in fault.causes else -math.inf

    def listen(event: Event) -> None:
        nonlocal begun, onset, lowest
        now = time.monotonic()
        match event:
            case Probe(instrument="control", values={"held_out": float() as held_out}) if held_out < lowest:
                lowest, onset = held_out, now
            case Start():
                begun = onset = now
            case Point():
                watched.updates, watched.chars, watched.loss = event.update, event.chars, event.loss
                if event.chars <= fault.onset:
                    onset = now
            case Finding(until_update=None):
                said = watched.noted if event.severity is Severity.NOTE else watched.said
                if all(each.finding.cause != event.cause for each in said):
                    said.append(Said(event, now - begun, now - onset))

    def done(point: Point) -> bool:
        now = time.monotonic()
        enough = now - onset >= seconds if chars is None else point.chars >= chars
        named = until is not None and any(each.finding.cause is until for each in watched.said)
        return enough or named or now - begun >= LONGEST * seconds

    with fault.planted():
        job = Job(NewRun(str(text), fault.chosen(seed)), folder / "lab")
        end, watched.validation = train(job, done, listen, evaluated=evaluated)
    watched.run = end.run
    if evaluated and end.checkpoint is not None and math.isfinite(watched.validation):
        watched.training = _on_training(Path(end.checkpoint), text)
    with Lab.open_existing(folder / "lab") as lab:
        for event in lab.events.all(lab.runs.get(end.run)):
            if isinstance(event, Probe):
                count, took = watched.looks.get(event.instrument, (0, 0.0))
                watched.looks[event.instrument] = (count + 1, took + event.seconds)
                if isinstance(held_out := event.values.get("held_out"), float):
                    watched.held_out.append(held_out)
    return watched


def _on_training(path: Path, text: Path) -> float:
    """The loss of a checkpoint over a part of its training split, in nats per character."""
    state = checkpoint.load(path).state
    corpus = read_corpus(text, text.name, state.settings.vocabulary)
    trainer = Trainer.restored(corpus, state, choose(state.settings))
    loss = evaluate(trainer.network, corpus.training, trainer.compute, most=TRAINING)
    assert loss is not None
    return loss * corpus.tokens_per_char
