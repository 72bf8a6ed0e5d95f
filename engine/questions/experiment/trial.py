"""A training that is measured on its way, as a pure function, which any process can compute."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from engine.budget import Budget, Position
from engine.events import Note, Probe, Stored
from engine.instruments.prober import Prober
from engine.network.compute import choose
from engine.race.slice import Slice, train_slice
from engine.race.store import NOT_FINITE
from engine.settings import Settings, Value
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.training.trainer import Trainer

BEGIN = "begin"
"""The kind of a note that says where in the text a trial begins."""

AROUND = "update_ratio"
"""The one instrument that makes an update of its own, on a copy."""


@dataclass(frozen=True, slots=True)
class Look:
    """An instrument that is read on a copy of the training.

    Attributes:
        instrument: its name, as the prober has it.
        name: what the reading is called in the lab; the instrument's name where empty.
        changes: settings that are different in the copy.
        times: by a part of parameters' names, what these are multiplied with in the copy.
        plus: likewise, what is added to them.
    """

    instrument: str
    name: str = ""
    changes: Mapping[str, Value] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    plus: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a training.

    Attributes:
        ends: places at which a point is made, ascending, by characters or updates since the start.
        validated: whether the validation loss is measured at its end.
        looks: what else is measured there.
    """

    ends: tuple[Budget, ...]
    validated: bool = True
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A training of a fresh network.

    Attributes:
        settings: how to train.
        stages: one behind the other.
        begin: where in the text the first stream begins, as a share of it.
        pieces: the training split is cut into pieces of so many entries in another order; 0 for the text as it is.
    """

    settings: Settings
    stages: tuple[Stage, ...]
    begin: float = 0.0
    pieces: int = 0

    def text_name(self, corpus: Corpus) -> str:
        """What the text that it is trained on is called."""
        return f"{corpus.name}, pieces of {self.pieces:,} shuffled" if self.pieces else corpus.name


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it: everything that was measured in its order, and the state behind the last finite update."""

    events: tuple[Stored, ...]
    state: State
    position: Position
    broken: str
    compute: str


def tried(corpus: Corpus, trial: Trial) -> Tried:
    """Train and measure; reads and writes nothing but its arguments. Raises UserError where the device is not there."""
    if trial.pieces:
        corpus = shuffled(corpus, trial.pieces)
    events: list[Stored] = []
    state = None
    if trial.begin:
        state = _moved(corpus, trial)
        events.append(Note(0, 0, BEGIN, f"the first stream begins at {trial.begin:.0%} of the text"))
    seconds, broken, compute = 0.0, "", ""
    position = Position()
    for stage in trial.stages:
        trained = train_slice(corpus, Slice(trial.settings, state, stage.ends, seconds, validated=stage.validated))
        state, position = trained.state, trained.position
        seconds, broken, compute = position.seconds, trained.broken, trained.compute
        events += trained.points
        if trained.validation is not None:
            events.append(trained.validation)
        if broken:
            events.append(Note(position.updates, position.chars, NOT_FINITE, broken))
            break
        events += [read(corpus, state, look) for look in stage.looks]
    if state is None:
        raise ValueError("a trial has at least one stage")
    return Tried(tuple(events), state, position, broken, compute)


def read(corpus: Corpus, state: State, look: Look) -> Probe:
    """What an instrument says of a state, or of one that differs from it as the look wants it."""
    settings = state.settings
    for name, value in look.changes.items():
        settings = settings.with_value(name, value)
    changed = replace(state, settings=settings, tensors=dict(state.tensors))
    for name, tensor in state.tensors.items():
        for part, factor in look.times.items():
            if name.startswith("network.") and part in name:
                changed.tensors[name] = tensor * factor
        for part, added in look.plus.items():
            if name.startswith("network.") and part in name:
                changed.tensors[name] = tensor + added
    trainer = Trainer.restored(corpus, changed, choose(settings))
    prober = Prober(trainer)
    probe = prober.around(trainer.train) if look.instrument == AROUND else prober.measure(look.instrument)
    # The copy may have gone on by an update; what was asked about is the state.
    counters = state.counters
    chars = round(counters.tokens / corpus.tokens_per_char)
    return replace(probe, update=counters.updates, chars=chars, instrument=look.name or look.instrument)


def pace(corpus: Corpus, settings: Settings, seconds: float) -> tuple[float, float]:
    """Seconds a character and seconds a validation, from a training of so many seconds.

    What is loaded at the first call is not counted.
    """
    window = max(1, round(settings.streams * settings.bptt.mean))
    first = train_slice(corpus, Slice(settings, None, (Budget(chars=window),)))
    state, chars, step = first.state, window, window
    begun = time.perf_counter()
    while True:
        before = time.perf_counter()
        chars += step
        state = train_slice(corpus, Slice(settings, state, (Budget(chars=chars),), validated=False)).state
        now = time.perf_counter()
        if now - begun > seconds / 2:
            break
        step *= 2
    train_slice(corpus, Slice(settings, state, (Budget(chars=chars),)))
    return (now - before) / step, time.perf_counter() - now


def _moved(corpus: Corpus, trial: Trial) -> State:
    """A fresh network whose streams begin elsewhere in the text."""
    state = Trainer(corpus, trial.settings, choose(trial.settings)).state()
    length = len(corpus.training)
    cursors = (state.tensors["streams.cursors"] + round(trial.begin * length)) % length
    return replace(state, tensors={**state.tensors, "streams.cursors": cursors})


def shuffled(corpus: Corpus, piece: int) -> Corpus:
    """The same text with its training split cut into pieces of so many entries, in an order that is always the same."""
    training = corpus.training[:]
    whole = len(training) // piece * piece
    pieces = training[:whole].reshape(-1, piece)
    order = np.random.default_rng(0).permutation(len(pieces))
    ids = np.concatenate((pieces[order].ravel(), training[whole:], corpus.validation[:]))
    return replace(corpus, ids=ids)
