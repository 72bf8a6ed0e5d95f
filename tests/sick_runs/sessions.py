"""A recipe trained by a real session into a lab, as a user would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.budget import Budget
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.checkpoints.saver import LATEST
from engine.events import Event, Point
from engine.network.compute import choose
from engine.session.commands import Command, CoolDown, Quit
from engine.session.job import ForkedRun, Job, NewRun, Resumption
from engine.session.session import Session
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer
from tests.conftest import turn
from tests.sick_runs.recipes import Recipe
from tests.sick_runs.texts import TEXTS
from tests.sick_runs.training import settings_of


def run_recipe(recipe: Recipe, seed: int, folder: Path) -> str:
    """Train a recipe in the lab `folder`; returns the run's name.

    A fault in the network is planted in a checkpoint, from which a session continues.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / f"{recipe.text.replace(' ', '-')}.txt"
    if not text.exists():
        text.write_text(TEXTS[recipe.text]())
    settings = settings_of(recipe, seed)
    task: NewRun | Resumption = NewRun(str(text), settings)
    if recipe.plant is not None and not recipe.onset:
        task = Resumption(str(_planted_start(recipe, seed, text, folder)))
    if recipe.plant is None or not recipe.onset:
        return train(task, folder, recipe.updates, _turns(recipe))
    name = train(task, folder, recipe.onset, {})
    latest = folder / "checkpoints" / name / LATEST
    found = checkpoint.load(latest)
    corpus = read_corpus(text, text.name, settings.vocabulary)
    trainer = Trainer.restored(corpus, found.state, choose(settings))
    recipe.plant(trainer)
    checkpoint.save(latest, Checkpoint(found.origin, trainer.state()))
    return train(Resumption(name), folder, recipe.updates, {})


def train(task: NewRun | Resumption | ForkedRun, folder: Path, updates: int, turns: Mapping[int, Command]) -> str:
    """A session without a console for about this many updates; commands are sent after given numbers of updates."""
    waiting = dict(sorted(turns.items()))

    def listen(event: Event) -> None:
        if isinstance(event, Point):
            while waiting and event.update >= next(iter(waiting)):
                session.send(waiting.pop(next(iter(waiting))))
            if event.update >= updates:
                session.send(Quit())

    session = Session(Job(task, folder), listen)
    return session.run().run


def _turns(recipe: Recipe) -> dict[int, Command]:
    return {
        update: CoolDown() if knob == "cool-down" else turn(knob, value)
        for update, (knob, value) in recipe.turns.items()
    }


def _planted_start(recipe: Recipe, seed: int, text: Path, folder: Path) -> Path:
    settings = settings_of(recipe, seed)
    corpus = read_corpus(text, text.name, settings.vocabulary)
    trainer = Trainer(corpus, settings, choose(settings))
    if recipe.plant is not None:
        recipe.plant(trainer)
    origin = Origin("planted", text.name, str(text), corpus.digest, corpus.vocabulary, Budget())
    path = folder / "planted.safetensors"
    checkpoint.save(path, Checkpoint(origin, trainer.state()))
    return path
