"""Clipping against torch's own, and its effect on an optimiser's steps against the optimiser itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.network.compute import choose
from engine.settings import Settings
from engine.text.corpus import Corpus, read_corpus
from engine.training.clipping import effect
from engine.training.trainer import Trainer
from tests.conftest import small

WAYS: dict[str, dict[str, Any]] = {
    "autograd": {"streams": 3},
    "compiled": {"streams": 1},
    "compiled, windows of one character": {"streams": 1, "bptt": "1"},
}
"""The settings with which an update is made in each way."""

SIZES = {"1e-12": (20, 1), "5e-10": (14, 1), "3e-7": (8, 1), "1e-3": (0, 1), "1": (-20, 1), "5e3": (-1e5, 1e4)}
"""For a gradient of about such a norm: the number to add to the logit of the only target, and the factor for the head's
weights."""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """A text whose training split is one character again and again."""
    return read_corpus(("a" * 2000 + "b").encode(), "a text", 1024)


def fresh(corpus: Corpus, size: str, settings: Settings) -> Trainer:
    trainer = Trainer(corpus, settings, choose(settings))
    assert trainer.compiled == (settings.streams == 1)
    certainty, scale = SIZES[size]
    with torch.no_grad():
        trainer.network.head.bias[int(corpus.training[:1][0])] += certainty
        trainer.network.head.weight.mul_(scale)
    return trainer


def followed(trainer: Trainer) -> Tensor:
    """The gradient that gradient descent has followed in its first update: its momentum begins with it."""
    return torch.cat([momentum.flatten() for momentum in trainer.subject().slots.values()]).double()


@pytest.mark.parametrize(
    ("by", "size", "bound"),
    [
        *(("norm", size, bound) for size in SIZES for bound in (1e-6, 2e-6, 1e-4, 1e-2, 1.0, 100.0)),
        *(("value", "1", bound) for bound in (1e-4, 1e-2, 100.0)),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_the_recorded_factor_is_the_one_that_torch_clips_with(
    corpus: Corpus, way: str, size: str, bound: float, by: str
) -> None:
    rule = {"optimizer": "sgd", "weight_decay": 0.0, "clip_by": by, **WAYS[way]}
    unclipped, clipped = (fresh(corpus, size, small(clip=clip, **rule)) for clip in (None, bound))
    unclipped.train()
    measured = clipped.train()
    before = followed(unclipped)
    reference = nn.Parameter(torch.zeros_like(before))
    reference.grad = before.clone()
    (nn.utils.clip_grad_norm_ if by == "norm" else nn.utils.clip_grad_value_)([reference], bound)
    factor = float(reference.grad.norm() / before.norm())
    assert measured.factors == pytest.approx([factor], rel=1e-6 if by == "norm" else 1e-4)
    assert measured.clipped == (not torch.equal(reference.grad, before))
    torch.testing.assert_close(followed(clipped), reference.grad, rtol=1e-6, atol=0)


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
        assert effect(norms, factor, optimizer) == pytest.approx(step / whole, rel=0.05)


def test_a_gradient_that_is_always_cut_to_the_same_size_changes_nothing_with_adam() -> None:
    norms, factors = np.full(3, 2.0), np.full(3, 1e-3)
    assert effect(norms, factors, "adamw") == pytest.approx(1)
    assert effect(norms, factors, "sgd") == pytest.approx(1e-3)


@pytest.mark.parametrize("norms", [[0.0, 0.0], [1e300, 1e300], [1e-300, 1e300]])
def test_sizes_beyond_measure_give_a_number(norms: list[float]) -> None:
    assert np.isfinite(effect(np.array(norms), np.array([1.0, 0.5]), "adamw"))
