"""Rises of a loss, planted with noise: found where they are, and not where there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.diagnosis.climb import rise


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
