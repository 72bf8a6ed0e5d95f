"""The slice: a part of a training as a pure function, which any process can compute, and compute again after a loss."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from engine.budget import Budget, Position
from engine.events import Point, Validation
from engine.network.compute import choose
from engine.network.evaluation import evaluate
from engine.network.model import enough_memory
from engine.recording.collector import Collector
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.training.annealing import Course
from engine.training.state import State
from engine.training.trainer import Trainer

MOST_AT_ONCE = 256
"""The most updates that one call makes."""

VALIDATED = 32_768
"""The entries of the validation split that a race predicts each time: the same ones for all variants, spread evenly."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The task of training one slice.

    Attributes:
        settings: the hyperparameters.
        state: the state to continue from; None for a fresh network, drawn from `settings.seed`.
        ends: the places at which a point is made, ascending, in characters or updates since the run's start; the slice
            ends at the last one.
        seconds: the seconds of training before the slice.
        course: the budget along which the learning rate falls; with an empty one it does not fall.
        validated: whether the validation loss is measured at the end.
    """

    settings: Settings
    state: State | None
    ends: tuple[Budget, ...]
    seconds: float = 0.0
    course: Budget = field(default_factory=Budget)
    validated: bool = True


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of one slice.

    Attributes:
        state: the state after the last update that was made.
        position: the position of that state. Its seconds, and those of the points, are all that differs when the slice
            is computed again.
        points: one point for each end that took at least one update.
        validation: the validation loss of the state; None where it was not asked for, or is not finite.
        broken: what was not finite; empty where everything was.
        compute: the way to compute, such as `cpu bf16 ×1`.
    """

    state: State
    position: Position
    points: tuple[Point, ...]
    validation: Validation | None
    broken: str
    compute: str


def train_slice(corpus: Corpus, task: Slice) -> Trained:
    """Train one slice: the same arguments give the same bits on the same kind of machine.

    Reads and writes nothing but its arguments. Raises UserError where the state belongs to another network or text, or
    the machine lacks the device or the memory.
    """
    with enough_memory(task.settings, corpus.vocabulary.size):
        return _train(corpus, task)


def _train(corpus: Corpus, task: Slice) -> Trained:
    compute = choose(task.settings)
    if task.state is None:
        trainer = Trainer(corpus, task.settings, compute)
    else:
        trainer = Trainer.restored(corpus, task.state, compute)
    collector = Collector(task.settings.optimizer)
    points = []
    seconds, broken = task.seconds, ""
    for end in task.ends:
        begun = time.perf_counter()
        broken = _train_to(end, trainer, task.course, collector)
        took = time.perf_counter() - begun
        point = collector.point(trainer.counters.updates, trainer.chars, seconds + took, trainer.places)
        if point is not None:
            seconds = point.seconds
            points.append(point)
        if broken:
            break
    validation = None
    if task.validated and not broken:
        validation = _validate(trainer)
        broken = "" if validation else "the validation loss is not finite"
    position = Position(trainer.counters.updates, trainer.chars, seconds)
    return Trained(trainer.state(), position, tuple(points), validation, broken, str(compute))


def _train_to(end: Budget, trainer: Trainer, course: Budget, collector: Collector) -> str:
    """Train up to an end; return what was not finite, empty where everything was."""
    while not end.reached(Position(trainer.counters.updates, trainer.chars)):
        measured = trainer.train(MOST_AT_ONCE, Course(course), end)
        collector.add(measured)
        if measured.broken:
            return measured.broken
    return ""


def _validate(trainer: Trainer) -> Validation | None:
    corpus = trainer.corpus
    loss = evaluate(trainer.network, corpus.validation, trainer.compute, most=VALIDATED)
    if loss is None or not loss < float("inf"):
        return None
    return Validation(trainer.counters.updates, trainer.chars, loss * corpus.tokens_per_char)
