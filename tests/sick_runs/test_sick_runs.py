"""A few of the sick runs, and more of them in `make soak`; all of them: `python -m tests.sick_runs`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from engine.diagnosis.diagnosis import RULES, diagnose
from engine.events import Severity
from engine.network.model import CELLS
from tests.sick_runs.recipes import HEALTHY, RECIPES, Recipe
from tests.sick_runs.training import settings_of, train

SICK = ("random steps", "an infinite weight")
MORE_SICK = ("sgd, clip 1e-3", "lstm, rate 1", "a huge initialisation, tanh", "5,000 characters")
LEARNING = ("a noisy small batch that learns well",)
MORE_LEARNING = ("fast convergence with a falling gradient norm", "rnn learns", "nothing to learn but frequencies")


def named(name: str) -> Recipe:
    return next(recipe for recipe in RECIPES if recipe.name == name)


def soaked(names: tuple[str, ...]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.soak) for name in names]


@pytest.mark.parametrize("name", [*SICK, *soaked(MORE_SICK)])
def test_the_planted_cause_is_found_first(name: str) -> None:
    recipe = named(name)
    trained = train(recipe, seed=0)
    found = diagnose(trained.settings, trained.events)
    assert found[0].cause == recipe.cause
    assert found[0].severity != Severity.NOTE
    assert found[0].found_update - recipe.onset < 0.35 * (recipe.updates - recipe.onset)
    assert found[0].trial is not None
    # The user can type in what is proposed.
    trained.settings.with_text(found[0].trial.knob, found[0].trial.value)


@pytest.mark.parametrize("name", [*LEARNING, *soaked(MORE_LEARNING)])
def test_a_healthy_training_is_left_in_peace(name: str) -> None:
    trained = train(named(name), seed=0)
    assert [
        finding for finding in diagnose(trained.settings, trained.events) if finding.severity != Severity.NOTE
    ] == []


def test_every_cause_has_two_recipes_and_health_a_dozen() -> None:
    counted = Counter(recipe.cause for recipe in RECIPES)
    assert counted.keys() == {*RULES, HEALTHY}
    assert all(counted[cause] >= 2 for cause in RULES)
    assert counted[HEALTHY] >= 12
    assert len(RECIPES) >= 30
    assert {settings_of(recipe, 0).cell for recipe in RECIPES} == set(CELLS)


def test_recipes_have_names_of_their_own() -> None:
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)
