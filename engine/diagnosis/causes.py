"""Descriptions of every cause that a finding can have, each with a work to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.events import Cause


@dataclass(frozen=True, slots=True)
class Description:
    """The description of a cause.

    Attributes:
        means: what the cause is, in two sentences.
        reference: authors, year and title of a work that describes it; empty where there is none.
    """

    means: str
    reference: str


PASCANU = "Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks"

CAUSES: Mapping[Cause, Description] = {
    Cause.LEARNING_RATE_TOO_HIGH: Description(
        "Each update steps over the valley that it should step into, so that the loss rises or stays where it is. "
        "A smaller rate lands inside it.",
        "Cohen, Kaur, Li, Kolter & Talwalkar 2021, Gradient descent on neural networks typically occurs at the edge "
        "of stability",
    ),
    Cause.LEARNING_RATE_TOO_LOW: Description(
        "Updates are so short that the gradient hardly changes from one to the next. "
        "Larger steps would get there in far fewer updates.",
        "Smith 2017, Cyclical learning rates for training neural networks",
    ),
    Cause.CLIP_TOO_TIGHT: Description(
        "Nearly every gradient is cut so far that the bound, and not the learning rate, sets the length of a step. "
        "Clipping is meant for the few gradients that are much larger than usual.",
        PASCANU,
    ),
    Cause.EXPLODING_GRADIENT: Description(
        "The gradient grows with each character that it goes back, so that distant characters outweigh near ones. "
        "A single update can then undo much of what was learnt.",
        PASCANU,
    ),
    Cause.VANISHING_GRADIENT: Description(
        "The gradient shrinks with each character that it goes back, until nothing of it arrives. "
        "The network cannot learn from characters further back, although the window holds them.",
        "Hochreiter 1991, Untersuchungen zu dynamischen neuronalen Netzen; Bengio, Simard & Frasconi 1994, Learning "
        "long-term dependencies with gradient descent is difficult",
    ),
    Cause.BPTT_TOO_SHORT: Description(
        "The text depends on characters before the beginning of the window, and no gradient reaches them. "
        "Longer windows include them.",
        "Williams & Peng 1990, An efficient gradient-based algorithm for on-line training of recurrent network "
        "trajectories; Tallec & Ollivier 2017, Unbiasing truncated backpropagation through time",
    ),
    Cause.SPARSE_TARGETS: Description(
        "Only a few of the characters that an update reads count for the loss. "
        "The others cost as much time and teach nothing.",
        "Williams & Peng 1990, An efficient gradient-based algorithm for on-line training of recurrent network "
        "trajectories",
    ),
    Cause.DATA_SHIFT: Description(
        "The text is now of another kind than before: another language, a table, a list. "
        "The loss rises there for a while, and nothing is wrong with the network.",
        "Gama, Žliobaitė, Bifet, Pechenizkiy & Bouchachia 2014, A survey on concept drift adaptation",
    ),
    Cause.OVERFITTING: Description(
        "The network memorises its training text, and becomes worse at text that it has not read. "
        "More text, more dropout or early stopping help.",
        "Prechelt 1998, Early stopping – but when?",
    ),
    Cause.PLATEAU: Description(
        "The loss has stopped falling, although the text still offers something to learn. "
        "A lower learning rate finds a lower place nearby, and a larger network may find a better one.",
        "Dauphin, Pascanu, Gulcehre, Cho, Ganguli & Bengio 2014, Identifying and attacking the saddle point problem in "
        "high-dimensional non-convex optimization",
    ),
    Cause.SATURATED_UNITS: Description(
        "Most units sit at the end of their range, where their slope is nearly zero. "
        "No gradient passes through them, and so they stay there.",
        "Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks",
    ),
    Cause.NUMERICAL_INSTABILITY: Description(
        "The computed gradient differs from the true one by far more than rounding usually causes. "
        "A number type with more digits gives the true one.",
        "Goldberg 1991, What every computer scientist should know about floating-point arithmetic; Micikevicius et al. "
        "2018, Mixed precision training",
    ),
    Cause.NON_FINITE: Description(
        "A number grew too large for its type, and everything that is computed from it is lost. "
        "The update was not made; the training waits.",
        PASCANU,
    ),
    Cause.NOISY_UPDATES: Description(
        "Each update's gradient depends mostly on the text that it happened to read, and the next points elsewhere. "
        "Smaller steps average over more gradients, and so does a larger batch.",
        "McCandlish, Kaplan, Amodei et al. 2018, An empirical model of large-batch training",
    ),
    Cause.STUCK_AT_LETTER_FREQUENCIES: Description(
        "The network predicts each character as often as it occurs, whatever text comes before. "
        "It has learnt only what the output layer can learn alone, without the text that it reads.",
        "Shannon 1951, Prediction and entropy of printed English",
    ),
}
"""Every cause that a finding can have."""
