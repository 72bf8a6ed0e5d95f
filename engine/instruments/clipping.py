"""What clipping does to the direction of a gradient."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.instruments.gradient import gradient_of, window
from engine.settings import Settings
from engine.training.clipping import norm_factor
from engine.training.subject import Subject


@dataclass(frozen=True, slots=True)
class Clipping:
    """The next window's gradient beside what clipping leaves of it.

    Attributes:
        cosine: of the angle between the two; 1 where clipping is off, or by norm, which keeps the direction.
        factor: the norm of what is left, relative to the whole.
        cut: the share of the gradient's numbers that are cut; by norm all or none.
    """

    cosine: float
    factor: float
    cut: float


def clipping(subject: Subject) -> Clipping:
    """What clipping would do at the next update, by a window of at most 64 characters × 2 streams."""
    _, gradient = gradient_of(subject.network, window(subject), subject.settings.targets)
    return clipped(torch.cat([part.flatten() for part in gradient]).double(), subject.settings)


def clipped(gradient: torch.Tensor, settings: Settings) -> Clipping:
    """What clipping as in `settings` does to a gradient, (numbers,)."""
    norm, bound = float(gradient.norm()), settings.clip
    if bound is None or not norm:
        return Clipping(1.0, 1.0, 0.0)
    if settings.clip_by == "norm":
        factor = norm_factor(norm, bound)
        return Clipping(1.0, factor, float(factor < 1))
    left = gradient.clamp(-bound, bound)
    size = float(left.norm())
    return Clipping(float(left @ gradient) / (size * norm), size / norm, float((left != gradient).double().mean()))
