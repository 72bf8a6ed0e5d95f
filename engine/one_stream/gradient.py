"""The gradient by the parameters: its size, its clipping, and the step along it.

Every parameter's gradient is a sum over the window of outer products: what a sum's gradient is, times what went into
it. Over several characters the sums are written out. Over one character they are not: the norm of an outer product is
the product of two norms, and a part of it that fits into the processor's first cache is made when the optimiser wants
it, which saves the way to memory and back.
"""

from __future__ import annotations

import math

from engine.one_stream import steps
from engine.one_stream.compiled import compiled
from engine.one_stream.network import (
    ADAM,
    ADAMW,
    BEFORE_LAYERS,
    CLIP_NORM,
    CLIP_VALUE,
    GRU,
    PER_LAYER,
    RMSPROP,
    Doubles,
    Network,
    Room,
    Rule,
    Whole,
    matrix,
    vector,
)
from engine.one_stream.products import F, Floats, add_matmul


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
    """The L2 norm of each parameter's gradient, into `norms`; returns that of all together."""
    total = 0.0
    for parameter in range(layout.shape[0]):
        begin, rows, columns = layout[parameter]
        square = float(_square(gradient[begin : begin + rows * columns]))
        norms[parameter] = math.sqrt(square)
        total += square
    return math.sqrt(total)


@compiled
def clip(gradient: Floats, norm: float, rule: Rule) -> bool:
    """Make the gradient small enough, in place, as torch does; returns whether anything was larger than the bound."""
    if rule.clip == CLIP_NORM and norm > rule.bound:
        _scale(gradient, _factor(norm, rule))
        return True
    if rule.clip == CLIP_VALUE and _largest(gradient) > rule.bound:
        _bound(gradient, F(rule.bound))
        return True
    return False


@compiled
def step(network: Network, begin: int, gradient: Floats, rule: Rule, rate: float, number: int) -> None:
    """The optimiser's `number`-th step, from 1 on, for the parameters from `begin` on that `gradient` is of."""
    end = begin + gradient.size
    weights, first, second = network.weights[begin:end], network.first[begin:end], network.second[begin:end]
    if rule.optimiser == ADAMW or rule.optimiser == ADAM:
        is_adam = rule.optimiser == ADAM
        shrink, pull = (1.0, rule.decay) if is_adam else (1 - rate * rule.decay, 0.0)
        fades = rule.fade, rule.fade_square
        steps.adam(weights, gradient, first, second, number, rate, fades, rule.epsilon, shrink, pull)
    elif rule.optimiser == RMSPROP:
        steps.rmsprop(weights, gradient, first, rate, rule.fade, rule.epsilon, rule.decay)
    else:
        steps.sgd(weights, gradient, first, rate, rule.fade, rule.decay)


# --- a window of one character -----------------------------------------------------------------------------------


@compiled
def measure_one(network: Network, room: Room, norms: Doubles) -> float:
    """What `measure` gives, of a window of one character."""
    total = 0.0
    room.one_hot[room.entries[0]] = F(1)
    for parameter in range(network.layout.shape[0]):
        left, right = _factors(network, room, parameter)
        square = float(_square(left)) * float(_square(right))
        norms[parameter] = math.sqrt(square)
        total += square
    return math.sqrt(total)


@compiled
def clip_one(network: Network, room: Room, norm: float, rule: Rule) -> bool:
    """What `clip` gives, of a window of one character; clips nothing yet."""
    if rule.clip != CLIP_VALUE:
        return rule.clip == CLIP_NORM and norm > rule.bound
    largest = F(0)
    for parameter in range(network.layout.shape[0]):
        left, right = _factors(network, room, parameter)
        largest = max(largest, _largest(left) * _largest(right))
    return bool(largest > rule.bound)


@compiled
def step_one(network: Network, room: Room, norm: float, clipped: bool, rule: Rule, rate: float, number: int) -> None:
    """What `step` does for all parameters, clipped, after a window of one character."""
    scale = _factor(norm, rule) if clipped and rule.clip == CLIP_NORM else F(1)
    for parameter in range(network.layout.shape[0]):
        begin, rows, columns = network.layout[parameter]
        left, right = _factors(network, room, parameter)
        at_once = max(1, room.block.size // columns)
        for row in range(0, rows, at_once):
            count = min(at_once, rows - row)
            block = room.block[: count * columns].reshape(count, columns)
            for place in range(count):
                factor, values = left[row + place] * scale, block[place]
                for column in range(columns):
                    values[column] = factor * right[column]
            flat = block.reshape(block.size)
            if clipped and rule.clip == CLIP_VALUE:
                _bound(flat, F(rule.bound))
            step(network, begin + row * columns, flat, rule, rate, number)
    room.one_hot[room.entries[0]] = F(0)


@compiled
def _factors(network: Network, room: Room, parameter: int) -> tuple[Floats, Floats]:
    """(rows,) and (columns,) of which a parameter's gradient is the outer product, for a window of one character."""
    weight = network.layout.shape[0] - 2
    if parameter == 0:
        return room.one_hot, room.below[0]
    if parameter == weight:
        return room.logits[0], network.hidden[-1, 1]
    if parameter == weight + 1:
        return room.one, room.logits[0]
    layer, kind = divmod(parameter - BEFORE_LAYERS, PER_LAYER)
    recurrent = room.from_hidden[layer, 0] if network.cell == GRU else room.from_input[layer, 0]
    if kind == 0:
        return room.from_input[layer, 0], room.embedded[0] if layer == 0 else network.hidden[layer - 1, 1]
    if kind == 1:
        return recurrent, network.hidden[layer, 0]
    return room.one, room.from_input[layer, 0] if kind == 2 else recurrent


# --- within ------------------------------------------------------------------------------------------------------


@compiled
def _add_outer_products(
    by_sums: Floats, inputs: Floats, gradient: Floats, layout: Whole, weight: int, bias: int
) -> None:
    """Add the sum over time of (time, rows) ⊗ (time, columns), and of (time, rows) for the bias."""
    add_matmul(by_sums.reshape(by_sums.size), 1, by_sums.shape[1], inputs, matrix(gradient, layout, weight))
    to = vector(gradient, layout, bias)
    for time in range(by_sums.shape[0]):
        for place in range(to.size):
            to[place] += by_sums[time, place]


@compiled
def _factor(norm: float, rule: Rule) -> F:
    # The 1e-6 is torch's.
    return F(rule.bound / (norm + 1e-6))


@compiled
def _square(values: Floats) -> F:
    total = F(0)
    for place in range(values.size):
        total += values[place] * values[place]
    return total


@compiled
def _largest(values: Floats) -> F:
    largest = F(0)
    for place in range(values.size):
        largest = max(largest, abs(values[place]))
    return largest


@compiled
def _scale(values: Floats, factor: F) -> None:
    for place in range(values.size):
        values[place] *= factor


@compiled
def _bound(values: Floats, bound: F) -> None:
    for place in range(values.size):
        values[place] = min(bound, max(-bound, values[place]))
