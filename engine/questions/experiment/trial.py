"""The trial: a training that is measured as it goes, as a pure function, which any process can compute."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from engine.budget import Budget, Position
from engine.events import Note, NoteKind, Probe, Stored
from engine.instruments.prober import Prober
from engine.network.compute import choose
from engine.race.slice import Slice, train_slice
from engine.settings import Settings, Value
from engine.text.corpus import Corpus
from engine.training.state import State
from engine.training.trainer import Trainer

AROUND = "update_ratio"
"""The only instrument that makes an update, which it does on a copy of the training."""


@dataclass(frozen=True, slots=True)
class Look:
    """An instrument that is read on a copy of the training.

    Attributes:
        instrument: the instrument's name, as in `Prober`.
        name: the reading's name in the lab; empty for the instrument's name.
        changes: the settings that differ in the copy.
        times: factors on the parameters of the copy; each key is a part of their names.
        plus: numbers added to the parameters of the copy; each key is a part of their names.
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
        ends: the places at which a point is made, ascending, in characters or updates since the start.
        validated: whether the validation loss is measured at its end.
        looks: the instruments that are read at its end.
    """

    ends: tuple[Budget, ...]
    validated: bool = True
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A training of a fresh network.

    Attributes:
        settings: the hyperparameters.
        stages: the parts of the training, in order.
        begin: the place at which the first stream begins, as a share of the training split.
        pieces: the entries in each piece, where the training split is cut into pieces and shuffled; 0 for the text as
            it is.
    """

    settings: Settings
    stages: tuple[Stage, ...]
    begin: float = 0.0
    pieces: int = 0

    def text_name(self, corpus: Corpus) -> str:
        """The name of the text that it is trained on."""
        return f"{corpus.name}, pieces of {self.pieces:,} shuffled" if self.pieces else corpus.name


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of a trial.

    Attributes:
        events: everything that was measured, in order.
        state: the state after the last finite update.
        position: the position of that state.
        broken: what was not finite; empty where everything was.
        compute: the way to compute, such as `cpu bf16 ×1`.
    """

    events: tuple[Stored, ...]
    state: State
    position: Position
    broken: str
    compute: str


def tried(corpus: Corpus, trial: Trial) -> Tried:
    """Train and measure; reads and writes nothing but its arguments. Raises UserError where the device is missing."""
    if trial.pieces:
        corpus = shuffled(corpus, trial.pieces)
    events: list[Stored] = []
    state = None
    if trial.begin:
        state = _moved(corpus, trial)
        events.append(Note(0, 0, NoteKind.BEGIN, f"the first stream begins at {trial.begin:.0%} of the text"))
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
            events.append(Note(position.updates, position.chars, NoteKind.NOT_FINITE, broken))
            break
        events += [read(corpus, state, look) for look in stage.looks]
    if state is None:
        raise ValueError("a trial has at least one stage")
    return Tried(tuple(events), state, position, broken, compute)


def read(corpus: Corpus, state: State, look: Look) -> Probe:
    """The reading of an instrument on a state, changed as `look` says."""
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
    # The copy may have made an update, but the reading belongs to the state before it.
    counters = state.counters
    chars = round(counters.tokens / corpus.tokens_per_char)
    return replace(probe, update=counters.updates, chars=chars, instrument=look.name or look.instrument)


def pace(corpus: Corpus, settings: Settings, seconds: float) -> tuple[float, float]:
    """The seconds per character and the seconds per validation, from a training of about `seconds`.

    Loading, which happens at the first call, is not counted.
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
    """The same text with its training split cut into pieces of `piece` entries and shuffled, always in the same way."""
    training = corpus.training[:]
    whole = len(training) // piece * piece
    pieces = training[:whole].reshape(-1, piece)
    order = np.random.default_rng(0).permutation(len(pieces))
    ids = np.concatenate((pieces[order].ravel(), training[whole:], corpus.validation[:]))
    return replace(corpus, ids=ids)
