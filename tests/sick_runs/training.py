"""A recipe trained, with every instrument at work, and watched by other tools as well."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass, field
from pathlib import Path

from engine.budget import CoolDownSpan
from engine.events import Change, Note, NoteKind, Stored
from engine.instruments.prober import INSTRUMENTS, Prober
from engine.network.compute import choose
from engine.recording.collector import Collector
from engine.recording.history import History
from engine.settings import Settings
from engine.text.corpus import read_corpus
from engine.training.measurements import Measurements
from engine.training.trainer import Trainer
from tests.sick_runs.recipes import BASE, Recipe
from tests.sick_runs.steps import Step
from tests.sick_runs.texts import TEXTS
from tests.sick_runs.watching import watch, weights

LOOKS = 60
"""The number of looks at a run."""

POINTS_A_LOOK = 5

COOL_DOWN = 300
"""Updates of a cool-down."""


@dataclass(slots=True)
class Trained:
    """The observations of a run.

    Attributes:
        settings: the settings at its start.
        events: the events that its lab would hold, in order.
        steps: the observations for other tools.
    """

    settings: Settings
    events: list[Stored] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def settings_of(recipe: Recipe, seed: int) -> Settings:
    """A recipe's settings."""
    settings = Settings()
    for name, value in {**BASE, **recipe.settings, "seed": seed}.items():
        settings = settings.with_text(name, "off" if value is None else str(value))
    return settings


def train_or_load(recipe: Recipe, seed: int, folder: Path) -> Trained:
    """A training with all that other tools see of it, from a folder in which it is kept once it was made."""
    file = folder / f"{recipe.name}-{seed}.pickle"
    if file.exists():
        loaded: Trained = pickle.loads(file.read_bytes())
        return loaded
    trained = train(recipe, seed, rivals=True)
    file.write_bytes(pickle.dumps(trained))
    return trained


def train(recipe: Recipe, seed: int, *, rivals: bool = False) -> Trained:
    """Train a recipe, looked at a fixed number of times whatever the machine: the same bits give the same findings."""
    settings = settings_of(recipe, seed)
    corpus = read_corpus(TEXTS[recipe.text]().encode(), recipe.text, settings.vocabulary)
    trainer = Trainer(corpus, settings, choose(settings))
    prober, trained = Prober(trainer, held_out=recipe.held_out), Trained(settings)
    collector, history = Collector(settings.optimizer), History([], [], [])
    trained.events.append(prober.text())
    count = LOOKS * POINTS_A_LOOK
    each = -(-recipe.updates // count)
    since_look: list[Measurements] = []

    def advance(updates: int) -> Measurements:
        measured = trainer.train(updates)
        collector.add(measured)
        since_look.append(measured)
        return measured

    for place in range(count):
        begin = trainer.counters.updates
        trained.events += _turns(trainer, recipe, begin, begin + each)
        if recipe.plant is not None and begin <= recipe.onset < begin + each:
            recipe.plant(trainer)
        broken = ""
        while trainer.counters.updates < begin + each and not broken:
            broken = advance(begin + each - trainer.counters.updates).broken
        counters = trainer.counters
        point = collector.point(counters.updates, trainer.chars, place * 0.2, trainer.places)
        if point is not None and (stored := history.add(point)) is not None:
            trained.events.append(stored)
        if broken:
            trained.events.append(Note(counters.updates, trainer.chars, NoteKind.NOT_FINITE, broken))
            break
        if place % POINTS_A_LOOK == POINTS_A_LOOK - 1:
            before = weights(trainer)
            trained.events.append(prober.around(lambda: advance(1)))
            looks = [prober.measure(name) for name in INSTRUMENTS if name != "update_ratio"]
            trained.events += looks
            if rivals:
                held_out = next(probe for probe in looks if probe.instrument == "control").values["held_out"]
                trained.steps.append(watch(trainer, Measurements.joined(since_look), before, _number(held_out)))
            since_look.clear()
    return trained


def _turns(trainer: Trainer, recipe: Recipe, begin: int, end: int) -> list[Stored]:
    """Turn the knobs that a recipe turns in between."""
    changes: list[Stored] = []
    for update, (knob, value) in recipe.turns.items():
        if not begin <= update < end:
            continue
        old = trainer.settings
        if knob == "cool-down":
            trainer.cool_down(CoolDownSpan(begin, COOL_DOWN))
            written = ("off", f"{COOL_DOWN} updates")
        else:
            trainer.turn(old.with_text(knob, value))
            written = (old.write(knob), trainer.settings.write(knob))
        changes.append(Change(begin, trainer.chars, trainer.counters.changes, knob, *written))
    return changes


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
