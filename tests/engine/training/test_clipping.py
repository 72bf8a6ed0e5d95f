"""The effect of clipping on an optimiser's steps, compared with the optimiser itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.training.clipping import effect


def step_of(norms: NDArray[np.float64], optimizer: str) -> float:
    """The mean step of torch's optimiser along one coordinate whose gradients are `norms`, after a run-in."""
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimiser: torch.optim.Optimizer = torch.optim.SGD([weight], 1e-3)
    if optimizer == "adam":
        optimiser = torch.optim.Adam([weight], 1e-3, (0.999, 0.9999), 1e-12)
    places = []
    for norm in norms:
        weight.grad = torch.tensor([norm], dtype=torch.float64)
        optimiser.step()
        places.append(float(weight.detach()))
    return places[len(places) // 2] - places[-1]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("bound", [0.01, 1.0, 3.0])
def test_the_effect_is_that_of_another_rate(optimizer: str, bound: float) -> None:
    norms = np.random.default_rng(1).lognormal(0, 1, 30_000)
    factors = np.minimum(1, bound / norms)
    ratio = step_of(norms * factors, optimizer) / step_of(norms, optimizer)
    assert effect(norms.tolist(), factors.tolist(), optimizer) == pytest.approx(ratio, rel=0.05)


def test_a_gradient_that_is_always_cut_to_the_same_size_changes_nothing_with_adam() -> None:
    assert effect([2.0, 2.0, 2.0], [1e-3, 1e-3, 1e-3], "adamw") == pytest.approx(1)
    assert effect([2.0, 2.0, 2.0], [1e-3, 1e-3, 1e-3], "sgd") == pytest.approx(1e-3)


@pytest.mark.parametrize("norms", [[0.0, 0.0], [1e300, 1e300], [1e-300, 1e300]])
def test_sizes_beyond_measure_give_a_number(norms: list[float]) -> None:
    assert np.isfinite(effect(norms, [1.0, 0.5], "adamw"))
