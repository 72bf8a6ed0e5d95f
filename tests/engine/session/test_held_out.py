"""The validation loss of now: right on the average, and as precise as it says."""

from __future__ import annotations

from statistics import fmean, stdev

import numpy as np
import pytest

from engine.events import Probe, Validation
from engine.session.held_out import Reference, estimate, reference


def sample(update: int, *lanes: float, **values: float) -> Probe:
    return Probe(update, 10 * update, "control", 0.1, {"held_out_by_region": lanes, **values})


def test_without_a_reference_it_is_the_mean_of_the_lanes_with_its_standard_error() -> None:
    found = estimate(sample(7, 1.0, 2.0, 4.0), None)
    assert found is not None
    assert (found.update, found.chars) == (7, 70)
    assert found.loss == pytest.approx(7 / 3)
    assert found.error == pytest.approx(stdev((1.0, 2.0, 4.0)) / 3**0.5)


def test_with_a_reference_the_loss_of_the_whole_split_moves_by_what_the_lanes_have_changed() -> None:
    then = Reference(1.5, sample(3, 1.0, 2.0, 4.0))
    found = estimate(sample(7, 0.9, 1.8, 3.9), then)
    assert found is not None
    assert found.loss == pytest.approx(1.5 - 0.4 / 3)
    assert found.error == pytest.approx(stdev((0.1, 0.2, 0.1)) / 3**0.5)


@pytest.mark.parametrize("lanes", [(), (1.0,), (1.0, float("nan"), 2.0)])
def test_nothing_is_estimated_from_too_little(lanes: tuple[float, ...]) -> None:
    assert estimate(sample(7, *lanes), None) is None
    assert estimate(Probe(7, 70, "control", 0.1, {"held_out": 2.0}), None) is None


def test_other_lanes_than_those_of_the_reference_are_not_compared_with_them() -> None:
    found = estimate(sample(7, 1.0, 3.0), Reference(1.5, sample(3, 1.0, 2.0, 4.0)))
    assert found is not None
    assert found.loss == pytest.approx(2.0)


def test_the_reference_is_the_last_sample_at_the_update_of_a_whole_validation() -> None:
    samples = [sample(2, 1.0, 2.0), sample(5, 1.1, 2.0), sample(6, 1.2, 2.0), sample(9, 1.3, 2.0)]
    validations = [Validation(2, 20, 1.6), Validation(5, 50, 1.55), Validation(6, 60, 1.54, error=0.01)]
    assert reference(validations, samples) == Reference(1.55, samples[1])
    assert reference(validations[2:], samples) is None


def test_it_is_unbiased_and_its_error_is_that_of_its_scatter() -> None:
    """A split of a thousand places that are hard and easy, all of which become easier by about as much."""
    random = np.random.default_rng(3)
    before = random.normal(2.0, 0.5, 1_000)
    now = before - random.normal(0.3, 0.05, 1_000)
    misses, errors = [], []
    for _ in range(400):
        lanes = random.choice(1_000, 12, replace=False)
        found = estimate(sample(9, *now[lanes]), Reference(before.mean(), sample(3, *before[lanes])))
        assert found is not None
        assert found.error is not None
        misses.append(found.loss - now.mean())
        errors.append(found.error)
    assert abs(fmean(misses)) < 4 * stdev(misses) / 20
    assert fmean(errors) == pytest.approx(stdev(misses), rel=0.1)
    assert stdev(misses) < 0.02  # Of the mean of the lanes alone it would be 0.14.
