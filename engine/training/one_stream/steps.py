"""The steps of the optimisers.

The arithmetic is torch's. A gradient is given as an outer product `left ⊗ right` of (rows,) and (columns,), which is
never written out: over one character the gradient of every matrix is such a product. A gradient that is written out,
(n,), is passed as the outer product of a 1 and itself. Parameters and moments are (rows · columns,).
"""

from __future__ import annotations

import math

from engine.training.compiled import F, Floats, compiled
from engine.training.one_stream.arrays import Cut, Rule


@compiled
def adam(
    weights: Floats,
    mean: Floats,
    square: Floats,
    left: Floats,
    right: Floats,
    cut: Cut,
    rule: Rule,
    rate: float,
    number: int,
) -> None:
    """Make Adam's step `number`, counted from 1 (Kingma & Ba 2015, algorithm 1).

    Where the rule is `decoupled`, weight decay shrinks the weights and does not enter the gradient: AdamW (Loshchilov &
    Hutter 2019).
    """
    stride = F(rate / (1 - math.pow(rule.fade, number)))
    unbias = F(1 / math.sqrt(1 - math.pow(rule.fade_square, number)))
    keep, pull = (F(1 - rate * rule.decay), F(0)) if rule.decoupled else (F(1), F(rule.decay))
    fresh, fresh_square, small = F(1 - rule.fade), F(1 - rule.fade_square), F(rule.epsilon)
    scale, bound, columns = F(cut.scale), F(cut.bound), right.size
    for row in range(left.size):
        begin, end, factor = row * columns, (row + 1) * columns, left[row] * scale
        w, m, s = weights[begin:end], mean[begin:end], square[begin:end]
        for column in range(columns):
            weight = w[column] * keep
            value = min(bound, max(-bound, factor * right[column])) + pull * weight
            m[column] += fresh * (value - m[column])
            s[column] += fresh_square * (value * value - s[column])
            w[column] = weight - stride * m[column] / (math.sqrt(s[column]) * unbias + small)


@compiled
def rmsprop(weights: Floats, square: Floats, left: Floats, right: Floats, cut: Cut, rule: Rule, rate: float) -> None:
    """Make a step of RMSprop (Tieleman & Hinton 2012)."""
    stride, fresh, small, pull = F(rate), F(1 - rule.fade), F(rule.epsilon), F(rule.decay)
    scale, bound, columns = F(cut.scale), F(cut.bound), right.size
    for row in range(left.size):
        begin, end, factor = row * columns, (row + 1) * columns, left[row] * scale
        w, s = weights[begin:end], square[begin:end]
        for column in range(columns):
            value = min(bound, max(-bound, factor * right[column])) + pull * w[column]
            s[column] += fresh * (value * value - s[column])
            w[column] -= stride * value / (math.sqrt(s[column]) + small)


@compiled
def sgd(weights: Floats, velocity: Floats, left: Floats, right: Floats, cut: Cut, rule: Rule, rate: float) -> None:
    """Make a step of gradient descent with momentum (Sutskever et al. 2013; as in torch, the velocity has no rate)."""
    stride, keep, pull = F(rate), F(rule.fade), F(rule.decay)
    scale, bound, columns = F(cut.scale), F(cut.bound), right.size
    for row in range(left.size):
        begin, end, factor = row * columns, (row + 1) * columns, left[row] * scale
        w, v = weights[begin:end], velocity[begin:end]
        for column in range(columns):
            value = min(bound, max(-bound, factor * right[column])) + pull * w[column]
            v[column] = keep * v[column] + value
            w[column] -= stride * v[column]
