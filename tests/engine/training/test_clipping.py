"""What clipping does to an optimiser's steps, against the optimiser itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.training.clipping import effect

BOUNDS = (math.inf, 0.01, 1.0, 3.0)
"""Of the clipping; the first one cuts nothing."""


def mean_steps(gradients: NDArray[np.float64], optimizer: str) -> NDArray[np.float64]:
    """The mean step of torch's optimiser along each coordinate, after a run-in, (coordinates,).

    Args:
        gradients: of each update, (updates, coordinates).
        optimizer: its name.
    """
    weight = torch.nn.Parameter(torch.zeros(gradients.shape[1], dtype=torch.float64))
    optimiser: torch.optim.Optimizer = torch.optim.SGD([weight], 1e-3)
    if optimizer == "adam":
        optimiser = torch.optim.Adam([weight], 1e-3, (0.999, 0.9999), 1e-12)
    run_in = len(gradients) // 2
    for update, gradient in enumerate(torch.from_numpy(gradients)):
        if update == run_in:
            begin = weight.detach().clone()
        weight.grad = gradient
        optimiser.step()
    return (begin - weight.detach()).numpy() / (len(gradients) - run_in)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_effect_is_that_of_another_rate(optimizer: str) -> None:
    norms = np.random.default_rng(1).lognormal(0, 1, 30_000)
    factors = np.minimum(1, np.divide.outer(BOUNDS, norms))
    whole, *clipped = mean_steps((norms * factors).T.copy(), optimizer)
    for factor, step in zip(factors[1:], clipped, strict=True):
        assert effect(norms.tolist(), factor.tolist(), optimizer) == pytest.approx(step / whole, rel=0.05)


def test_a_gradient_that_is_always_cut_to_the_same_size_changes_nothing_with_adam() -> None:
    assert effect([2.0, 2.0, 2.0], [1e-3, 1e-3, 1e-3], "adamw") == pytest.approx(1)
    assert effect([2.0, 2.0, 2.0], [1e-3, 1e-3, 1e-3], "sgd") == pytest.approx(1e-3)


@pytest.mark.parametrize("norms", [[0.0, 0.0], [1e300, 1e300], [1e-300, 1e300]])
def test_sizes_beyond_measure_give_a_number(norms: list[float]) -> None:
    assert np.isfinite(effect(norms, [1.0, 0.5], "adamw"))
