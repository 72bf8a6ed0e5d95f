"""The effect of clipping on a gradient, against torch's own clipping of the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.instruments.clipping import clipped
from engine.settings import Settings

CLIP: dict[str, Callable[[list[nn.Parameter], float], Any]] = {
    "norm": nn.utils.clip_grad_norm_,
    "value": nn.utils.clip_grad_value_,
}


@pytest.mark.parametrize("bound", [1e-6, 1e-3, 1.0, 100.0])
@pytest.mark.parametrize("size", [1e-9, 5e-7, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("by", CLIP)
def test_clipping_agrees_with_torch(by: str, size: float, bound: float) -> None:
    random = torch.Generator().manual_seed(0)
    gradient = size * torch.randn(50, dtype=torch.float64, generator=random)
    left = after(gradient, by, bound)
    found = clipped(gradient, Settings(clip=bound, clip_by=by))
    assert found.factor == pytest.approx(float(left.norm() / gradient.norm()), rel=1e-12)
    assert found.cut == float((left != gradient).double().mean())
    assert found.cosine == pytest.approx(float(torch.cosine_similarity(left, gradient, dim=0, eps=0)), rel=1e-12)


def after(gradient: Tensor, by: str, bound: float) -> Tensor:
    parameter = nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient.clone()
    CLIP[by]([parameter], bound)
    return parameter.grad
