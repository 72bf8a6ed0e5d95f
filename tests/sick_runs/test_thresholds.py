"""Thresholds are halved and doubled wherever a rule reads them, and the page keeps what a person wrote into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.diagnosis import climb, generalisation, thresholds
from engine.events import Cause, Finding, Probe, Severity, Stored
from engine.settings import Settings
from engine.windows import LengthLaw
from tests.sick_runs import thresholds as judging
from tests.sick_runs import training
from tests.sick_runs.constants import AUTOPSY, RULES, Constant, changed, constants
from tests.sick_runs.recipes import HEALTHY, RECIPES, Recipe
from tests.sick_runs.thresholds import HALF, TWICE, Effect, Row, effect, effects_on, filled_in
from tests.sick_runs.training import Trained, train_or_load

NOW = 2_000


def named(name: str) -> Constant:
    return next(constant for constant in constants(RULES, AUTOPSY) if str(constant) == name)


def recipe_with(cause: str) -> Recipe:
    return next(recipe for recipe in RECIPES if recipe.cause == cause)


def finding(cause: Cause, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(cause, severity, 0, None, {}, "", None, 0, 0)


def test_a_threshold_is_changed_in_every_module_that_knows_it() -> None:
    with changed(named("thresholds.LEAST_RISE"), 7.0):
        assert [each.LEAST_RISE for each in (thresholds, climb, generalisation)] == [7.0] * 3
    assert [each.LEAST_RISE for each in (thresholds, climb, generalisation)] == [0.05] * 3


def test_only_the_threshold_of_that_module_is_changed() -> None:
    with changed(named("climb.LEVELS"), 7):
        assert named("rise.LEVELS").holders()[0].LEVELS == 16


def test_a_whole_number_stays_one() -> None:
    assert named("signs.READINGS").times(HALF) == 2
    assert named("climb.LEVELS").times(TWICE) == 24
    assert named("rate.CLIP_ROOM").times(0.1) == 1
    assert named("rate.WORSE").times(HALF) == pytest.approx(0.51)
    assert named("remedies.RATE_PARTS").times(TWICE) == (6, 20, 60, 200)


def test_a_threshold_has_its_docstring() -> None:
    assert named("thresholds.DRIVEN").says.startswith("The share of saturated units")
    assert named("thresholds.DRIVEN").value == thresholds.DRIVEN


def exploding(growth: float) -> Trained:
    """A training whose gradient grows by so much, ten characters back, at windows of four."""
    events: list[Stored] = []
    for update in range(100, NOW, 100):
        by_lag = (*(1.0,) * 10, growth, *(1.0,) * 10)
        events.append(Probe(update, 0, "gradient_by_lag", 0.0, {"relative": by_lag}))
        events.append(Probe(update, 0, "update_ratio", 0.0, {"whole": 1e-3}))
    return Trained(Settings(bptt=LengthLaw.fixed(4), clip=None), events)


@pytest.mark.parametrize(
    ("threshold", "half", "twice"),
    [
        # The gradient grows by 15: more than by 5 or 10, and less than by 20.
        ("thresholds.EXPLODES", Effect.NONE, Effect.LOST),
        # Four windows of four characters reach ten characters back, and two do not: the signs are other ones.
        ("signs.WINDOWS", Effect.LOST, Effect.NONE),
        # It clips nothing that is tried, but what is tried.
        ("thresholds.USUAL_CLIP", Effect.DETAIL, Effect.DETAIL),
        ("rate.SLOWED", Effect.NONE, Effect.NONE),
    ],
)
def test_a_kept_training_is_judged_with_another_threshold(
    threshold: str, half: Effect, twice: Effect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(judging, "train_or_load", lambda *_: exploding(15.0))
    number = RECIPES.index(recipe_with("exploding-gradient"))
    effects = effects_on(number, 0, tmp_path, [named(threshold)])
    assert effects == {(threshold, HALF): half, (threshold, TWICE): twice}


def test_effects_are_told_apart() -> None:
    sick, healthy = recipe_with("plateau"), recipe_with(HEALTHY)
    right, wrong = [finding(Cause.PLATEAU)], [finding(Cause.OVERFITTING)]
    assert effect(sick, right, wrong) is effect(sick, right, []) is Effect.LOST
    assert effect(sick, wrong, right) is Effect.GAINED
    assert effect(sick, right, right) is effect(sick, [], []) is Effect.NONE
    assert effect(sick, right, right + wrong) is effect(sick, [], wrong) is Effect.DETAIL
    assert effect(healthy, [], wrong) is Effect.WARNED
    assert effect(healthy, wrong, []) is Effect.GAINED
    assert effect(healthy, [], [finding(Cause.PLATEAU, Severity.NOTE)]) is Effect.DETAIL


def test_a_recipe_is_trained_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[str] = []

    def train(recipe: Recipe, seed: int, *, rivals: bool) -> Trained:
        made.append(f"{recipe.name} {seed} {rivals}")
        return exploding(3.0)

    monkeypatch.setattr(training, "train", train)
    recipe = RECIPES[0]
    assert train_or_load(recipe, 4, tmp_path) == train_or_load(recipe, 4, tmp_path) == exploding(3.0)
    assert made == [f"{recipe.name} 4 True"]


PAGE = """Words.

| threshold | value | guards | speak for it | at half | at twice |
| --- | --- | --- | --- | --- | --- |
| `rate.WORSE` | 1.02 × entropy | a fresh network | ? | ? | ? |
| `rate.RUINED` | 0.95 | a sentence | no recipe decides this; it stays as advice | ? | ? |
| `thresholds.DRIVEN` | 0.7 | units | somebody | ? | ? |
| `rise.LASTS` | 0.5 | of autopsies | by hand | ? | ? |
"""


def test_a_page_is_filled_in_and_keeps_what_it_says_else() -> None:
    first, second = RECIPES[0].name, RECIPES[1].name
    rows = {
        "rate.WORSE": Row({Effect.LOST: [first], Effect.DETAIL: [second]}, {Effect.WARNED: [second]}),
        "rate.RUINED": Row({}, {Effect.DETAIL: [first]}),
        "thresholds.DRIVEN": Row({}, {Effect.GAINED: [first]}),
    }
    assert filled_in(PAGE, rows).splitlines()[4:] == [
        f"| `rate.WORSE` | 1.02 × entropy | a fresh network | {first}; {second} | loses 1, details of 1 "
        "| warns of healthy 1 |",
        "| `rate.RUINED` | 0.95 | a sentence | no recipe decides this; it stays as advice | nothing | details of 1 |",
        "| `thresholds.DRIVEN` | 0.7 | units | no recipe decides this; it stays as it is | nothing | gains 1 |",
        "| `rise.LASTS` | 0.5 | of autopsies | by hand | ? | ? |",
    ]


def test_a_cell_names_a_few_recipes_and_counts_the_rest() -> None:
    names = [recipe.name for recipe in RECIPES[:6]]
    speak, half, _ = Row({Effect.LOST: names}, {}).cells("")
    assert speak == f"{'; '.join(names[:4])} and 2 more"
    assert half == "loses 6"
