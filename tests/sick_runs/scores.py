"""Scores of the tools: which find the planted cause, and which raise false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from engine.diagnosis.diagnosis import diagnose
from engine.events import Finding, Severity
from tests.sick_runs.recipes import HEALTHY, RECIPES, Recipe
from tests.sick_runs.rivals import RIVALS
from tests.sick_runs.training import Trained, train, train_or_load

OURS = "charrnn-tui"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of one tool on one run.

    Attributes:
        first: the first cause that it names; empty where it is silent.
        right: whether that is the true cause, or the silence is right.
        alarmed: whether it names anything more severe than a note.
        others: the number of further causes more severe than notes.
        delay: the updates from the onset to its first finding, as a share of those left at the onset; nan where it is
            silent.
    """

    first: str
    right: bool
    alarmed: bool
    others: int
    delay: float


@dataclass(frozen=True, slots=True)
class Result:
    """The verdicts of all tools on one run."""

    recipe: Recipe
    seed: int
    verdicts: dict[str, Verdict]


def judge(number: int, seed: int, kept: Path | None) -> dict[str, Verdict]:
    """Train a recipe with a seed, and ask every tool.

    Args:
        number: the recipe's place in `RECIPES`; the recipe itself cannot be sent to another process, since it plants
            its fault by a function.
        seed: the seed of everything.
        kept: a folder in which the observations of the training are kept, and from which they are read where present.
    """
    recipe = RECIPES[number]
    trained = train_or_load(recipe, seed, kept) if kept else train(recipe, seed, rivals=True)
    return {OURS: ours(recipe, trained), **theirs(recipe, trained)}


def ours(recipe: Recipe, trained: Trained) -> Verdict:
    """The findings of our own rules."""
    return verdict(recipe, diagnose(trained.settings, trained.events))


def verdict(recipe: Recipe, found: Sequence[Finding]) -> Verdict:
    """The verdict that our findings are."""
    grave = [finding for finding in found if finding.severity != Severity.NOTE]
    first = found[0] if found else None
    right = not grave if recipe.cause == HEALTHY else first is not None and first.cause == recipe.cause
    others = len({finding.cause for finding in grave} - {recipe.cause})
    delay = math.nan if first is None else _delay(recipe, first.found_update)
    return Verdict("" if first is None else first.cause, right, bool(grave), others, delay)


def theirs(recipe: Recipe, trained: Trained) -> dict[str, Verdict]:
    """The verdicts of other tools' rules."""
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
    """The score of one tool over many runs.

    Attributes:
        recall: the share of the sick runs whose true cause it gives first.
        precision: the share of its alarms that are right, over runs.
        warned: the share of the healthy runs that it raises an alarm on.
        delay: the median delay over the sick runs on which it is not silent.
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
