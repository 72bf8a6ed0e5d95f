"""The gradient's norm, and gradient clipping."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from engine.settings import Settings
from engine.training.annealing import Doubles


def measure(gradients: list[Tensor]) -> Tensor:
    """The L2 norm of each gradient and, last, of all together, (len(gradients) + 1,) on their device."""
    each = torch.stack(torch._foreach_norm(gradients))
    return torch.cat((each, torch.linalg.vector_norm(each).reshape(1)))


def clip(parameters: Sequence[nn.Parameter], norm: float, settings: Settings) -> tuple[bool, float]:
    """Clip the gradients in place, by norm (Pascanu et al. 2013) or number by number.

    Args:
        parameters: the parameters whose gradients are clipped.
        norm: the norm of the whole gradient, which the caller has already fetched from the device.
        settings: `clip` is the bound, None for no clipping; `clip_by` says whether it bounds the norm or each number.

    Returns:
        Whether the gradients became smaller, and the norm that is left, as a share of the norm before.
    """
    bound = settings.clip
    if bound is None:
        return False, 1.0
    if settings.clip_by == "norm":
        if (factor := norm_factor(norm, bound)) == 1:
            return False, 1.0
        nn.utils.clip_grads_with_norm_(parameters, bound, torch.tensor(norm))
        return True, factor
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if float(torch.stack(torch._foreach_norm(gradients, float("inf"))).max()) <= bound:
        return False, 1.0
    nn.utils.clip_grad_value_(parameters, bound)
    return True, min(1.0, float(measure(gradients)[-1]) / norm)


def norm_factor(norm: float, bound: float) -> float:
    """The factor by which clipping by norm multiplies a gradient: that of `torch.nn.utils.clip_grad_norm_`.

    The 1e-6 is torch's. It matters where bound or norm are as small: a norm a little below the bound is clipped, too.
    """
    return min(1.0, bound / (norm + 1e-6))


def effect(norms: Doubles, factors: Doubles, optimizer: str) -> float:
    """The effect of clipping on the steps of several updates, as a factor on the learning rate.

    Gradient descent steps along the mean gradient, which clipping makes smaller. Adam and RMSprop also divide by the
    root of the mean square, which clipping makes smaller as well: with norms nₜ and factors fₜ a step is
    mean(f n) / √mean((f n)²) times the rate. With these, cutting every gradient to the same norm changes nothing, and
    cutting only the largest ones makes the steps longer.

    Args:
        norms: (updates,) the norm of each update's gradient before clipping.
        factors: (updates,) the norm that clipping left of each, as a share of it.
        optimizer: the optimiser's name in the settings.
    """
    if not (highest := norms.max()):
        return 1.0
    before = norms / highest
    after = before * factors
    if not after.any():
        return 1.0
    smaller = float(after.mean() / before.mean())
    if optimizer == "sgd":
        return smaller
    return smaller * float(np.sqrt(np.square(before).mean() / np.square(after).mean()))
