"""The standing of a race: at equal numbers, over the seeds in their order, with all unintended differences."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from engine.budget import Budget
from engine.race.plan import Origin, Plan
from engine.race.result import Lane, Rung, Verdict, level
from engine.race.statistics.conditions import conditions, confounds
from engine.race.statistics.sentence import primary, sentence
from engine.race.statistics.standing import difference, fewest_seeds, loss_at, standing
from tests.conftest import small
from tests.engine.race.conftest import plan


def lane(variant: int, replicate: int, loss: float, *, per: int = 1, broken: str = "", share: float = 1.0) -> Lane:
    """A lane that read 1,000 characters with an update every `per` of them; its loss falls by half a nat to the end."""
    rungs = tuple(Rung(chars // per, chars, chars / 100, loss + gap) for chars, gap in ((100, 0.5), (1_000, 0.0)))
    return Lane(variant, replicate, f"run-{variant}-{replicate}", share, () if broken else rungs, broken, rate=1e-3)


def lanes(*losses: tuple[float, float]) -> list[Lane]:
    return [lane(variant, seed, each[variant]) for seed, each in enumerate(losses) for variant in (0, 1)]


@pytest.fixture
def raced() -> Plan:
    return plan("clip=1,off", seeds=6)


def words(raced: Plan, found: list[Lane]) -> dict[str, str]:
    return {each.measure: each.verdict for each in standing(raced, found).results}


def test_the_verdict_is_on_the_other_variant_a_lower_loss_is_better(raced: Plan) -> None:
    worse = lanes((1.5, 2.0), (1.5, 2.01), (1.5, 1.99), (1.51, 2.0))
    assert words(raced, worse) == {"chars": Verdict.WORSE, "updates": Verdict.WORSE, "seconds": Verdict.WORSE}
    better = lanes((2.0, 1.5), (2.01, 1.5), (1.99, 1.5), (2.0, 1.51))
    assert words(raced, better)["chars"] == Verdict.BETTER
    same = lanes((2.0, 2.001), (2.0, 2.0), (2.0, 2.0005), (2.0, 1.9995))
    assert words(raced, same)["chars"] == Verdict.SAME


def test_it_goes_on_until_it_is_settled_and_ends_at_the_limit(raced: Plan) -> None:
    found = lanes((1.5, 1.9), (1.5, 1.2), (1.5, 1.8))
    assert standing(raced, found).open == {0, 1}
    assert words(raced, found)["chars"] == Verdict.UNDECIDED
    found += [lane(variant, seed, 1.5 + variant * (-1) ** seed / 5) for seed in (3, 4, 5) for variant in (0, 1)]
    assert standing(raced, found).open == frozenset()
    assert standing(raced, found).results[0].pairs == 6


def test_a_later_seed_waits_for_an_earlier_one(raced: Plan) -> None:
    found = lanes((1.5, 2.0), (1.5, 2.01), (1.5, 1.99))
    without_second = [each for each in found if (each.variant, each.replicate) != (0, 1)]
    assert standing(raced, without_second).results[0].pairs == 1


def test_what_was_trained_behind_the_verdict_does_not_change_it(raced: Plan) -> None:
    settled = lanes((1.5, 2.0), (1.5, 2.01), (1.5, 1.99))
    more = [*settled, lane(0, 3, 1.5), lane(1, 3, 0.1)]
    assert standing(raced, settled).results == standing(raced, more).results
    assert standing(raced, more).open == frozenset()


def test_a_variant_that_is_settled_gets_no_more_seeds_while_another_one_does() -> None:
    raced = plan("lr=1,2,3", seeds=6)
    found = [lane(0, seed, 1.5) for seed in range(4)]
    found += [lane(1, seed, 2.5 + 0.01 * (-1) ** seed) for seed in range(4)]
    found += [lane(2, seed, 1.5 + 0.3 * (-1) ** seed) for seed in range(4)]
    assert standing(raced, found).open == {0, 2}


def test_several_variants_share_the_probability_of_an_error() -> None:
    found = lanes((1.5, 1.9), (1.5, 1.7), (1.5, 1.85))
    alone = standing(plan("lr=1,2", seeds=6), found).results[0]
    of_three = standing(plan("lr=1,2,3", seeds=6), found).results[0]
    assert of_three.high - of_three.low > alone.high - alone.low


def test_divergence_counts_as_the_worst_result(raced: Plan) -> None:
    found = [lane(0, seed, 1.5) for seed in range(6)]
    found += [lane(1, seed, 0, broken="the loss is nan", share=0.1) for seed in range(6)]
    few = standing(raced, found)
    assert (few.results[0].estimate, few.results[0].verdict, few.results[0].diverged) == (
        math.inf,
        Verdict.UNDECIDED,
        (6, 0),
    )
    enough = standing(
        replace(raced, seeds=8), [*found, lane(0, 6, 1.5), lane(1, 6, 0, broken="the loss is nan", share=0.1)]
    )
    assert (enough.results[0].verdict, enough.results[0].pairs) == (Verdict.WORSE, 7)
    assert enough.open == frozenset()


def test_both_that_diverged_are_equally_bad() -> None:
    broken = lane(0, 0, 0, broken="nan")
    assert difference(broken, broken, "chars") == 0.0
    assert difference(broken, lane(0, 0, 1.5), "chars") == math.inf
    assert difference(lane(0, 0, 1.5), broken, "chars") == -math.inf


def test_at_an_equal_number_of_updates_the_one_that_made_more_is_taken_earlier() -> None:
    few, many = lane(0, 0, 1.5, per=10), lane(1, 0, 1.5, per=1)
    # `few` ended after 100 updates, where `many` had read 100 characters and was half a nat higher.
    assert difference(many, few, "updates") == pytest.approx(0.5)
    assert difference(many, few, "chars") == 0.0


def test_between_two_rungs_the_loss_is_on_the_line_over_the_logarithm() -> None:
    rungs = lane(0, 0, 1.0).rungs
    assert loss_at(rungs, "chars", 100) == pytest.approx(1.5)
    assert loss_at(rungs, "chars", math.sqrt(100 * 1_000)) == pytest.approx(1.25)
    assert loss_at(rungs, "chars", 99) is None


def test_where_the_quicker_one_was_not_measured_nothing_is_compared(raced: Plan) -> None:
    found = [lane(0, seed, 1.5, per=50) for seed in range(3)] + [lane(1, seed, 1.7, per=1) for seed in range(3)]
    assert set(words(raced, found)) == {"chars", "seconds"}


def test_the_verdict_goes_by_what_the_budget_is_counted_in() -> None:
    raced = plan("clip=1,off", budget=Budget(updates=100))
    assert [each.measure for each in standing(raced, lanes((1.5, 2.0))).results] == ["updates", "chars", "seconds"]


def test_what_else_differs_is_said() -> None:
    raced = plan("bptt=10,40")
    found = [lane(0, 0, 1.5, per=30), lane(1, 0, 1.6, per=120)]
    assert conditions(raced, found)[1].updates == pytest.approx(1 / 120, rel=0.05)
    said = list(confounds(raced, found))
    assert any(each.startswith("bptt 40 makes 0.2") and "as many updates per character" in each for each in said)
    assert any("times the learning rate per character" in each for each in said)


def test_what_was_meant_to_differ_is_no_confound() -> None:
    raced = plan("lr=1e-3,1e-2")
    found = [replace(lane(variant, 0, 1.5), rate=10.0**-variant) for variant in (0, 1)]
    assert list(confounds(raced, found)) == []


def test_a_variant_is_told_by_as_many_seeds_as_the_first() -> None:
    found = [lane(0, 0, 1.5), lane(0, 1, 1.6), lane(0, 2, 2.5), lane(1, 0, 1.4), lane(1, 1, 1.5)]
    results = primary(standing(plan("lr=1,2"), found).results)
    assert level(found, results, 0) == pytest.approx((1.5 + 1.6 + 2.5) / 3)
    assert level(found, results, 1) == pytest.approx((1.5 + 1.6 + 2.5) / 3 - 0.1)
    assert level(found[:3], (), 1) == math.inf
    assert level(found[3:], (), 1) == pytest.approx(1.45)
    assert level([*found, lane(1, 2, 0, broken="nan")], results, 1) == math.inf


def test_how_few_seeds_can_bound_a_difference() -> None:
    for vary in ("lr=1,2", "lr=1,2,3,4,5"):
        raced = plan(vary, seeds=20)
        fewest = fewest_seeds(raced)
        bounded = [
            math.isfinite(standing(raced, lanes(*((1.5, 1.9 + 0.01 * seed) for seed in range(count)))).results[0].high)
            for count in (fewest - 1, fewest)
        ]
        assert bounded == [False, True]


def test_a_small_difference_that_is_sure_is_said_to_be_small() -> None:
    raced = plan("lr=1,2", seeds=6)
    pairs = [(1.5, 1.5 + difference) for difference in (0.021, 0.029, 0.024, 0.026, 0.022, 0.028)]
    found = standing(raced, lanes(*pairs)).results[0]
    assert (found.verdict, found.low < raced.min_effect) == (Verdict.WORSE, True)
    assert re.search(
        r"by 0\.02\d* nats per character, perhaps by less than the 0\.02 that matter \(", sentence(raced, found)
    )
    large = standing(raced, lanes((1.5, 2.0), (1.5, 2.01), (1.5, 1.99))).results[0]
    assert "perhaps" not in sentence(raced, large)


def test_a_race_that_ends_within_the_warm_up_says_so() -> None:
    found = [lane(0, 0, 1.5, per=10), lane(1, 0, 1.5, per=10)]
    short = plan("lr=1,2", settings=small(warmup=200))
    said = list(confounds(short, found))
    assert [each.partition(":")[0] for each in said] == [
        f"lr {rate} ended at update 100, within the warm-up of 200" for rate in (1, 2)
    ]
    assert list(confounds(replace(short, origin=Origin("run", 150, 9_000)), found)) == []


def test_a_speed_that_no_value_has_a_part_in_is_the_machines() -> None:
    slow = replace(
        lane(1, 0, 1.5), rungs=tuple(replace(each, seconds=3 * each.seconds) for each in lane(1, 0, 1).rungs)
    )
    (said,) = confounds(plan("lr=1,2"), [lane(0, 0, 1.5), slow])
    assert said.endswith(
        "characters per second, though no value takes more time than another: the machine is the reason"
    )
    (said,) = confounds(plan("hidden=8,16"), [lane(0, 0, 1.5), slow])
    assert said.endswith("times as many characters per second")
