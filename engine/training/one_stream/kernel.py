"""Many updates of one stream in one call: forward, backward, clip, step, window after window."""

from __future__ import annotations

import math

import numpy as np

from engine.training.compiled import compiled
from engine.training.one_stream.arrays import CLIP_VALUE, Doubles, Network, Room, Rule, Sums, Whole
from engine.training.one_stream.gradient import (
    clip,
    clip_by_value,
    collect,
    largest,
    largest_one,
    measure,
    measure_one,
    norm_within,
    norm_within_one,
    step,
    step_one,
)
from engine.training.one_stream.passes import backward, forward, head


@compiled
def train(
    network: Network, room: Room, rule: Rule, text: Whole, lengths: Whole, rates: Doubles, steps_before: int, sums: Sums
) -> int:
    """Make one update per window.

    Args:
        network: changed in place.
        room: memory for windows as long as the longest.
        rule: the settings of the updates.
        text: (sum of lengths + 1,) ids of the windows in order, and of the last target.
        lengths: (updates,) the length of each window in characters.
        rates: (updates,) the learning rate of each update.
        steps_before: the number of steps that the optimiser has made.
        sums: receives the measurements; `clipped` and `norms` are added to.

    Returns:
        The number of updates made. It is smaller than asked for where the loss or the gradient of the next update is
        not finite; that update was not made.
    """
    norms = np.empty(network.layout.shape[0], np.float64)
    begin = 0
    for update in range(lengths.size):
        length = lengths[update]
        inputs, targets = text[begin : begin + length], text[begin + 1 : begin + length + 1]
        number, rate, by_value, highest = steps_before + update + 1, rates[update], rule.clip == CLIP_VALUE, 0.0

        distinct = forward(network, room, inputs)
        loss = head(network, room, targets, rule.last)
        backward(network, room, length, distinct)
        if length == 1:
            room.one_hot[:] = 0
            room.one_hot[inputs[0]] = 1
            norm = measure_one(network, room, norms)
            highest = largest_one(network, room) if by_value else 0.0
        else:
            collect(network, room, length, distinct, rule.last)
            norm = measure(room.gradient, network.layout, norms)
            highest = largest(room.gradient) if by_value else 0.0
        if not (math.isfinite(norm) and math.isfinite(loss)):
            sums.broken_loss[0] = loss
            sums.broken_norms[:] = norms
            return update
        cut = clip(rule, norm)
        if highest > rule.bound:
            one = length == 1
            within = norm_within_one(network, room, rule.bound) if one else norm_within(room.gradient, rule.bound)
            cut = clip_by_value(rule, norm, within)
        if length == 1:
            step_one(network, room, cut, rule, rate, number)
        else:
            step(network, room, cut, rule, rate, number)

        network.hidden[:, 0] = network.hidden[:, length]
        network.memory[:, 0] = network.memory[:, length]
        sums.losses[update] = loss
        sums.gradient_norms[update] = norm
        sums.factors[update] = cut.left
        sums.clipped[0] += cut.made
        sums.norms[:] += norms
        begin += length
    return lengths.size
