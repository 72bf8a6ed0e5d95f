"""Every cause that a finding can have, in plain words and with where to read more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.events import Cause


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a cause.

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
        "The same way could be gone in far fewer of them.",
        "Smith 2017, Cyclical learning rates for training neural networks",
    ),
    Cause.CLIP_TOO_TIGHT: Description(
        "Nearly every gradient is cut down, and far, so that it is the bound that says how long a step is and no "
        "longer the rate. Clipping is meant for the few gradients that are much larger than usual.",
        PASCANU,
    ),
    Cause.EXPLODING_GRADIENT: Description(
        "The gradient grows with each character that it goes back, so that what was long ago outweighs what is near. "
        "A single update can then undo much of what was learnt.",
        PASCANU,
    ),
    Cause.VANISHING_GRADIENT: Description(
        "The gradient shrinks with each character that it goes back, until nothing of it arrives. "
        "What lies further back than that cannot be learnt, although the window holds it.",
        "Hochreiter 1991, Untersuchungen zu dynamischen neuronalen Netzen; Bengio, Simard & Frasconi 1994, Learning "
        "long-term dependencies with gradient descent is difficult",
    ),
    Cause.BPTT_TOO_SHORT: Description(
        "The text depends on characters that lie before the beginning of the window, and no gradient goes beyond it. "
        "Longer windows let it.",
        "Williams & Peng 1990, An efficient gradient-based algorithm for on-line training of recurrent network "
        "trajectories; Tallec & Ollivier 2017, Unbiasing truncated backpropagation through time",
    ),
    Cause.SPARSE_TARGETS: Description(
        "Only a few of the characters that are read count for the loss. "
        "The others cost as much time and teach nothing.",
        "Williams & Peng 1990, An efficient gradient-based algorithm for on-line training of recurrent network "
        "trajectories",
    ),
    Cause.DATA_SHIFT: Description(
        "The text has become another one than what was read before: another language, a table, a list. "
        "The loss rises there for a while, and nothing is wrong with the network.",
        "Gama, Žliobaitė, Bifet, Pechenizkiy & Bouchachia 2014, A survey on concept drift adaptation",
    ),
    Cause.OVERFITTING: Description(
        "The network learns what it reads by heart, and becomes worse at text that it has not read. "
        "More text, more dropout or an earlier end help.",
        "Prechelt 1998, Early stopping – but when?",
    ),
    Cause.PLATEAU: Description(
        "The loss has come to rest, although the text still offers something to be learnt. "
        "A smaller rate finds a lower place nearby, and a larger network may find a better one.",
        "Dauphin, Pascanu, Gulcehre, Cho, Ganguli & Bengio 2014, Identifying and attacking the saddle point problem in "
        "high-dimensional non-convex optimization",
    ),
    Cause.SATURATED_UNITS: Description(
        "Most units sit at the end of their range, where their slope is next to nothing. "
        "No gradient passes through them, and so they stay there.",
        "Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks",
    ),
    Cause.NUMERICAL_INSTABILITY: Description(
        "The gradient as it is computed differs from the true one by more than an error of rounding should. "
        "A number type with more digits gives it.",
        "Goldberg 1991, What every computer scientist should know about floating-point arithmetic; Micikevicius et al. "
        "2018, Mixed precision training",
    ),
    Cause.NON_FINITE: Description(
        "A number became too large to be one, and everything that is computed from it is lost. "
        "The update was not made; the training waits.",
        PASCANU,
    ),
    Cause.NOISY_UPDATES: Description(
        "One update's gradient is decided by which text it happened to read, and the next one points elsewhere. "
        "Smaller steps average over more of them, and so does a larger batch.",
        "McCandlish, Kaplan, Amodei et al. 2018, An empirical model of large-batch training",
    ),
    Cause.STUCK_AT_LETTER_FREQUENCIES: Description(
        "The network predicts each character as often as it occurs, whatever stands before it. "
        "It has found what the output alone can learn, and nothing of what it reads arrives there.",
        "Shannon 1951, Prediction and entropy of printed English",
    ),
}
"""Every cause that a finding can have."""
