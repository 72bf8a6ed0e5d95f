"""Plans that can be raced, and plans that are refused in one line."""

from __future__ import annotations

import json

import pytest

from engine.budget import Budget
from engine.errors import UserError
from engine.race.plan import MOST_VARIANTS, Origin, Plan, Variant, derived_seed, grid
from engine.settings import Settings
from engine.windows import LengthLaw
from tests.engine.race.conftest import plan


def test_a_grid_has_every_combination_and_begins_with_the_first_values() -> None:
    labels = [variant.label for variant in grid(["clip=1,off", "bptt=10, 40"])]
    assert labels == ["clip 1, bptt 10", "clip 1, bptt 40", "clip off, bptt 10", "clip off, bptt 40"]


def test_a_named_set_varies_everything_that_it_sets() -> None:
    online, standard = grid(["preset=online,standard"])
    assert online.changes == {"streams": 1, "bptt": LengthLaw.fixed(1), "targets": "all", "lr": 0.0003}
    assert (online.label, standard.label) == ("preset online", "preset standard")


@pytest.mark.parametrize(
    ("vary", "says"),
    [
        ([], "nothing to compare"),
        (["clip=1"], "nothing to compare"),
        (["clip="], "no value after the ="),
        (["clip=,"], "no value after the ="),
        (["clip"], "expected a setting and its values"),
        (["=1,2"], "expected a setting and its values"),
        (["banana=1,2"], "unknown setting 'banana'"),
        (["clip=1,banana"], "--vary clip 'banana': expected a number"),
        (["clip=1,-3"], "--vary clip '-3': expected a number"),
        (["lr=1,nan"], "--vary lr 'nan': expected a number"),
        (["clip=1,1.0"], "clip 1 and clip 1 are the same"),
        (["clip=1,off", "clip=2,off"], "--vary clip is given twice"),
        (["preset=standard,fast"], "--vary preset=fast: expected some of standard"),
        (["temperature=1,2"], "no update depends on it"),
        (["threads=1,2"], "every variant computes with one thread"),
        (["device=cpu,cuda"], "would not have equal conditions"),
        (["vocabulary=300,400"], "would read another text"),
        (
            [f"seed={','.join(map(str, range(MOST_VARIANTS + 1)))}"],
            f"{MOST_VARIANTS + 1} variants are too many: a race has at most {MOST_VARIANTS}",
        ),
        (["bptt=0,10"], "--vary bptt '0': expected a length"),
    ],
)
def test_an_impossible_or_empty_grid_is_refused(vary: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        Plan(settings=Settings(), variants=grid(vary))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seeds": 1}, "one seed cannot tell an effect from chance"),
        ({"seeds": 101}, "a whole number from 2 to 100"),
        ({"min_effect": 0.0}, "--min-effect"),
        ({"min_effect": float("nan")}, "--min-effect"),
        ({"budget": Budget()}, "name one of --chars, --updates, --seconds"),
        ({"budget": Budget(chars=10, updates=10)}, "name one of --chars, --updates, --seconds"),
        ({"budget": Budget(seconds=10), "anneal": True}, "--anneal needs --chars or --updates"),
        ({"origin": Origin("a-1", 5, 50), "anneal": True}, "--anneal is for fresh networks"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        plan(**changes)


def test_in_the_middle_of_a_training_only_knobs_vary() -> None:
    origin = Origin("a-1", 5, 50)
    assert plan("clip=1,off", origin=origin).varied() == ("clip",)
    with pytest.raises(UserError, match="--vary hidden: hidden cannot change while training"):
        plan("hidden=8,16", origin=origin)


def test_variants_of_a_seed_share_it_and_no_two_seeds_are_the_same() -> None:
    raced = plan("clip=1,off")
    assert raced.seeded(0, 0).seed == raced.seeded(1, 0).seed == raced.settings.seed
    assert raced.seeded(0, 2).seed == raced.seeded(1, 2).seed
    seeds = {derived_seed(seed, replicate) for seed in range(20) for replicate in range(1, 20)}
    assert len(seeds) == 20 * 19
    against_itself = plan("seed=0,1")
    assert against_itself.seeded(0, 1).seed != against_itself.seeded(1, 1).seed


@pytest.mark.parametrize("raced", [plan("clip=1,off", "bptt=5,geom:7"), plan("lr=1,2", origin=Origin("a-1", 5, 50))])
def test_a_plan_comes_back_from_json(raced: Plan) -> None:
    assert Plan.from_plain(json.loads(json.dumps(raced.plain()))) == raced


def test_a_plan_in_json_that_is_none_is_refused() -> None:
    found = plan().plain()
    for name in ("variants", "budget", "seeds"):
        with pytest.raises((UserError, TypeError, KeyError)):
            Plan.from_plain({key: value for key, value in found.items() if key != name})
    with pytest.raises((UserError, TypeError)):
        Plan.from_plain({**found, "variants": [1, 2]})


def test_a_variant_says_what_it_changes() -> None:
    raced = plan("clip=1,off")
    assert raced.variants == (Variant("clip 1", {"clip": 1.0}), Variant("clip off", {"clip": None}))
    assert raced.chosen(1).clip is None
