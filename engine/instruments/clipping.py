"""The effect of gradient clipping on a gradient's direction and norm."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.instruments.gradient import gradient_of, window
from engine.settings import Settings
from engine.training.clipping import norm_factor
from engine.training.subject import Subject


@dataclass(frozen=True, slots=True)
class Clipping:
    """The next window's gradient compared with the clipped one.

    Attributes:
        cosine: the cosine of the angle between the two; 1 where clipping is off or by norm, which keeps the direction.
        factor: the norm of the clipped gradient as a share of the norm before.
        cut: the share of the gradient's numbers that clipping changes; all or none where it clips by norm.
    """

    cosine: float
    factor: float
    cut: float


def clipping(subject: Subject) -> Clipping:
    """The effect of clipping at the next update, measured on a window of at most 64 characters × 2 streams."""
    _, gradient = gradient_of(subject.network, window(subject), subject.settings.targets)
    return clipped(torch.cat([part.flatten() for part in gradient]).double(), subject.settings)


def clipped(gradient: torch.Tensor, settings: Settings) -> Clipping:
    """The effect of the clipping in `settings` on a gradient, (numbers,)."""
    norm, bound = float(gradient.norm()), settings.clip
    if bound is None or not norm:
        return Clipping(1.0, 1.0, 0.0)
    if settings.clip_by == "norm":
        factor = norm_factor(norm, bound)
        return Clipping(1.0, factor, float(factor < 1))
    left = gradient.clamp(-bound, bound)
    size = float(left.norm())
    return Clipping(float(left @ gradient) / (size * norm), size / norm, float((left != gradient).double().mean()))
