"""Planted rises of a noisy loss: each is found in its place, and none is found where none was planted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.diagnosis.climb import Climb, Series, change_point, find_climb, rise
from engine.diagnosis.record import Record
from engine.events import Point, Probe
from engine.settings import Settings


def course(count: int, onset: int, height: float, noise: float, seed: int) -> list[tuple[int, float]]:
    """A loss that falls, and from `onset` on has risen by `height` within a tenth of its length."""
    random = np.random.default_rng(seed)
    losses = 1.5 + 2 * np.exp(-np.arange(count) / (count / 8))
    losses += height * np.clip((np.arange(count) - onset) / (count / 10), 0, 1)
    return [(10 * place, float(loss)) for place, loss in enumerate(losses + noise * random.standard_normal(count))]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("height", "noise"), [(0.3, 0.02), (1.0, 0.1), (20.0, 0.3)])
def test_the_onset_and_the_size_are_found(height: float, noise: float, seed: int) -> None:
    found = rise(course(120, 70, height, noise, seed))
    assert found is not None
    since, risen = found
    assert abs(since - 10 * 76) <= 10 * 12
    assert risen == pytest.approx(height, rel=0.35)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.3])
def test_noise_and_a_falling_loss_are_no_climb(noise: float, seed: int) -> None:
    assert rise(course(120, 120, 0.0, noise, seed)) is None


def test_few_readings_tell_nothing() -> None:
    assert rise([(1, 1.0), (2, 5.0), (3, 9.0)]) is None


def test_a_rise_that_was_made_good_is_none() -> None:
    series = [(place, 2.0 + math.exp(-((place - 40) ** 2) / 50)) for place in range(100)]
    assert rise(series) is None


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([1.0, 1.0, 1.0, 5.0, 5.0], 3),
        ([1.0, 5.0], 1),
        ([1.0, 2.0, 1.0, 2.0, 9.0, 8.0, 9.0], 4),
        ([1.0, 1.0, 5.0, 1.0, 1.0, 5.0, 5.0, 5.0], 5),
        ([5.0, 5.0, 1.0, 1.0], 0),
        ([2.0, 2.0, 2.0], 0),
        ([2.0], 0),
        ([], 0),
    ],
)
def test_the_change_point_is_where_the_mean_rises_most(values: list[float], place: int) -> None:
    assert change_point(values) == place


def record(reading: Series, held_out: Series) -> Record:
    """A record with the loss `reading` at the updates, and `held_out` on the validation split."""
    found = Record(Settings())
    for update, loss in reading:
        found.add(Point(update, 0, 0.0, loss, 0.5, 0.6, 0.0, (), 4e-3, 5))
    for update, loss in held_out:
        found.add(Probe(update, 0, "control", 0.0, {"held_out": loss}))
    return found


def level(onset: int, height: float) -> Series:
    return [(10 * place, 2.0 + height * (place >= onset)) for place in range(60)]


@pytest.mark.parametrize(
    ("reading", "seen", "held_out", "climb"),
    [
        ((60, 0.0), (60, 0.0), (60, 0.0), None),
        ((40, 1.0), (60, 0.0), (60, 0.0), Climb(400, 1.0, 0.0, 0.0)),
        ((60, 0.0), (30, 2.0), (60, 0.0), Climb(300, 0.0, 2.0, 0.0)),
        ((60, 0.0), (60, 0.0), (20, 3.0), Climb(200, 0.0, 0.0, 3.0)),
        ((40, 1.0), (30, 2.0), (20, 3.0), Climb(200, 1.0, 2.0, 3.0)),
        ((20, 1.0), (30, -1.0), (40, 3.0), Climb(200, 1.0, 0.0, 3.0)),
    ],
)
def test_a_climb_begins_with_the_first_loss_that_rises(
    reading: tuple[int, float], seen: tuple[int, float], held_out: tuple[int, float], climb: Climb | None
) -> None:
    found = find_climb(record(level(*reading), level(*held_out)), level(*seen))
    assert found == climb


def test_an_empty_record_has_no_climb() -> None:
    assert find_climb(record([], []), []) is None
