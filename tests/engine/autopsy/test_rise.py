"""The place where a loss begins to climb."""

from __future__ import annotations

import math
from random import Random
from statistics import fmean

import pytest

from engine.autopsy.rise import MOST_READINGS, find_rise

CEILING = 4.2


def noisy(level: float, count: int, seed: int = 0, spread: float = 0.04) -> list[float]:
    random = Random(seed)
    return [level + random.gauss(0, spread) for _ in range(count)]


@pytest.mark.parametrize("before", [10, 60, 200])
@pytest.mark.parametrize("after", [4, 30])
def test_a_jump_is_found_where_it_is(before: int, after: int) -> None:
    found = find_rise(noisy(1.8, before) + noisy(3.0, after, 1), CEILING)
    assert found is not None
    assert found.begin == before
    assert found.before == pytest.approx(1.8, abs=0.1)
    assert found.after == pytest.approx(3.0, abs=0.15)
    assert found.begin <= found.shown


def test_a_slow_climb_begins_near_its_lowest_level() -> None:
    falling = [3.0 - 0.03 * place for place in range(40)]
    climbing = [1.8 + 0.02 * place for place in range(60)]
    found = find_rise(falling + climbing, CEILING)
    assert found is not None
    assert 30 <= found.begin <= 75
    assert found.shown > 70


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [8, 40, 300, 2_000])
def test_what_falls_or_rests_does_not_climb(seed: int, count: int) -> None:
    falling = [2 * math.exp(-place / 50) for place in range(count)]
    noise = noisy(1.5, count, seed, 0.06)
    assert find_rise([one + other for one, other in zip(falling, noise, strict=True)], CEILING) is None


def test_a_climb_that_lasts_comes_before_a_larger_one_that_is_over() -> None:
    found = find_rise(noisy(2, 30) + noisy(3.4, 10) + noisy(1.8, 60) + noisy(2.4, 20), CEILING)
    assert found is not None
    assert found.begin == 100


def test_a_climb_that_is_over_is_found_where_it_is_large() -> None:
    assert find_rise(noisy(2, 40) + noisy(3.0, 10) + noisy(1.8, 60), CEILING) is not None
    assert find_rise(noisy(2, 40) + noisy(2.2, 10) + noisy(1.8, 60), CEILING) is None


def test_infinity_counts_as_guessing() -> None:
    found = find_rise([*noisy(1.8, 12), 90.0, 1e30, math.inf, math.nan], CEILING)
    assert found is not None
    assert found.begin == 12
    assert found.after == pytest.approx(CEILING)


def test_a_known_level_stands_before_the_first_reading() -> None:
    bad = noisy(3.2, 20)
    assert find_rise(bad, CEILING) is None
    found = find_rise(bad, CEILING, floor=1.7)
    assert found is not None
    assert found.begin == 0
    assert found.before == pytest.approx(1.7)


def test_a_harder_beginning_than_the_letters_say_is_no_climb() -> None:
    hard = noisy(3.9, 6) + [3.4 - 0.02 * place for place in range(60)]
    assert find_rise(hard, CEILING, floor=3.4, fresh=True) is None
    assert find_rise(hard, CEILING, floor=3.4) is not None


def test_of_two_climbs_the_nearer_one_can_be_asked_for() -> None:
    twice = noisy(2, 40) + noisy(2.5, 6) + noisy(2, 40) + noisy(3.4, 40)
    found = find_rise(twice, CEILING, near=38)
    assert found is not None
    assert found.begin == 86
    again = find_rise(twice[:80], CEILING, near=38)
    assert again is not None
    assert again.begin == 40


def test_a_long_series_is_looked_at_coarsely_and_placed_finely() -> None:
    count = 6 * MOST_READINGS
    found = find_rise(noisy(1.8, count) + noisy(3.0, count), CEILING)
    assert found is not None
    assert found.begin == pytest.approx(count, abs=16)


def read_again_and_again(updates: int, seed: int, climb_at: int | None = None) -> list[float]:
    """The loss of each update on a short text, two windows of which are hard each time that it is read."""
    random = Random(seed)
    losses = []
    for update in range(updates):
        hard = 0.7 if update % 12 in (10, 11) else 0.0
        risen = 1.2 if climb_at is not None and update >= climb_at else 0.0
        losses.append(1 + 2 * math.exp(-update / 50) + hard + risen + random.gauss(0, 0.06))
    return losses


def grouped(losses: list[float], updates: int) -> list[float]:
    """The readings of a machine that makes so many updates between two of them."""
    return [fmean(losses[place : place + updates]) for place in range(0, len(losses), updates)]


@pytest.mark.parametrize("updates", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(4))
def test_a_hard_passage_is_no_climb_however_few_updates_a_reading_holds(updates: int, seed: int) -> None:
    assert find_rise(grouped(read_again_and_again(400, seed), updates), CEILING, floor=3.2, fresh=True) is None


@pytest.mark.parametrize("updates", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(4))
def test_a_climb_is_found_at_the_same_update_however_few_a_reading_holds(updates: int, seed: int) -> None:
    found = find_rise(grouped(read_again_and_again(400, seed, 300), updates), CEILING, floor=3.2, fresh=True)
    assert found is not None
    assert found.begin * updates == pytest.approx(300, abs=2 * updates + 2)
