"""Facts about a text that are known before any training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.instruments.text_change import held_out_change, text_change
from engine.text.corpus import Corpus

COUNTED = 1_000_000
"""The most entries that are counted."""

CONTEXTS = 3
"""The most characters before one whose entropy given these is counted."""

OFTEN = 50
"""How often stretches of a length occur on average where the entropy of their last character can be relied on."""

COUNTED_IN_CONTEXT = 200_000
"""The entries that are counted with the characters before them: they are sorted, which takes time."""

MOST_BINS = 2**22
"""The largest table in which pairs are counted, 32 MiB; the pairs of a larger vocabulary are sorted."""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """The sizes and entropies of a text.

    Entropies are in nats per character: the loss of a network that knows the frequencies and nothing else.

    Attributes:
        letter_entropy: the entropy of the frequencies of single characters.
        pair_entropy: the entropy of a character given the one before it, H(x_t | x_{t−1}).
        context_entropies: (CONTEXTS + 1,) the entropy of a character given the 0, 1, 2 … before it, from a part of the
            text. Of long stretches, which occur seldom, it is too small.
        sure_contexts: the most characters before one with which it can be relied on.
        characters: the number of characters in the training split, which withheld blocks are no part of.
        validation_characters: the number of characters in the validation split.
        distinct: the number of different entries of the vocabulary among those counted.
        change_place: the place of the largest change of the text, as a share of the training split; nan without one.
        change: how much more a table of the pairs before that place loses after it, in nats per character.
        held_out_change: how much more a table of the pairs of the training split loses on the validation split; 0 where
            that is what parts of the training split vary by.
    """

    letter_entropy: float
    pair_entropy: float
    context_entropies: tuple[float, ...]
    sure_contexts: int
    characters: int
    validation_characters: int
    distinct: int
    change_place: float
    change: float
    held_out_change: float


def text_facts(corpus: Corpus) -> TextFacts:
    """Count the first `COUNTED` entries before the validation split.

    Where characters are spelled in bytes, the entropies are those of entries times the entries per character.
    """
    per_char, size = corpus.tokens_per_char, corpus.vocabulary.size
    ids = corpus.before_split[:COUNTED].astype(np.int64)
    counts = np.bincount(ids, minlength=size)
    pairs = _counts(ids[:-1] * size + ids[1:], size**2)
    letters = _entropy(counts)
    # H(x_t | x_{t−1}) = H(x_{t−1}, x_t) − H(x_{t−1}). In a text too short for its pairs the bias corrections may make
    # the difference negative or larger than the letters' entropy.
    behind = _entropy(pairs) - _entropy(np.bincount(ids[:-1], minlength=size))
    changes = text_change(corpus.training)
    in_context, sure = _in_context(ids[:COUNTED_IN_CONTEXT])
    return TextFacts(
        letter_entropy=letters * per_char,
        pair_entropy=min(max(behind, 0.0), letters) * per_char,
        context_entropies=tuple(each * per_char for each in in_context),
        sure_contexts=sure,
        characters=round(len(corpus.training) / per_char),
        validation_characters=round(len(corpus.validation) / per_char),
        distinct=int(np.count_nonzero(counts)),
        change_place=changes.place,
        change=changes.rise * per_char,
        held_out_change=held_out_change(corpus.training, corpus.validation) * per_char,
    )


def _in_context(ids: NDArray[np.int64]) -> tuple[list[float], int]:
    """H(x_t | the k before it) in nats per entry for k = 0 … CONTEXTS, and the largest k that can be relied on.

    They are differences of the joint entropies of k + 1 and of k entries.
    """
    size = int(ids.max()) + 1
    found: list[float] = []
    keys, before, sure = ids, 0.0, 0
    for length in range(CONTEXTS + 1):
        if length:
            _, keys = np.unique(keys[:-1] * size + ids[length:], return_inverse=True)
        counts = np.bincount(keys)
        sure = length if np.count_nonzero(counts) * OFTEN <= len(keys) else sure
        joint = _entropy(counts)
        # More of the past never makes a character less certain; only chance and the correction of the bias do.
        found.append(min([max(0.0, joint - before), *found]))
        before = joint
    return found, sure


def _counts(keys: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """The count of each key, in no particular order; keys that do not occur may be missing or 0."""
    return np.bincount(keys, minlength=bins) if bins <= MOST_BINS else np.unique(keys, return_counts=True)[1]


def _entropy(counts: NDArray[np.int64]) -> float:
    """The entropy in nats of the distribution that the counts were drawn from.

    The entropy of the frequencies is too small, to first order by (K − 1) / 2N for K kinds in N draws (Miller 1955,
    "Note on the bias of information estimates"). This is added.
    """
    counts = counts[counts > 0]
    total = counts.sum()
    shares = counts / total
    return float(-(shares * np.log(shares)).sum() + (len(counts) - 1) / (2 * total))
