"""What an optimiser does with a gradient, over all parameters at once.

The arithmetic is torch's, for one flat array of parameters instead of a list of tensors. Shapes: all (parameters,).
`bound` clips number by number where it is not infinite; `scale` is what clipping by norm multiplies with, or 1.
"""

from __future__ import annotations

import math

from engine.one_stream.compiled import compiled
from engine.one_stream.products import F, Floats


@compiled
def adam(
    weights: Floats,
    gradient: Floats,
    mean: Floats,
    square: Floats,
    step: int,
    rate: float,
    betas: tuple[float, float],
    epsilon: float,
    shrink: float,
    decay: float,
) -> None:
    """Adam (Kingma & Ba 2015, algorithm 1) at its `step`-th step, from 1 on.

    Args:
        shrink: what AdamW (Loshchilov & Hutter 2019) multiplies the weights with; 1 for Adam.
        decay: what Adam adds to the gradient for each unit of weight; 0 for AdamW.
    """
    beta1, beta2 = betas
    stride = F(rate / (1 - math.pow(beta1, step)))
    unbias = F(1 / math.sqrt(1 - math.pow(beta2, step)))
    keep, fresh, fresh_square = F(shrink), F(1 - beta1), F(1 - beta2)
    small, pull = F(epsilon), F(decay)
    for place in range(weights.size):
        weight = weights[place] * keep
        value = gradient[place] + pull * weight
        mean[place] += fresh * (value - mean[place])
        square[place] += fresh_square * (value * value - square[place])
        weights[place] = weight - stride * mean[place] / (math.sqrt(square[place]) * unbias + small)


@compiled
def rmsprop(
    weights: Floats, gradient: Floats, square: Floats, rate: float, alpha: float, epsilon: float, decay: float
) -> None:
    """RMSprop (Tieleman & Hinton 2012)."""
    stride, fresh, small, pull = F(rate), F(1 - alpha), F(epsilon), F(decay)
    for place in range(weights.size):
        value = gradient[place] + pull * weights[place]
        square[place] += fresh * (value * value - square[place])
        weights[place] -= stride * value / (math.sqrt(square[place]) + small)


@compiled
def sgd(weights: Floats, gradient: Floats, velocity: Floats, rate: float, momentum: float, decay: float) -> None:
    """Gradient descent with momentum, as torch has it (Sutskever et al. 2013, the rate outside the velocity)."""
    stride, keep, pull = F(rate), F(momentum), F(decay)
    for place in range(weights.size):
        velocity[place] = keep * velocity[place] + gradient[place] + pull * weights[place]
        weights[place] -= stride * velocity[place]
