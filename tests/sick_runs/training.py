"""A recipe trained, with every instrument at work."""

from __future__ import annotations

from collections.abc import Iterator

from engine.compute import choose
from engine.corpus import read_corpus
from engine.events import Change, Note, Stored
from engine.history import Collector, History
from engine.prober import Prober
from engine.schedule import CoolDownSpan
from engine.settings import Settings
from engine.trainer import Trainer
from tests.sick_runs.recipes import BASE, Recipe
from tests.sick_runs.texts import TEXTS

LOOKS = 60
"""How often a run is looked at."""

POINTS_A_LOOK = 5


def prepare(recipe: Recipe, seed: int) -> tuple[Trainer, Settings]:
    """The trainer at its beginning."""
    settings = Settings()
    for name, value in {**BASE, **recipe.settings, "seed": seed}.items():
        settings = settings.with_text(name, "off" if value is None else str(value))
    corpus = read_corpus(TEXTS[recipe.text]().encode(), recipe.text, settings.vocabulary)
    return Trainer(corpus, settings, choose(settings)), settings


def train(recipe: Recipe, seed: int) -> Iterator[Stored]:
    """What a run's lab would hold, as it comes."""
    trainer, _ = prepare(recipe, seed)
    prober = Prober(trainer, held_out=recipe.held_out)
    collector = Collector(trainer.settings.optimizer)
    history = History([], [], [])
    yield prober.text()
    each = -(-recipe.updates // (LOOKS * POINTS_A_LOOK))
    for step in range(LOOKS * POINTS_A_LOOK):
        begin = trainer.counters.updates
        for update, (knob, value) in recipe.turns.items():
            if begin <= update < begin + each:
                yield _turn(trainer, knob, value)
        if recipe.plant is not None and begin <= recipe.onset < begin + each:
            recipe.plant(trainer)
        while (left := begin + each - trainer.counters.updates) > 0:
            measured = trainer.train(left)
            collector.add(measured)
            if measured.broken:
                break
        counters = trainer.counters
        point = collector.point(counters.updates, trainer.chars, step * 0.2, trainer.places)
        if point is not None and (stored := history.add(point)) is not None:
            yield stored
        if measured.broken:
            yield Note(counters.updates, trainer.chars, "not-finite", measured.broken)
            return
        if step % POINTS_A_LOOK == POINTS_A_LOOK - 1:
            yield prober.around(lambda: collector.add(trainer.train(1)))
            for name in ("gradient_by_lag", "gates", "agreement", "numerics", "clipping", "control"):
                yield prober.measure(name)


def _turn(trainer: Trainer, knob: str, value: str) -> Change:
    settings = trainer.settings
    counters = trainer.counters
    if knob == "cool-down":
        trainer.cool_down(CoolDownSpan(counters.updates, 300))
        return Change(counters.updates, trainer.chars, counters.changes + 1, knob, "off", "300 updates")
    changed = settings.with_text(knob, value)
    trainer.turn(changed)
    return Change(
        counters.updates, trainer.chars, counters.changes + 1, knob, settings.write(knob), changed.write(knob)
    )
