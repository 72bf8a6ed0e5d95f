"""Losses that simple models reach on this very text, so that a network's loss means something.

Each is measured on the validation split, by counts from the text before it: what a model knows that looks at nothing,
at the letter before, at the two letters before. Counts of different orders are interpolated as Witten & Bell do (1991,
"The zero-frequency problem", method C): after a context that occurred n times with d different continuations, the next
shorter one has the weight d / (n + d).
"""

from __future__ import annotations

import lzma
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.text.corpus import Corpus

COUNTED, READ = 300_000, 30_000
"""The most entries that are counted, and the most of the validation split on which their models are measured."""

COMPRESSED = 100_000
"""The most bytes that are compressed."""

ORDERS = 3
"""The number of characters in the longest stretches that are counted."""


@dataclass(frozen=True, slots=True)
class ReferenceLevels:
    """Losses of simple models, in nats per character.

    Attributes:
        uniform: that of a model for which all entries of the vocabulary are equally likely.
        letters: that of one that knows how often each character occurs.
        pairs: that of one that also knows what follows each character.
        triples: that of one that also knows what follows each two characters.
        xz: the compressed size of the text by xz, which finds stretches that occur again.
    """

    uniform: float
    letters: float
    pairs: float
    triples: float
    xz: float


def reference_levels(corpus: Corpus) -> ReferenceLevels:
    """Measure the levels of a text."""
    size, per_char = corpus.vocabulary.size, corpus.tokens_per_char
    counted = corpus.before_split[-COUNTED:].astype(np.int64)
    read = corpus.validation[:READ].astype(np.int64)
    letters, pairs, triples = (each * per_char for each in interpolated(counted, read, size))
    return ReferenceLevels(math.log(size) * per_char, letters, pairs, triples, _xz(corpus))


def interpolated(counted: NDArray[np.int64], read: NDArray[np.int64], size: int) -> list[float]:
    """The mean loss of each order's model in nats per entry, all over the same entries of `read`.

    Args:
        counted: (n,) the entries from which the models are made.
        read: (m,) those on which they are measured.
        size: the number of different entries that there may be.
    """
    places = np.arange(ORDERS - 1, len(read)) if len(read) >= ORDERS else np.arange(0)
    chances = np.full(len(places), 1 / size)
    losses = []
    # The numbers of contexts in both texts, and of the contexts that each is followed by: nobody needs to know which.
    contexts = np.zeros(len(counted), np.int64), np.zeros(len(places), np.int64)
    for order in range(1, ORDERS + 1):
        here, there = contexts
        stretches = here * size + counted[order - 1 :]
        wanted = there * size + read[places]
        kinds, count = np.unique(stretches, return_counts=True)
        seen, continuations = np.unique(here, return_counts=True)[1], np.unique(kinds // size, return_counts=True)
        n = _looked_up(np.unique(here), seen, there)
        d = _looked_up(*continuations, there)
        known = _looked_up(kinds, count, wanted)
        with np.errstate(invalid="ignore"):
            chances = np.where(n > 0, (known + d * chances) / (n + d), chances)
        losses.append(float(-np.log(chances).mean()) if len(places) else math.nan)
        if order < ORDERS:
            contexts = _longer(counted, read, places, order, size)
    return losses


def _longer(
    counted: NDArray[np.int64], read: NDArray[np.int64], places: NDArray[np.int64], length: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers for the `length` entries before each one, the same in both texts; -1 for those that were not counted."""
    here, there = (np.zeros(len(each), np.int64) for each in (counted[length:], places))
    for back in range(length, 0, -1):
        here = here * size + counted[length - back : len(counted) - back]
        there = there * size + read[places - back]
        names = np.unique(here)
        found = np.minimum(np.searchsorted(names, there), len(names) - 1)
        there = np.where(names[found] == there, found, -1) if len(names) else np.full(len(there), -1)
        here = np.searchsorted(names, here)
    return here, there


def _looked_up(names: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The value of each wanted name; 0 where it has none."""
    if not len(names):
        return np.zeros(len(wanted), np.int64)
    found = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return np.where(names[found] == wanted, values[found], 0)


def _xz(corpus: Corpus) -> float:
    """The nats per character that xz takes for the validation split with the text before it, or for a part of these."""
    text = corpus.vocabulary.decode(corpus.ids[-COMPRESSED:].tolist()).encode("utf-8", "surrogatepass")[-COMPRESSED:]
    characters = len(text.decode("utf-8", "ignore"))
    return len(lzma.compress(text)) * 8 * math.log(2) / max(1, characters)
