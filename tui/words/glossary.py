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


NOTHING = "Nothing; it is there for comparison."

TERMS = (
    Term(
        "loss",
        ("loss",),
        "How surprised the network is by the next character, in nats: the mean of −ln of the probability it gave it.",
        "Falls from about 3.3 in English; good networks reach 1.0 … 1.4 on text that they have not read.",
        "If it rises or no longer falls, F shows the likely cause and the evidence.",
    ),
    Term(
        "race",
        ("race",),
        "Variants that differ in one thing, each trained with the same seeds on the same text in the same order.",
        "Three seeds if the difference is large; more if it is small, up to the limit.",
        "r begins one, R stops one; finished work is kept.",
    ),
    Term(
        "verdict",
        ("verdict",),
        "The result of a race for a variant: better, worse, no difference that matters, or undecided.",
        "✓ better, ✗ worse, = no difference that matters, ? undecided.",
        "If it stays undecided, use more seeds or a longer race; the difference may be too small to find.",
    ),
    Term(
        "interval",
        ("interval",),
        "The range that holds the true difference of the validation losses in 19 of 20 races, however often one looks.",
        "It is over seeds of one text and one size; with two seeds it is infinite.",
        "More seeds make it narrower; if a seed diverges, it becomes an interval for the median.",
    ),
    Term(
        "levels",
        ("uniform", "letters", "pairs", "triples", "xz"),
        "The loss on this text of a model that knows nothing, letters, pairs or triples of them, or repeats (xz).",
        "In English: letters 3.3, pairs 2.5, triples 2.0, xz 1.9.",
        "A network that stays at one of these levels has learnt no more than that model.",
    ),
    Term("bits", ("bits",), "The loss in bits per character: nats divided by ln 2.", "1.4 … 2.2 in English.", NOTHING),
    Term(
        "val",
        ("val", "val_loss"),
        "The loss over the whole validation split, which is never trained on.",
        "A little above the training loss.",
        "If it rises while the training loss falls, use more dropout (D), or stop.",
    ),
    Term("best", ("best",), "The lowest validation loss of this run.", "The last one, or near it.", NOTHING),
    Term(
        "speed",
        ("speed",),
        "Characters trained on per second, over the last seconds.",
        "As `charrnn-tui bench` measures on this machine.",
        "One stream with dropout is slow; other programs on the same processors slow it down too.",
    ),
    Term(
        "budget",
        ("budget",),
        "The share of the training's seconds, updates or characters that is used up.",
        "Rises to 100 %.",
        "space trains on after its end.",
    ),
    Term(
        "update",
        ("update", "updates", "chars", "characters"),
        "How many times the weights have changed since the run's start, and the characters that were read for that.",
        "Thousands.",
        NOTHING,
    ),
    Term(
        "rate",
        ("lr",),
        "The learning rate: how far an update goes along its direction; in brackets, its value after the schedule.",
        "1e-3 … 1e-2 with Adam.",
        "l lowers it, L raises it; judge it by the update ratio.",
    ),
    Term(
        "loss spread",
        ("loss_spread",),
        "The standard deviation of the updates' losses around their mean.",
        "0.02 … 0.2 with 16 streams; more with one.",
        "A large spread hides progress: use more streams, or longer windows.",
    ),
    Term(
        "worst stream",
        ("worst_loss", "worst_place"),
        "The highest loss of one stream, and where in the text that stream was.",
        "Up to 1.5 times the mean.",
        "Pane 7 shows whether the text is harder there; if so, nothing is wrong with the network.",
    ),
    Term(
        "gradient norm",
        ("grad_norm", "grad_norm_max", "norms"),
        "The L2 norm of the gradient before clipping, over all parameters or those of one matrix.",
        "Falls slowly as the loss does; single values are several times as large.",
        "If it grows tenfold or more, use a lower rate, or clip at about its usual size.",
    ),
    Term(
        "by lag: norm",
        ("gradient_by_lag.norm",),
        "The gradient of one character's loss with respect to the hidden state just before it.",
        "Below 1; it falls with the loss.",
        NOTHING,
    ),
    Term(
        "clipped",
        ("clipped", "clipping.cut", "cut"),
        "The share of the updates whose gradient was clipped; of one window, the share of its numbers that are cut.",
        "0 … 20 %.",
        "Near 100 %, the bound sets the length of every step: raise it with ], unless that is intended.",
    ),
    Term(
        "clip factor",
        ("clip_factor", "clipping.factor", "factor"),
        "What clipping left of a clipped gradient's norm, as a share of it, in the median.",
        "0.3 … 1.",
        "Below 0.05, use a larger bound (]).",
    ),
    Term(
        "acts like a rate of",
        ("rate_used",),
        "The rate that would have had the same effect without clipping. Adam divides by the gradient's size, so "
        "cutting every gradient alike changes nothing there.",
        "About the rate that is set.",
        "If it is far lower, use a larger bound or a higher rate.",
    ),
    Term(
        "direction kept",
        ("clipping.cosine",),
        "The cosine between the gradient before and after clipping; clipping by norm keeps the direction.",
        "1; by value above 0.9.",
        "Below that, clip by norm: k.",
    ),
    Term(
        "upd/w",
        ("update_ratio", "ratios", "whole", "update_ratio.norms"),
        "How far one update moves a matrix, as a share of the matrix: ‖Δw‖ / ‖w‖.",
        "1e-3 … 5e-3; from 2e-4 to 1e-2 is fine.",
        "Below that, use a higher rate (L); above it, a lower one (l).",
    ),
    Term(
        "‖w‖",
        ("weight_norms",),
        "The L2 norm of a weight matrix.",
        "Grows slowly.",
        "If it keeps growing, use more weight decay (W).",
    ),
    Term(
        "by lag",
        ("relative", "arrives", "by_lag"),
        "The gradient with respect to the hidden state k characters back, as a share of that at lag 0.",
        "Falls to 1 % within ten to a hundred characters.",
        "If it rises, clip or shorten windows; if it falls at once, a gated cell (gru, lstm) carries it further.",
    ),
    Term(
        "decay",
        ("decay",),
        "The factor by which the gradient changes with each character that it goes back.",
        "0.7 … 0.98.",
        "Above 1, the gradient explodes; far below 1, it vanishes.",
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
        "The characters beyond which less than 1 % of the gradient arrives.",
        "About seven half-lives.",
        "Windows much longer than that cost time and teach nothing more.",
    ),
    Term("lag", ("lag",), "How many characters back.", "From 1 to the window's length and beyond.", NOTHING),
    Term(
        "growth",
        ("growth",),
        "The largest gradient at any lag, relative to that at lag 0.",
        "1 at most.",
        "At 10 and more, the gradient explodes: clip (c), or shorten the windows (b).",
    ),
    Term(
        "saturated",
        ("saturated", "gates.share", "first"),
        "The share of the values of gates and states that lie at the end of their range, where the slope is small.",
        "Up to 60 % in an LSTM that has learnt something; few at the start.",
        "Above 75 %, use a lower rate, or smaller initial weights.",
    ),
    Term(
        "frozen",
        ("frozen", "frozen_gates"),
        "The share of the units that are always saturated on the same side, and so are constant.",
        "0 … 10 %.",
        "Such units are useless: if there are many, use a lower rate.",
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
        "The characters of memory that the forget gate implies: the mean over units of 1 / (1 − the gate's mean).",
        "2 … 50; some units much longer.",
        "If the text needs more, use longer windows (B).",
    ),
    Term(
        "gradient error",
        ("gradient_error", "matrix_errors"),
        "The distance of the gradient from the one in float64, as a share of the latter.",
        "bfloat16 0.01, float32 below 1e-5.",
        "Above 0.05, set dtype float32 with e.",
    ),
    Term(
        "loss error",
        ("loss_error",),
        "The distance of the loss from the one in float64, as a share of the latter.",
        "Below 0.01.",
        "As for the gradient error.",
    ),
    Term(
        "not finite",
        ("non_finite",),
        "The share of the parameters and the gradient that are infinite or nan.",
        "0.",
        "u goes back to the state before.",
    ),
    Term(
        "too small",
        ("subnormal", "lost"),
        "The share of the gradient's numbers that are too small to be stored in full, or zero.",
        "Below 1 %.",
        "Set dtype float32 with e, or take the loss over all targets (a).",
    ),
    Term(
        "agreement",
        ("agreement", "agreement.share"),
        "The share of an update's gradient that gradients of other text agree with.",
        "High at first, then 1 … 20 %; the larger the batch, the higher.",
        "Near 0, updates are noise: use a lower rate. High while the loss does not fall: the rate is too high.",
    ),
    Term(
        "cosine",
        ("agreement.cosine",),
        "The mean cosine between the gradients of different updates, without clipping.",
        "0.01 … 0.5.",
        "As for the agreement.",
    ),
    Term(
        "signal and noise",
        ("signal", "noise"),
        "The squared size of what gradients of different text have in common, and of what differs.",
        "More noise than signal.",
        "Noise divided by signal is the number of such batches that are worth joining into one.",
    ),
    Term(
        "patience",
        ("patience",),
        "The agreement times the updates that move the weights by a tenth: how clear the direction is by then.",
        "0.5 … 60.",
        "Above that, use a higher rate (L); below it, a lower one (l).",
    ),
    Term(
        "seen",
        ("seen",),
        "The loss at fixed places of the training split, without dropout: the same text each time.",
        "Falls more smoothly than the loss.",
        "If it no longer falls, see `offer`.",
    ),
    Term(
        "withheld",
        ("withheld",),
        "The loss on short blocks of the training part that are never trained on.",
        "As the held-out loss.",
        "If only the held-out loss rises, the end of the text is of another kind.",
    ),
    Term(
        "held-out",
        ("held_out", "held_out_best"),
        "The loss at fixed places of the validation split.",
        "A little above `seen`.",
        "If it rises while `seen` falls, the network memorises its training text: use more dropout (D).",
    ),
    Term(
        "gap",
        ("gap",),
        "Held-out minus seen: how much better the network knows a text only because it has read it.",
        "0 … 0.3 nats.",
        "Above that, use more dropout (D), more weight decay (W), or more text.",
    ),
    Term(
        "by region",
        ("by_region", "regions", "place", "places"),
        "The loss at places throughout the training split, which are given as shares of its length.",
        "Even; a hard chapter stands out and stays.",
        "If it rises everywhere, something is wrong with the network; if in one place, the text is hard there.",
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
        "The loss at the rarest characters, which together make up 1 % of the text.",
        "4 … 8 nats.",
        "It falls last; if it never falls, the text has too few of these characters.",
    ),
    Term(
        "by context",
        ("by_context",),
        "How much predictions depend on what comes before: their mean divergence from the mean prediction, in nats.",
        "0 at the start, 0.4 after the first thousands of updates, 1 … 1.5 in the end.",
        "If it stays at 0, the network knows only the frequencies of letters.",
    ),
    Term(
        "uncertain within and behind the window",
        ("within", "behind"),
        "The entropy of a character given those within a window of one or two, and given three: what a perfect memory "
        "of so many characters leaves, in nats.",
        "Within is 0.2 … 1 nats more than behind.",
        "If the loss stays near within, use longer windows (B).",
    ),
    Term(
        "missed",
        ("missed",),
        "Nats per character by which the loss would fall, at least, if the network used the character this far back.",
        "Below 0.02 at every lag.",
        "If much is missed at a long lag, use longer windows (B), or a gru or lstm.",
    ),
    Term(
        "offer",
        ("offer",),
        "The most that is missed at one of the last eight characters: what is left to learn nearby.",
        "Falls to below 0.03.",
        "If it no longer falls, use a larger network or another rate.",
    ),
    Term(
        "letters",
        ("letter_entropy",),
        "The loss of a network that knows only how frequent each character is.",
        "3.3 nats in English.",
        "A higher loss is worse than knowing nothing: use a lower rate.",
    ),
    Term(
        "target classes",
        ("target_entropy",),
        "The loss of a network that knows only how often each class is a target.",
        "ln n for n classes that are equally frequent.",
        "A higher loss is worse than knowing nothing: use a lower rate.",
    ),
    Term(
        "pairs",
        ("pair_entropy",),
        "The loss of a network that knows only the last character, and how frequent each one is after it.",
        "2.4 nats in English.",
        "Reached within the first hundreds of updates.",
    ),
    Term(
        "text",
        ("text_facts.characters", "validation_characters", "distinct"),
        "Characters in the training split and in the validation split, and how many different ones.",
        "A million is enough for a network of some hundred thousand parameters.",
        "Less text needs more dropout (D).",
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
        "Different names in capitals in the sample that the text has too, and how many it has.",
        "Some in each sample.",
        NOTHING,
    ),
    Term("invented", ("invented",), "Words of the sample that the text does not have.", "Pronounceable ones.", NOTHING),
    Term(
        "sharpness × rate",
        ("sharpness", "product", "largest", "along_gradient", "bound", "ratio", "preconditioned"),
        "The largest curvature of the loss times the rate, and its ratio to the bound above which the optimiser is "
        "unstable; for Adam, the curvature as its steps meet it.",
        "The ratio rises to about 1 and stays there.",
        "Far above 1, use a lower rate (l); far below, a higher one may work (L).",
    ),
    Term(
        "progress",
        ("progress",),
        "The share by which the loss has fallen over the last half of the time.",
        "1 … 20 %.",
        "Below 1.5 %, the loss no longer falls: F shows the likely cause.",
    ),
    Term("rise", ("rise",), "Nats by which the loss rose where the text changes.", "0.", NOTHING),
    Term(
        "elsewhere",
        ("elsewhere",),
        "Nats by which the loss on text read before rose meanwhile.",
        "0: then the text is the reason.",
        "If it is as large as the rise, the network is the reason.",
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
        "b shortens it, B lengthens it.",
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
