"""The named arrays that the compiled functions work on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.training.compiled import Floats, compiled

Whole = NDArray[np.int64]
Doubles = NDArray[np.float64]

RNN, GRU, LSTM = 0, 1, 2
ADAM, RMSPROP, SGD = 0, 1, 2
CLIP_OFF, CLIP_NORM, CLIP_VALUE = 0, 1, 2

BEFORE_LAYERS, PER_LAYER = 1, 4
"""The number of parameters before those of the layers, and per layer."""


class Network(NamedTuple):
    """The network and its optimiser's moments, changed in place.

    Attributes:
        cell: `RNN`, `GRU` or `LSTM`.
        layout: (parameters, 3) the place where each parameter begins, its rows and its columns; a bias has one row. The
            order is: embedding; for each layer weight_ih, weight_hh, bias_ih, bias_hh; the head's weight and bias.
        weights: (numbers,) all parameters.
        first: (numbers,) Adam's mean, RMSprop's mean square, or the velocity of SGD.
        second: (numbers,) Adam's mean square; empty for the others.
        hidden: (layers, longest + 1, H) the hidden state before the window and after each of its characters.
        memory: (layers, longest + 1, H) the same for the LSTM's cell state; without columns for the others.
    """

    cell: int
    layout: Whole
    weights: Floats
    first: Floats
    second: Floats
    hidden: Floats
    memory: Floats


class Room(NamedTuple):
    """Memory for a window's intermediate values; nothing in it outlives an update.

    Attributes:
        entries: (longest,) the distinct ids of the window.
        places: (longest,) the place in `entries` of each character's id.
        seen: (V,) the place in `entries` of each id; -1 between two windows.
        embedded: (longest, E) the embedding of each distinct id.
        table: (longest, G·H) the first layer's product with each embedding, and after backward the gradient by it.
        below: (longest, E) the gradient by each embedding.
        from_input: (layers, longest, G·H) the gates, and after backward the gradient by their sums.
        from_hidden: (layers, longest, G·H) the same for the GRU's recurrent part; without rows for the others.
        above: (2, longest, H) the gradient by the hidden states of two neighbouring layers.
        logits: (longest, V) the logits, and then the gradient by them.
        gradient: (numbers,) the gradient, for windows longer than one character.
        one: (1,) the number 1, which is a bias' input.
        one_hot: (V,) zeros, with a 1 for the only character of a window of one character.
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
    """The settings of an update.

    Attributes:
        last: whether the last character of a window is its only target.
        clip: `CLIP_OFF`, `CLIP_NORM` or `CLIP_VALUE`.
        bound: the bound of the clipping.
        optimiser: `ADAM`, `RMSPROP` or `SGD`.
        decay: weight decay.
        decoupled: whether weight decay shrinks the weights directly, as in AdamW, instead of adding to the gradient.
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
    """The clipping of one gradient.

    Attributes:
        made: whether the gradient becomes smaller.
        scale: the factor applied to each number.
        bound: the largest magnitude of a number after that.
        left: the norm that is left, as a share of the norm before.
    """

    made: bool
    scale: float
    bound: float
    left: float


class Sums(NamedTuple):
    """Measurements of the updates of a call; see `RawMeasurements`.

    Attributes:
        losses: (updates,) the loss of each update in nats per vocabulary entry, the mean over its targets.
        gradient_norms: (updates,) the L2 norm of each update's gradient before clipping.
        factors: (updates,) the norm that clipping left of each update's gradient, as a share of the norm before.
        clipped: (1,) the number of updates whose gradient clipping made smaller.
        norms: (parameters,) the L2 norm of each parameter's gradient before clipping, summed over the updates.
        broken_loss: (1,) the loss of the update that was not made because something in it was not finite.
        broken_norms: (parameters,) the norms of that update's gradient.
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
    """One parameter within a flat array, (rows, columns)."""
    begin, rows, columns = layout[parameter]
    return flat[begin : begin + rows * columns].reshape(rows, columns)


@compiled
def vector(flat: Floats, layout: Whole, parameter: int) -> Floats:
    """One bias within a flat array, (columns,)."""
    begin, _, columns = layout[parameter]
    return flat[begin : begin + columns]
