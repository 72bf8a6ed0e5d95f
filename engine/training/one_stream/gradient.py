"""The gradient by the parameters: its norm, its clipping, and the optimiser's step along it.

Every parameter's gradient is a sum over the window of outer products: the gradient by a gate's sum, times the input of
that sum. Over several characters the total is written out. Over one character it is not: the norm of an outer product
is the product of two norms, and the optimiser computes each number of it when needed, which saves a trip to memory and
back.
"""

from __future__ import annotations

import math

import numpy as np

from engine.training.compiled import F, Floats, compiled
from engine.training.one_stream import steps
from engine.training.one_stream.arrays import (
    ADAM,
    BEFORE_LAYERS,
    CLIP_NORM,
    GRU,
    PER_LAYER,
    RMSPROP,
    Cut,
    Doubles,
    Network,
    Room,
    Rule,
    Whole,
    matrix,
    vector,
)
from engine.training.one_stream.products import add_matmul


@compiled
def collect(network: Network, room: Room, length: int, distinct: int, last: bool) -> None:
    """Write the whole gradient into `room.gradient`."""
    layout, gradient = network.layout, room.gradient
    gradient[:] = F(0)
    embedding = matrix(gradient, layout, 0)
    for place in range(distinct):
        embedding[room.entries[place]] = room.below[place]
    for layer in range(network.hidden.shape[0]):
        first = BEFORE_LAYERS + PER_LAYER * layer
        hidden = network.hidden[layer, :length]
        by_sums = room.table[:distinct] if layer == 0 else room.from_input[layer, :length]
        below = room.embedded[:distinct] if layer == 0 else network.hidden[layer - 1, 1 : length + 1]
        _add_outer_products(by_sums, below, gradient, layout, first, first + 2)
        recurrent = room.from_hidden[layer, :length] if network.cell == GRU else room.from_input[layer, :length]
        _add_outer_products(recurrent, hidden, gradient, layout, first + 1, first + 3)
    begin, weight = length - 1 if last else 0, layout.shape[0] - 2
    hidden = network.hidden[-1, begin + 1 : length + 1]
    _add_outer_products(room.logits[begin:length], hidden, gradient, layout, weight, weight + 1)


@compiled
def measure(gradient: Floats, layout: Whole, norms: Doubles) -> float:
    """Write the L2 norm of each parameter's gradient into `norms`; return that of all together."""
    total = 0.0
    for parameter in range(layout.shape[0]):
        begin, rows, columns = layout[parameter]
        square = float(_square(gradient[begin : begin + rows * columns]))
        norms[parameter] = math.sqrt(square)
        total += square
    return math.sqrt(total)


@compiled
def measure_one(network: Network, room: Room, norms: Doubles) -> float:
    """The same as `measure`, for a window of one character."""
    head = network.layout.shape[0] - 2
    norms[0] = _square(room.below[0])
    for layer in range(network.hidden.shape[0]):
        first = BEFORE_LAYERS + PER_LAYER * layer
        by_sums = _square(room.from_input[layer, 0])
        by_recurrent = _square(room.from_hidden[layer, 0]) if network.cell == GRU else by_sums
        below = _square(room.embedded[0]) if layer == 0 else _square(network.hidden[layer - 1, 1])
        norms[first], norms[first + 1] = by_sums * below, by_recurrent * _square(network.hidden[layer, 0])
        norms[first + 2], norms[first + 3] = by_sums, by_recurrent
    by_logits = _square(room.logits[0])
    norms[head], norms[head + 1] = by_logits * _square(network.hidden[-1, 1]), by_logits
    total = 0.0
    for parameter in range(norms.size):
        total += norms[parameter]
        norms[parameter] = math.sqrt(norms[parameter])
    return math.sqrt(total)


@compiled
def largest(gradient: Floats) -> float:
    """The largest magnitude among the gradient's numbers."""
    found = F(0)
    for place in range(gradient.size):
        found = max(found, abs(gradient[place]))
    return float(found)


@compiled
def largest_one(network: Network, room: Room) -> float:
    """The same as `largest`, for a window of one character. The input of a bias and of an embedding is 1."""
    found = largest(room.below[0])
    for layer in range(network.hidden.shape[0]):
        by_sums = largest(room.from_input[layer, 0])
        by_recurrent = largest(room.from_hidden[layer, 0]) if network.cell == GRU else by_sums
        below = largest(room.embedded[0]) if layer == 0 else largest(network.hidden[layer - 1, 1])
        found = max(found, by_sums * max(1.0, below), by_recurrent * max(1.0, largest(network.hidden[layer, 0])))
    return max(found, largest(room.logits[0]) * max(1.0, largest(network.hidden[-1, 1])))


@compiled
def norm_within(gradient: Floats, bound: float) -> float:
    """The L2 norm of a gradient after every number of it is cut to a magnitude of `bound`."""
    return math.sqrt(_square_within(ONE, gradient, F(bound)))


@compiled
def norm_within_one(network: Network, room: Room, bound: float) -> float:
    """The same as `norm_within`, for a window of one character."""
    most = F(bound)
    total = _square_within(ONE, room.below[0], most)
    for layer in range(network.hidden.shape[0]):
        by_sums = room.from_input[layer, 0]
        by_recurrent = room.from_hidden[layer, 0] if network.cell == GRU else by_sums
        below = room.embedded[0] if layer == 0 else network.hidden[layer - 1, 1]
        total += _square_within(by_sums, below, most) + _square_within(ONE, by_sums, most)
        total += _square_within(by_recurrent, network.hidden[layer, 0], most) + _square_within(ONE, by_recurrent, most)
    head = room.logits[0]
    return math.sqrt(total + _square_within(head, network.hidden[-1, 1], most) + _square_within(ONE, head, most))


@compiled
def clip(rule: Rule, norm: float) -> Cut:
    """The clipping by norm of a gradient with this norm, as in `clipping.clip`; none where it is not by norm."""
    # A copy of `clipping.norm_factor`: compiled code calls compiled code alone.
    factor = min(1.0, rule.bound / (norm + 1e-6)) if rule.clip == CLIP_NORM else 1.0
    return Cut(factor < 1, factor, math.inf, factor)


@compiled
def clip_by_value(rule: Rule, norm: float, within: float) -> Cut:
    """The clipping of each number of a gradient with this norm, of which the norm `within` is left, likewise."""
    return Cut(True, 1.0, rule.bound, min(1.0, within / norm))


@compiled
def step(network: Network, room: Room, cut: Cut, rule: Rule, rate: float, number: int) -> None:
    """Make the optimiser's step `number`, counted from 1, along the gradient that `collect` wrote."""
    _step(network, 0, room.one, room.gradient, cut, rule, rate, number)


@compiled
def step_one(network: Network, room: Room, cut: Cut, rule: Rule, rate: float, number: int) -> None:
    """The same as `step`, after a window of one character."""
    layout, head = network.layout, network.layout.shape[0] - 2
    _step(network, layout[0, 0], room.one_hot, room.below[0], cut, rule, rate, number)
    for layer in range(network.hidden.shape[0]):
        first = BEFORE_LAYERS + PER_LAYER * layer
        by_sums = room.from_input[layer, 0]
        by_recurrent = room.from_hidden[layer, 0] if network.cell == GRU else by_sums
        below = room.embedded[0] if layer == 0 else network.hidden[layer - 1, 1]
        _step(network, layout[first, 0], by_sums, below, cut, rule, rate, number)
        _step(network, layout[first + 1, 0], by_recurrent, network.hidden[layer, 0], cut, rule, rate, number)
        _step(network, layout[first + 2, 0], room.one, by_sums, cut, rule, rate, number)
        _step(network, layout[first + 3, 0], room.one, by_recurrent, cut, rule, rate, number)
    _step(network, layout[head, 0], room.logits[0], network.hidden[-1, 1], cut, rule, rate, number)
    _step(network, layout[head + 1, 0], room.one, room.logits[0], cut, rule, rate, number)


# --- helpers -----------------------------------------------------------------------------------------------------

ONE = np.ones(1, np.float32)
"""The other factor of an outer product that is a vector."""


@compiled
def _square_within(left: Floats, right: Floats, bound: F) -> float:
    """The sum of the squares of `left ⊗ right`, each number cut to a magnitude of `bound`."""
    total = 0.0
    for row in range(left.size):
        part = F(0)
        for column in range(right.size):
            number = min(abs(left[row] * right[column]), bound)
            part += number * number
        total += float(part)
    return total


@compiled
def _step(
    network: Network, begin: int, left: Floats, right: Floats, cut: Cut, rule: Rule, rate: float, number: int
) -> None:
    """Make the step for the parameters from `begin` on, whose gradient is `left ⊗ right`."""
    end = begin + left.size * right.size
    weights, first = network.weights[begin:end], network.first[begin:end]
    if rule.optimiser == ADAM:
        steps.adam(weights, first, network.second[begin:end], left, right, cut, rule, rate, number)
    elif rule.optimiser == RMSPROP:
        steps.rmsprop(weights, first, left, right, cut, rule, rate)
    else:
        steps.sgd(weights, first, left, right, cut, rule, rate)


@compiled
def _add_outer_products(
    by_sums: Floats, inputs: Floats, gradient: Floats, layout: Whole, weight: int, bias: int
) -> None:
    """Add to a weight the sum over time of (time, rows) ⊗ (time, columns), and to its bias that of (time, rows)."""
    add_matmul(by_sums.reshape(by_sums.size), 1, by_sums.shape[1], inputs, matrix(gradient, layout, weight))
    to = vector(gradient, layout, bias)
    for time in range(by_sums.shape[0]):
        for place in range(to.size):
            to[place] += by_sums[time, place]


@compiled
def _square(values: Floats) -> F:
    total = F(0)
    for place in range(values.size):
        total += values[place] * values[place]
    return total
