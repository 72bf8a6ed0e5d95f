"""Who finds the planted cause, and who cries wolf."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from engine.diagnosis.diagnosis import diagnose
from engine.events import NOTE, Finding
from tests.sick_runs.recipes import HEALTHY, RECIPES, Recipe
from tests.sick_runs.rivals import RIVALS
from tests.sick_runs.training import Trained, train, train_or_load

OURS = "charrnn-tui"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one tool says of one run.

    Attributes:
        first: what it says first; empty where it says nothing.
        right: whether that is the true cause, or it is rightly silent.
        alarmed: whether it says anything that is more than a note.
        others: how many further causes it names that are more than notes.
        delay: the updates from the onset to the first word, as a share of those that were left then; nan in silence.
    """

    first: str
    right: bool
    alarmed: bool
    others: int
    delay: float


@dataclass(frozen=True, slots=True)
class Result:
    """What every tool says of one run."""

    recipe: Recipe
    seed: int
    verdicts: dict[str, Verdict]


def judge(number: int, seed: int, kept: Path | None) -> dict[str, Verdict]:
    """Train a recipe with a seed, and ask every tool.

    Args:
        number: the recipe's place in `RECIPES`; itself it cannot be sent to another process, as it plants its fault by
            a function.
        seed: of everything.
        kept: a folder in which what was seen of the training is kept, and from which it is taken where it is there.
    """
    recipe = RECIPES[number]
    trained = train_or_load(recipe, seed, kept) if kept else train(recipe, seed, rivals=True)
    return {OURS: ours(recipe, trained), **theirs(recipe, trained)}


def ours(recipe: Recipe, trained: Trained) -> Verdict:
    """What our own rules say."""
    return verdict(recipe, diagnose(trained.settings, trained.events))


def verdict(recipe: Recipe, found: Sequence[Finding]) -> Verdict:
    """The verdict that our findings are."""
    grave = [finding for finding in found if finding.severity != NOTE]
    first = found[0] if found else None
    right = not grave if recipe.cause == HEALTHY else first is not None and first.cause == recipe.cause
    others = len({finding.cause for finding in grave} - {recipe.cause})
    delay = math.nan if first is None else _delay(recipe, first.found_update)
    return Verdict("" if first is None else first.cause, right, bool(grave), others, delay)


def theirs(recipe: Recipe, trained: Trained) -> dict[str, Verdict]:
    """What the rules of other tools say."""
    verdicts = {}
    for name, rules in RIVALS.items():
        alarms = rules(trained.steps)
        first = alarms[0] if alarms else None
        right = (first is None) if recipe.cause == HEALTHY else first is not None and recipe.cause in first.causes
        delay = math.nan if first is None else _delay(recipe, first.update)
        others = max(0, len(alarms) - 1)
        verdicts[name] = Verdict("" if first is None else first.rule, right, first is not None, others, delay)
    return verdicts


@dataclass(frozen=True, slots=True)
class Score:
    """How one tool does over many runs.

    Attributes:
        recall: the share of the sick runs whose true cause it gives first.
        precision: the share of the runs it raises an alarm on in which that is right.
        warned: the share of the healthy runs that it raises an alarm on.
        delay: the median, over the sick runs that it has a word for.
    """

    recall: float
    precision: float
    warned: float
    delay: float


def score(results: Sequence[Result], tool: str) -> Score:
    """The score of one tool."""
    sick = [result.verdicts[tool] for result in results if result.recipe.cause != HEALTHY]
    healthy = [result.verdicts[tool] for result in results if result.recipe.cause == HEALTHY]
    right = sum(verdict.right for verdict in sick)
    alarms = sum(bool(verdict.first) for verdict in sick) + sum(verdict.alarmed for verdict in healthy)
    delays = [verdict.delay for verdict in sick if not math.isnan(verdict.delay)]
    return Score(
        right / len(sick) if sick else math.nan,
        right / alarms if alarms else math.nan,
        sum(verdict.alarmed for verdict in healthy) / len(healthy) if healthy else math.nan,
        median(delays) if delays else math.nan,
    )


def _delay(recipe: Recipe, update: int) -> float:
    return max(0, update - recipe.onset) / (recipe.updates - recipe.onset)
