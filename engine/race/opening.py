"""Opens a race, new or interrupted, so that it is ready to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.errors import UserError
from engine.lab import Lab
from engine.network.compute import choose, gains
from engine.network.model import check_memory
from engine.race.plan import Origin, Plan
from engine.race.store import Race, Races
from engine.text import made
from engine.text.corpus import Corpus, check_window
from engine.text.progress import Tell
from engine.text.source import keep_text, read_text
from engine.training.state import State


@dataclass(frozen=True, slots=True)
class NewRace:
    """The request for a new race.

    Attributes:
        plan: the plan; `prepared` takes its origin from `start`.
        text: a file's path or a built-in text's name; for standard input the name to show.
        content: the bytes of standard input; None otherwise.
        start: the checkpoint that all variants start from; None for fresh networks.
    """

    plan: Plan
    text: str
    content: bytes | None = field(default=None, repr=False)
    start: Checkpoint | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ResumedRace:
    """The request to resume a race.

    Attributes:
        key: the race's name.
        text: the text's present path; None where it has not moved.
    """

    key: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedRace:
    """A race that is ready to run.

    Attributes:
        lab: the race's lab, open for writing.
        race: the race, as its lab stores it.
        corpus: the race's text.
        origin: the state at the plan's origin; None for fresh networks.
    """

    lab: Lab
    race: Race
    corpus: Corpus
    origin: State | None


@contextmanager
def open_race(task: NewRace | ResumedRace, folder: Path, progress: Tell) -> Iterator[OpenedRace]:
    """Read the text, check that every variant can be trained on it, and store the race where it is new.

    Raises UserError with one line; no race is stored then.
    """
    if isinstance(task, ResumedRace):
        with _resumed(task, folder, progress) as opened:
            yield opened
        return
    corpus, source = read_text(task.text, task.content, task.plan.settings, folder, progress)
    plan = prepared(task.plan, corpus, task.start)
    with Lab.open(folder) as lab:
        if task.content is not None:
            source = str(keep_text(lab, task.content))
        race = write_down(lab, plan, corpus, source, task.start)
        yield OpenedRace(lab, race, corpus, task.start.state if task.start else None)


def prepared(plan: Plan, corpus: Corpus, start: Checkpoint | None) -> Plan:
    """The plan with its origin and with equal compute; raises UserError where a variant cannot be trained."""
    plan = plan if start is None else _from_start(plan, start, corpus)
    plan = with_equal_compute(plan)
    for variant in range(len(plan.variants)):
        chosen = plan.chosen(variant)
        check_window(corpus, chosen.streams, chosen.bptt)
        check_memory(chosen, corpus.vocabulary.size)
    return plan


def write_down(lab: Lab, plan: Plan, corpus: Corpus, source: str, start: Checkpoint | None) -> Race:
    """Store a race in the lab, with the checkpoint that its variants start from; return the race."""
    races = Races(lab)
    race = races.create(plan, text=corpus.name, source=source, digest=corpus.digest)
    if start is not None:
        checkpoint.save(races.start(race), start)
    return race


def _from_start(plan: Plan, start: Checkpoint, corpus: Corpus) -> Plan:
    """The plan with `start` as its origin; raises UserError where `start` was trained on another text."""
    if start.origin.digest != corpus.digest or start.origin.vocabulary != corpus.vocabulary:
        raise UserError(f"{corpus.name} is not the text that {start.origin.run} was trained on: race on that text")
    counters = start.state.counters
    chars = round(counters.tokens / corpus.tokens_per_char)
    return replace(plan, origin=Origin(start.origin.run, counters.updates, chars))


@contextmanager
def _resumed(task: ResumedRace, folder: Path, progress: Tell) -> Iterator[OpenedRace]:
    with Lab.open_existing(folder) as reading:
        race = Races(reading).get(task.key)
    source = task.text or race.source
    if not Path(source).exists() and source not in made.NAMES:
        raise UserError(f"there is no text {source}: give its present path as TEXT")
    corpus, source = read_text(source, None, race.plan.settings, folder, progress)
    if corpus.digest != race.digest:
        raise UserError(f"{corpus.name} is not the text of race {race.name}: give the same text as TEXT")
    with Lab.open(folder) as lab:
        origin = checkpoint.load(Races(lab).start(race)).state if race.plan.origin else None
        yield OpenedRace(lab, replace(race, source=source), corpus, origin)


def with_equal_compute(plan: Plan) -> Plan:
    """The plan with one thread and, where the number type is left to the program, one type for all variants."""
    settings = replace(plan.settings, threads=1)
    plan = replace(plan, settings=settings)
    if settings.dtype != "auto" or "dtype" in plan.varied():
        return plan
    device = choose(settings).device
    all_gain = all(gains(plan.chosen(variant), device) for variant in range(len(plan.variants)))
    return replace(plan, settings=replace(settings, dtype="bfloat16" if all_gain else "float32"))
