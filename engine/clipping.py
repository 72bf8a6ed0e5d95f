"""The gradient: how large it is, and how much of it an update may use."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.settings import Settings


def measure(gradients: list[Tensor]) -> Tensor:
    """The L2 norm of each gradient and, last, of all together: (len(gradients) + 1,) on their device."""
    each = torch.stack(torch._foreach_norm(gradients))
    return torch.cat((each, torch.linalg.vector_norm(each).reshape(1)))


def clip(parameters: Sequence[nn.Parameter], norm: float, settings: Settings) -> bool:
    """Make the gradients small enough, in place, by norm (Pascanu et al. 2013) or number by number.

    Args:
        parameters: whose gradients are clipped.
        norm: the norm of the whole gradient, which the caller has fetched from the device already.
        settings: `clip` is the bound, None for none; `clip_by` says of what.

    Returns:
        Whether anything was larger than the bound.
    """
    bound = settings.clip
    if bound is None:
        return False
    if settings.clip_by == "norm":
        if norm <= bound:
            return False
        nn.utils.clip_grads_with_norm_(parameters, bound, torch.tensor(norm))
        return True
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if float(torch.stack(torch._foreach_norm(gradients, float("inf"))).max()) <= bound:
        return False
    nn.utils.clip_grad_value_(parameters, bound)
    return True
