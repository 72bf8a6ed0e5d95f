"""Every number on the screen: what it is, what is normal, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """The explanation of a number.

    Attributes:
        name: the number's name on the screen.
        fields: its names in points, readings and findings; `instrument.field` where instruments share a name.
        what: what it is.
        normal: the usual values.
        do: what to do at other values.
    """

    name: str
    fields: tuple[str, ...]
    what: str
    normal: str
    do: str


NOTHING = "Nothing; it is there to be compared with."

TERMS = (
    Term(
        "loss",
        ("loss",),
        "How surprised the network is by the next character, in nats: the mean of −ln of what it gave it.",
        "Falls from about 3.3 in English; good networks come to 1.0 … 1.4 on text that they have not read.",
        "Where it rises or rests, F shows what speaks for which cause.",
    ),
    Term(
        "race",
        ("race",),
        "Variants that differ in one thing, each trained with the same seeds on the same text in the same order.",
        "Three seeds where the difference is large; small ones take more, up to the limit.",
        "r begins one, R stops one; what was finished is kept.",
    ),
    Term(
        "verdict",
        ("verdict",),
        "What a race says of a variant: better, worse, no difference that matters, or undecided.",
        "✓ better, ✗ worse, = no difference that matters, ? undecided.",
        "Where it stays undecided: more seeds, longer, or the difference is too small to find here.",
    ),
    Term(
        "interval",
        ("interval",),
        "Where the true difference of the validation losses lies, 19 races in 20, however often one looks.",
        "Over seeds of one text and one size; with two seeds it is without bound.",
        "More seeds make it narrower; a seed that diverged makes it one of the median.",
    ),
    Term("bits", ("bits",), "The loss in bits per character: nats divided by ln 2.", "1.4 … 2.2 in English.", NOTHING),
    Term(
        "val",
        ("val", "val_loss"),
        "The loss over the whole validation split, which is never trained on.",
        "A little above the training loss.",
        "Where it rises while the training loss falls, more dropout or an end.",
    ),
    Term("best", ("best",), "The lowest validation loss of this run.", "The last one, or near it.", NOTHING),
    Term(
        "speed",
        ("speed",),
        "Characters trained on in a second, over the last seconds.",
        "As `charrnn-tui bench` says of this machine.",
        "One stream with dropout is slow, and so are other programs on the same processors.",
    ),
    Term(
        "budget",
        ("budget",),
        "The share of the time, the updates or the characters that the training was given.",
        "Rises to 100 %.",
        "space trains on behind its end.",
    ),
    Term(
        "update",
        ("update", "updates", "chars", "characters"),
        "How many times the weights were changed since the run's start, and characters that were read for that.",
        "Thousands.",
        NOTHING,
    ),
    Term(
        "rate",
        ("lr",),
        "The learning rate: how far an update goes along its direction; in brackets what the schedule makes of it.",
        "1e-3 … 1e-2 with Adam.",
        "l and L; judge it by the update ratio.",
    ),
    Term(
        "loss spread",
        ("loss_spread",),
        "The standard deviation of the updates' losses around their mean.",
        "0.02 … 0.2 with 16 streams; more with one.",
        "Large ones hide progress: more streams, or longer windows.",
    ),
    Term(
        "worst stream",
        ("worst_loss", "worst_place"),
        "The highest loss of one stream, and where in the text that stream was.",
        "Up to 1.5 times the mean.",
        "Look in view 7 whether the text is harder there; then the network is well.",
    ),
    Term(
        "gradient norm",
        ("grad_norm", "grad_norm_max", "norms"),
        "The L2 norm of the gradient before clipping, over all parameters or those of one matrix.",
        "Falls slowly as the loss does; single ones are several times as large.",
        "Where it grows by tens, a smaller rate, or clipping at about its usual size.",
    ),
    Term(
        "by lag: norm",
        ("gradient_by_lag.norm",),
        "The gradient of one character's loss by the hidden state just before it.",
        "Below 1; it falls with the loss.",
        NOTHING,
    ),
    Term(
        "clipped",
        ("clipped", "clipping.cut", "cut"),
        "The share of the updates whose gradient was clipped; of one window, the share of its numbers that are cut.",
        "0 … 20 %.",
        "Near 100 % the bound says how long a step is: raise it with ], or mean it.",
    ),
    Term(
        "clip factor",
        ("clip_factor", "clipping.factor", "factor"),
        "What the gradients of the clipped updates were multiplied with, in the median.",
        "0.3 … 1.",
        "Below 0.05 a larger bound.",
    ),
    Term(
        "acts like a rate of",
        ("rate_used",),
        "The rate that would have had the same effect without clipping. Adam divides by the gradient's size, so that "
        "to cut every gradient alike changes nothing there.",
        "About the rate that is set.",
        "Where it is far smaller, a larger bound or a higher rate.",
    ),
    Term(
        "direction kept",
        ("clipping.cosine",),
        "The cosine between the gradient and what clipping leaves of it; clipping by norm keeps the direction.",
        "1; by value above 0.9.",
        "Below that, clip by norm: k.",
    ),
    Term(
        "upd/w",
        ("update_ratio", "ratios", "whole", "update_ratio.norms"),
        "How far one update moves a matrix, as a share of the matrix: ‖Δw‖ / ‖w‖.",
        "1e-3 … 5e-3; from 2e-4 to 1e-2 is fine.",
        "Below that a higher rate (L), above it a lower one (l).",
    ),
    Term("‖w‖", ("weight_norms",), "The L2 norm of a weight matrix.", "Grows slowly.", "Weight decay holds it: W."),
    Term(
        "by lag",
        ("relative", "arrives", "by_lag"),
        "The gradient by the hidden state k characters back, as a share of that at the character itself.",
        "Falls to 1 % within ten to a hundred characters.",
        "Where it rises, clip or shorten windows; where it falls at once, a gated cell carries it further.",
    ),
    Term(
        "decay",
        ("decay",),
        "The factor by which the gradient changes with each character that it goes back.",
        "0.7 … 0.98.",
        "Above 1 it explodes, far below it vanishes.",
    ),
    Term(
        "half-life",
        ("half_life",),
        "Characters over which the gradient halves on its way back.",
        "2 … 30; grows while the network learns to remember.",
        "Windows should be several times as long.",
    ),
    Term(
        "reach",
        ("reach",),
        "From how many characters on less than 1 % of the gradient arrives.",
        "About seven half-lives.",
        "Windows much longer than that cost time and teach nothing more.",
    ),
    Term("lag", ("lag",), "How many characters back.", "From 1 to the window's length and beyond.", NOTHING),
    Term(
        "growth",
        ("growth",),
        "The largest gradient at any lag, relative to that at lag 0.",
        "1 at most.",
        "From 10 on it explodes: clip, or shorten the windows (b).",
    ),
    Term(
        "saturated",
        ("saturated", "gates.share", "first"),
        "The share of the values of gates and states that lie at the end of their range, where the slope is small.",
        "Up to 60 % in an LSTM that has learnt something; few at the start.",
        "Above 75 % a smaller rate, or smaller initial weights.",
    ),
    Term(
        "frozen",
        ("frozen", "frozen_gates"),
        "The share of the units that are saturated at the same side always, and so are constants.",
        "0 … 10 %.",
        "Many of them are of no use: a smaller rate.",
    ),
    Term(
        "forget",
        ("forget",),
        "The mean of the gate that says how much of the state is kept from one character to the next.",
        "0.5 … 0.9.",
        NOTHING,
    ),
    Term(
        "memory",
        ("memory",),
        "Characters that the forget gate implies: the mean over units of 1 / (1 − its mean).",
        "2 … 50; some units much longer.",
        "Where text needs more, longer windows teach it.",
    ),
    Term(
        "gradient error",
        ("gradient_error", "matrix_errors"),
        "How far the gradient is from that in float64, as a share of it.",
        "bfloat16 0.01, float32 below 1e-5.",
        "Above 0.05 dtype float32, which e sets.",
    ),
    Term(
        "loss error",
        ("loss_error",),
        "How far the loss is from that in float64, as a share of it.",
        "Below 0.01.",
        "As with the gradient.",
    ),
    Term(
        "not finite",
        ("non_finite",),
        "The share of the parameters and the gradient that are no numbers any more.",
        "0.",
        "u goes back to before it.",
    ),
    Term(
        "too small",
        ("subnormal", "lost"),
        "The share of the gradient's numbers that have become too small to be held, or zero.",
        "Below 1 %.",
        "dtype float32, which e sets, or a larger loss: targets all.",
    ),
    Term(
        "agreement",
        ("agreement", "agreement.share"),
        "The share of one update's gradient that other text agrees with.",
        "High at first, then 1 … 20 %; the larger the batch, the higher.",
        "Near 0 updates are noise: a smaller rate. High while the loss rests: the rate oversteps.",
    ),
    Term(
        "cosine",
        ("agreement.cosine",),
        "The mean cosine between the gradients of different updates, without clipping.",
        "0.01 … 0.5.",
        "As with the agreement.",
    ),
    Term(
        "signal and noise",
        ("signal", "noise"),
        "The squared size of what the gradients have in common, and of what they have not.",
        "More noise than signal.",
        "Their quotient is the number of such batches that would be worth one large one.",
    ),
    Term(
        "patience",
        ("patience",),
        "The agreement times the updates that move the weights by a tenth: how clear it is by then where to go.",
        "0.5 … 60.",
        "Above that a higher rate, below it a lower one.",
    ),
    Term(
        "seen",
        ("seen",),
        "The loss at fixed places of the training split, without dropout: the same text each time.",
        "Falls without the ups and downs of the loss.",
        "Where it rests, see `offer`.",
    ),
    Term(
        "held-out",
        ("held_out", "held_out_best"),
        "The loss at fixed places of the validation split.",
        "A little above what is seen.",
        "Where it rises while that falls, the text is learnt by heart: more dropout (D).",
    ),
    Term(
        "gap",
        ("gap",),
        "Held-out less seen: what is known of the text read only because it was read.",
        "0 … 0.3 nats.",
        "More dropout (D), weight decay (W), or more text.",
    ),
    Term(
        "by region",
        ("by_region", "regions", "place", "places"),
        "The loss at places throughout the training split, and where those are, as shares of it.",
        "Even; a hard chapter stands out and stays.",
        "Where all of it rises, the network is sick; where one does, the text is hard.",
    ),
    Term(
        "by class",
        ("classes",),
        "The loss by the kind of character that is predicted.",
        "Spaces are easy, capitals and digits hard.",
        NOTHING,
    ),
    Term(
        "rarest",
        ("rarest",),
        "The loss where one of the rarest characters is predicted, of those that make up 1 % of the text.",
        "4 … 8 nats.",
        "Falls last; where it does not at all, there is too little text for them.",
    ),
    Term(
        "by context",
        ("by_context",),
        "How much predictions depend on what stands before them: their mean divergence from the mean prediction, in "
        "nats.",
        "0 at the start, 0.4 after the first thousands of updates, 1 … 1.5 in the end.",
        "Where it stays at 0 the network knows the letters' frequencies and no more.",
    ),
    Term(
        "missed",
        ("missed",),
        "By how many nats a character the loss could fall at least if the network used the character so far back.",
        "Below 0.02 at every lag.",
        "Much at a far lag: longer windows (B), or a cell that remembers.",
    ),
    Term(
        "offer",
        ("offer",),
        "The most that is missed at one of the last eight characters: what is left to be learnt nearby.",
        "Falls to below 0.03.",
        "Where it stays, a larger network or another rate.",
    ),
    Term(
        "letters",
        ("letter_entropy",),
        "What a network pays that knows how frequent each character is, and nothing else.",
        "3.3 nats in English.",
        "A loss above it is worse than knowing nothing: a lower rate.",
    ),
    Term(
        "pairs",
        ("pair_entropy",),
        "What a network pays that knows the last character, and how frequent each is behind it.",
        "2.4 nats in English.",
        "Reached within the first hundreds of updates.",
    ),
    Term(
        "text",
        ("text_facts.characters", "validation_characters", "distinct"),
        "Characters in the training and in the validation split, and how many different ones.",
        "A million is enough for a network of some hundred thousand numbers.",
        "Less text wants more dropout.",
    ),
    Term(
        "known words",
        ("words", "known"),
        "The share of a sample's words of three letters or more that occur in the text.",
        "Above 80 % once it spells.",
        "Colder samples (t) have more of them.",
    ),
    Term(
        "names",
        ("names", "names_in_text"),
        "Different names in capitals in the sample that the text has, of as many as it has.",
        "Some in each sample.",
        NOTHING,
    ),
    Term("invented", ("invented",), "Words of the sample that the text does not have.", "Pronounceable ones.", NOTHING),
    Term(
        "sharpness × rate",
        ("sharpness", "product", "largest", "along_gradient", "bound", "ratio", "preconditioned"),
        "The largest curvature of the loss times the rate, and beside the bound above which an optimiser is unstable; "
        "of Adam the curvature as its steps meet it.",
        "The ratio comes up to about 1 and stays there.",
        "Far above 1 a lower rate; far below a higher one may be borne.",
    ),
    Term(
        "progress",
        ("progress",),
        "The share of itself by which the loss has fallen over the last half of the time.",
        "1 … 20 %.",
        "Below 1.5 % it rests.",
    ),
    Term("rise", ("rise",), "By how many nats the loss rose where the text changes.", "0.", NOTHING),
    Term(
        "elsewhere",
        ("elsewhere",),
        "By how many nats the loss of text read before rose meanwhile.",
        "0: then it is the text.",
        "As large as the rise: then it is the network.",
    ),
    Term(
        "targets",
        ("targets",),
        "The share of the characters read whose prediction counts for the loss.",
        "1.",
        "a takes the loss over all of them.",
    ),
    Term(
        "window",
        ("bptt",),
        "The BPTT length: characters between two updates, beyond which no gradient goes.",
        "20 … 200.",
        "b and B.",
    ),
)

_BY_FIELD = {field: term for term in TERMS for field in term.fields}


def find(field: str, instrument: str = "") -> Term | None:
    """The term of a field, or None; that of the instrument, where several instruments have such a field."""
    return _BY_FIELD.get(f"{instrument}.{field}") or _BY_FIELD.get(field)


def sorted_for(fields: Iterable[str]) -> list[Term]:
    """All terms: first those of `fields`, in the same order."""
    first = dict.fromkeys(term.name for field in fields if (term := find(field)))
    named = {term.name: term for term in TERMS}
    return [named[name] for name in first] + [term for term in TERMS if term.name not in first]


def matching(terms: Iterable[Term], words: str) -> list[Term]:
    """The terms that contain all of the words; upper and lower case are the same."""
    wanted = words.casefold().split()
    return [
        term
        for term in terms
        if all(word in " ".join((term.name, *term.fields, term.what)).casefold() for word in wanted)
    ]
