"""Forward and backward through one window, up to the gradient by every sum; `gradient` has that by the weights."""

from __future__ import annotations

import math

from engine.training.compiled import F, Floats, compiled
from engine.training.compiled.activations import exp
from engine.training.one_stream import cells
from engine.training.one_stream.arrays import (
    BEFORE_LAYERS,
    GRU,
    LSTM,
    PER_LAYER,
    RNN,
    Network,
    Room,
    Whole,
    matrix,
    vector,
)
from engine.training.one_stream.products import add_matmul, add_transposed_product, affine


@compiled
def forward(network: Network, room: Room, inputs: Whole) -> int:
    """Compute the hidden states and gates of every layer over one window of ids, (time,).

    The first layer's product depends on the id alone, so it is computed once per distinct id.

    Returns:
        The number of distinct ids.
    """
    layout, weights, length = network.layout, network.weights, inputs.size
    distinct = _find_distinct(room, inputs)
    embedding = matrix(weights, layout, 0)
    for entry in range(distinct):
        room.embedded[entry] = embedding[room.entries[entry]]
    for layer in range(network.hidden.shape[0]):
        first = BEFORE_LAYERS + PER_LAYER * layer
        weight_ih, bias_ih = matrix(weights, layout, first), vector(weights, layout, first + 2)
        weight_hh, bias_hh = matrix(weights, layout, first + 1), vector(weights, layout, first + 3)
        from_input, hidden = room.from_input[layer, :length], network.hidden[layer]
        if layer == 0:
            affine(weight_ih, bias_ih, room.embedded[:distinct], room.table[:distinct])
            for time in range(length):
                from_input[time] = room.table[room.places[time]]
        else:
            affine(weight_ih, bias_ih, network.hidden[layer - 1, 1 : length + 1], from_input)
        if network.cell == LSTM:
            cells.lstm_forward(from_input, weight_hh, bias_hh, hidden, network.memory[layer])
        elif network.cell == GRU:
            cells.gru_forward(from_input, room.from_hidden[layer, :length], weight_hh, bias_hh, hidden)
        elif network.cell == RNN:
            cells.rnn_forward(from_input, weight_hh, bias_hh, hidden)
        else:
            raise NotImplementedError("the forward pass of this cell")
    return distinct


@compiled
def head(network: Network, room: Room, targets: Whole, last: bool) -> float:
    """Return the mean loss over the targets in nats; leave the gradient by the logits and the highest hidden states."""
    layout, length = network.layout, targets.size
    weight = matrix(network.weights, layout, layout.shape[0] - 2)
    bias = vector(network.weights, layout, layout.shape[0] - 1)
    begin = length - 1 if last else 0
    logits = room.logits[begin:length]
    affine(weight, bias, network.hidden[-1, begin + 1 : length + 1], logits)
    loss = _cross_entropy(logits, targets[begin:])
    above = room.above[0, :length]
    above[:] = F(0)
    for time in range(begin, length):
        add_transposed_product(weight, room.logits[time], above[time])
    return loss


@compiled
def backward(network: Network, room: Room, length: int, distinct: int) -> None:
    """Compute the gradient by the sums of every layer and by the distinct ids' embeddings."""
    layout, weights = network.layout, network.weights
    highest = network.hidden.shape[0] - 1
    for layer in range(highest, -1, -1):
        first = BEFORE_LAYERS + PER_LAYER * layer
        weight_ih, weight_hh = matrix(weights, layout, first), matrix(weights, layout, first + 1)
        from_input, hidden = room.from_input[layer, :length], network.hidden[layer]
        above, below = room.above[(highest - layer) % 2, :length], room.above[(highest - layer + 1) % 2, :length]
        if network.cell == LSTM:
            cells.lstm_backward(from_input, weight_hh, network.memory[layer], above)
        elif network.cell == GRU:
            cells.gru_backward(from_input, room.from_hidden[layer, :length], weight_hh, hidden, above)
        elif network.cell == RNN:
            cells.rnn_backward(from_input, weight_hh, hidden, above)
        else:
            raise NotImplementedError("the backward pass of this cell")
        if layer > 0:
            below[:] = F(0)
            add_matmul(from_input.reshape(from_input.size), from_input.shape[1], 1, weight_ih, below)
    table, from_input = room.table[:distinct], room.from_input[0, :length]
    table[:] = F(0)
    for time in range(length):
        to, by_sums = table[room.places[time]], from_input[time]
        for place in range(to.size):
            to[place] += by_sums[place]
    below = room.below[:distinct]
    below[:] = F(0)
    add_matmul(table.reshape(table.size), table.shape[1], 1, matrix(weights, layout, BEFORE_LAYERS), below)


@compiled
def _find_distinct(room: Room, inputs: Whole) -> int:
    distinct = 0
    for time in range(inputs.size):
        entry = inputs[time]
        if room.seen[entry] < 0:
            room.seen[entry] = distinct
            room.entries[distinct] = entry
            distinct += 1
        room.places[time] = room.seen[entry]
    for place in range(distinct):
        room.seen[room.entries[place]] = -1
    return distinct


@compiled
def _cross_entropy(logits: Floats, targets: Whole) -> float:
    """Return the mean loss in nats; turn the logits (time, V) into the gradient by them."""
    times, size = logits.shape
    total, share = 0.0, F(1 / times)
    for time in range(times):
        row, target = logits[time], targets[time]
        highest = row[0]
        for entry in range(1, size):
            highest = max(highest, row[entry])
        of_target = row[target] - highest
        mass = F(0)
        for entry in range(size):
            row[entry] = exp(row[entry] - highest)
            mass += row[entry]
        total += math.log(mass) - of_target
        for entry in range(size):
            row[entry] *= share / mass
        row[target] -= share
    return float(total / times)
