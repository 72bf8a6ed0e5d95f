"""What a call works on: named arrays, which the compiled functions take as they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.training.one_stream.compiled import compiled
from engine.training.one_stream.products import Floats

Whole = NDArray[np.int64]
Doubles = NDArray[np.float64]

RNN, GRU, LSTM = 0, 1, 2
ADAM, RMSPROP, SGD = 0, 1, 2
CLIP_OFF, CLIP_NORM, CLIP_VALUE = 0, 1, 2

BEFORE_LAYERS, PER_LAYER = 1, 4
"""Parameters before the layers' own, and of each layer."""


class Network(NamedTuple):
    """The network and what its optimiser remembers, changed in place.

    Attributes:
        cell: `RNN`, `GRU` or `LSTM`.
        layout: (parameters, 3) where each parameter begins, its rows and its columns; a bias has one row. In the order
            embedding; for each layer weight_ih, weight_hh, bias_ih, bias_hh; the head's weight and bias.
        weights: (numbers,) all parameters.
        first: (numbers,) Adam's mean, RMSprop's square, or the velocity.
        second: (numbers,) Adam's square; empty for the others.
        hidden: (layers, longest + 1, H) the hidden state before the window and after each of its characters.
        memory: (layers, longest + 1, H) the LSTM's cell state likewise; of no columns for the others.
    """

    cell: int
    layout: Whole
    weights: Floats
    first: Floats
    second: Floats
    hidden: Floats
    memory: Floats


class Room(NamedTuple):
    """Where a window's intermediate values go; nothing in it outlives an update.

    Attributes:
        entries: (longest,) the distinct ids of the window.
        places: (longest,) where in `entries` each character's id stands.
        seen: (V,) where in `entries` an id stands; -1 between two windows.
        embedded: (longest, E) the distinct ids' vectors.
        table: (longest, G·H) the first layer's product with each of them, and then the gradient by it.
        below: (longest, E) the gradient by each of them.
        from_input: (layers, longest, G·H) the gates, and then the gradient by their sums.
        from_hidden: (layers, longest, G·H) the same for the GRU's recurrent part; of no rows for the others.
        above: (2, longest, H) the gradient by two neighbouring layers' hidden states.
        logits: (longest, V) and then the gradient by them.
        gradient: (numbers,) the gradient, of windows longer than one character.
        one: (1,) the number 1: a bias' input.
        one_hot: (V,) zeros, and a 1 for a window's only character.
    """

    entries: Whole
    places: Whole
    seen: Whole
    embedded: Floats
    table: Floats
    below: Floats
    from_input: Floats
    from_hidden: Floats
    above: Floats
    logits: Floats
    gradient: Floats
    one: Floats
    one_hot: Floats


class Rule(NamedTuple):
    """How to make an update.

    Attributes:
        last: whether the last character of a window is its only target.
        clip: `CLIP_OFF`, `CLIP_NORM` or `CLIP_VALUE`.
        bound: of the clipping.
        optimiser: `ADAM`, `RMSPROP` or `SGD`.
        decay: weight decay.
        decoupled: whether it shrinks the weights, as in AdamW, and does not add to the gradient.
        fade: Adam's first decay rate, RMSprop's only one, or the momentum.
        fade_square: Adam's second decay rate.
        epsilon: keeps Adam and RMSprop from dividing by 0.
    """

    last: bool
    clip: int
    bound: float
    optimiser: int
    decay: float
    decoupled: bool
    fade: float
    fade_square: float
    epsilon: float


class Cut(NamedTuple):
    """How a gradient is clipped.

    Attributes:
        made: whether the gradient becomes smaller.
        scale: what each number is multiplied by.
        bound: what it is bounded by, after that.
    """

    made: bool
    scale: float
    bound: float


class Sums(NamedTuple):
    """Measurements of the updates of a call; see `RawMeasurements`.

    Attributes:
        losses: (updates,) of each, in nats per vocabulary entry.
        gradient_norms: (updates,) the L2 norm of each one's whole gradient before clipping.
        factors: (updates,) the factor by which clipping by norm multiplied each one's gradient.
        clipped: (1,) the number of updates whose gradient clipping made smaller.
        norms: (parameters,) the L2 norms of each parameter's gradient before clipping, summed over the updates.
        broken_loss: (1,) the loss of an update that was not made, since it or its gradient was not finite.
        broken_norms: (parameters,) the norms of its gradient.
    """

    losses: Doubles
    gradient_norms: Doubles
    factors: Doubles
    clipped: Whole
    norms: Doubles
    broken_loss: Doubles
    broken_norms: Doubles


@compiled
def matrix(flat: Floats, layout: Whole, parameter: int) -> Floats:
    """One parameter within a flat array: (rows, columns)."""
    begin, rows, columns = layout[parameter]
    return flat[begin : begin + rows * columns].reshape(rows, columns)


@compiled
def vector(flat: Floats, layout: Whole, parameter: int) -> Floats:
    """One bias within a flat array: (columns,)."""
    begin, _, columns = layout[parameter]
    return flat[begin : begin + columns]
