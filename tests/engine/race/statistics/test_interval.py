"""Intervals that are looked at after every seed: correct, and wrong as seldom as they promise."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from engine.race.plan import MIN_EFFECT, SEEDS
from engine.race.result import Verdict
from engine.race.statistics import interval as module
from engine.race.statistics.interval import EFFECT_SCALE, by_mean, by_median, critical_t, interval, log_bayes_factor
from engine.race.statistics.verdict import settled, verdict


@pytest.mark.parametrize(("t", "pairs"), [(0.0, 3), (1.5, 4), (6.0, 5), (40.0, 3), (3.0, 30)])
def test_the_evidence_is_that_of_the_integral_over_the_prior(t: float, pairs: int) -> None:
    def density(effect: float) -> float:
        likelihood = stats.nct.pdf(t, pairs - 1, effect * math.sqrt(pairs))
        return float(likelihood * stats.norm.pdf(effect, 0, EFFECT_SCALE))

    alternative, _ = integrate.quad(density, -40, 40, limit=400, points=[0, t / math.sqrt(pairs)])
    expected = alternative / stats.t.pdf(t, pairs - 1)
    assert math.exp(log_bayes_factor(t, pairs)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("pairs", [4, 5, 8, 12, 50])
def test_the_bound_is_where_the_evidence_is_one_in_alpha_and_wider_than_for_one_look(pairs: int) -> None:
    for alpha in (0.05, 0.01):
        critical = critical_t(pairs, alpha)
        assert log_bayes_factor(critical, pairs) == pytest.approx(-math.log(alpha))
        assert critical > stats.t.ppf(1 - alpha / 2, pairs - 1)


def test_two_seeds_bound_nothing_and_more_of_them_bound_ever_closer() -> None:
    assert by_mean([0.5, 0.6], 0.05).high == math.inf
    # From three on, the bound shrinks with the scatter.
    widths = [by_mean([0.1, 0.2] * (pairs // 2), 0.05).high for pairs in range(4, 40, 4)]
    assert all(after < before for before, after in pairwise(widths))


def test_no_seed_and_one_seed_bound_nothing() -> None:
    assert (interval([]).low, interval([]).high) == (-math.inf, math.inf)
    one = interval([0.3])
    assert (one.estimate, one.low, one.high, one.pairs) == (0.3, -math.inf, math.inf, 1)


def test_trainings_that_are_the_same_bit_for_bit_do_not_differ() -> None:
    assert (by_mean([0.0] * 3, 0.05).low, by_mean([0.0] * 3, 0.05).high) == (0.0, 0.0)
    assert verdict(interval([0.0, 0.0]), MIN_EFFECT) == Verdict.SAME
    # The same difference at every seed is none of chance's, and nothing is known of its scatter.
    assert by_mean([0.1] * 3, 0.05).high == math.inf


@pytest.mark.parametrize("worst", [math.inf, -math.inf])
def test_divergence_is_the_worst_result_and_not_a_missing_one(worst: float) -> None:
    few, enough = interval([worst] * 6), interval([worst] * 7)
    assert (few.low, few.high, few.estimate) == (-math.inf, math.inf, worst)
    assert verdict(few, MIN_EFFECT) == Verdict.UNDECIDED
    assert verdict(enough, MIN_EFFECT) == (Verdict.WORSE if worst > 0 else Verdict.BETTER)
    assert settled(enough, MIN_EFFECT)


def test_what_both_did_or_each_as_often_says_nothing() -> None:
    assert interval([math.inf, -math.inf] * 5).estimate == 0.0
    assert verdict(interval([math.inf, -math.inf] * 5), MIN_EFFECT) == Verdict.UNDECIDED


def test_the_median_lies_in_its_interval_and_one_divergence_in_many_is_no_verdict() -> None:
    found = by_median([*(-0.3 - 0.01 * step for step in range(12)), math.inf], 0.05)
    assert found.low <= found.estimate <= found.high < 0
    assert found.pairs == 13


@pytest.mark.parametrize(
    ("differences", "word"),
    [
        ([-0.5, -0.52, -0.49, -0.51], Verdict.BETTER),
        ([0.5, 0.52, 0.49, 0.51], Verdict.WORSE),
        ([0.001, -0.001, 0.0005, -0.0002, 0.0], Verdict.SAME),
        ([0.5, -0.4, 0.1], Verdict.UNDECIDED),
    ],
)
def test_the_words(differences: list[float], word: str) -> None:
    assert verdict(interval(differences), MIN_EFFECT) == word


def test_a_difference_that_is_sure_and_small_wants_more_seeds() -> None:
    found = interval([-0.015, -0.0155, -0.0145, -0.015, -0.0151])
    assert verdict(found, 0.01) == Verdict.BETTER
    assert settled(found, 0.01)
    edge = interval([-0.015, -0.019, -0.012, -0.02, -0.01, -0.0155])
    assert (verdict(edge, 0.02), settled(edge, 0.02)) == (Verdict.BETTER, False)


MANY = pytest.mark.parametrize("races", [500, pytest.param(10_000, marks=pytest.mark.soak)])


@MANY
@pytest.mark.parametrize("scatter", [0.005, 0.02, 0.1, 1.0])
def test_races_of_equals_seldom_end_with_a_winner(scatter: float, races: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "critical_t", cache(critical_t))
    drawn = np.random.default_rng(11).normal(0, scatter, (races, SEEDS)).tolist()
    wrong = sum(_raced(differences) in (Verdict.BETTER, Verdict.WORSE) for differences in drawn)
    assert wrong <= 0.05 * races


@MANY
def test_races_of_equals_that_sometimes_diverge_seldom_end_with_a_winner(races: int) -> None:
    random = np.random.default_rng(12)
    wrong = 0
    for _ in range(races):
        losses = np.where(random.random((2, SEEDS)) < 0.3, np.inf, 1.5 + random.normal(0, 0.01, (2, SEEDS)))
        pairs = zip(*losses.tolist(), strict=True)
        wrong += _raced([0.0 if one == other else one - other for one, other in pairs]) in (
            Verdict.BETTER,
            Verdict.WORSE,
        )
    assert wrong <= 0.05 * races


@MANY
def test_the_interval_holds_the_true_difference_at_every_look(races: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "critical_t", cache(critical_t))
    drawn = np.random.default_rng(13).normal(0.3, 0.1, (races, SEEDS)).tolist()
    missed = 0
    for differences in drawn:
        looks = (interval(differences[:pairs]) for pairs in range(2, SEEDS + 1))
        missed += any(not look.low <= 0.3 <= look.high for look in looks)
    assert missed <= 0.05 * len(drawn)


def _raced(differences: list[float]) -> str:
    """The verdict of a race that ends at the first seed that settles it, as races do."""
    for pairs in range(2, len(differences) + 1):
        found = interval(differences[:pairs])
        if settled(found, MIN_EFFECT):
            break
    return verdict(found, MIN_EFFECT)
