"""The words and names that a network knows: those whose letters it foresees once it has read the first two.

A word's letters after its first two are compared with the letters of rare words, of the same case and at the same place
in their word. A network that only knows how words are spelled in general predicts both equally well.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.learnt.reading import Reading

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""Letters of any script, with apostrophes between them."""

GIVEN = 2
"""The letters at a word's beginning that are not counted: they decide which word it is."""

LEAST_LETTERS = 4
"""The fewest letters of a word that is judged."""

LEAST_SEEN = 4
"""The fewest occurrences of a word that is judged."""

RARE = 2
"""The most occurrences of a rare word."""

LEAST_RARE = 30
"""The fewest letters of rare words that say what letters of a kind cost; with fewer, those of all words do."""

KNOWN = 0.5
"""A word is known where its letters cost less than this share of those of rare words."""

LATEST = 7
"""Letters from this place in their word on are one kind."""

QUANTILE = 1.959964
"""Of the normal distribution: 95 of 100 values are within so many standard deviations."""


class Standing(StrEnum):
    """Whether a word is known."""

    KNOWN = "known"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class KnownWord:
    """A word as the network predicts it.

    Attributes:
        word: the word, as it is written.
        count: how often it occurs.
        name: whether it is a name: written with a capital, and nowhere without.
        share: the loss of its letters after the first two, over what such letters cost in rare words.
        low, high: the ends of the share's interval.
    """

    word: str
    count: int
    name: bool
    share: float
    low: float
    high: float

    @property
    def standing(self) -> Standing:
        """Whether it is known; open where its interval leaves that so."""
        if self.high < KNOWN:
            return Standing.KNOWN
        return Standing.UNKNOWN if self.low > KNOWN else Standing.OPEN


def known_words(reading: Reading) -> list[KnownWord]:
    """Every word that is long and frequent enough to be judged, the most frequent first.

    Words at either end of the text may be cut, and are left out.
    """
    found = list(_found(reading.text))
    counts = Counter(word for _, word in found)
    usual = _Usual.of(reading, found, counts)
    occurrences: dict[str, list[float]] = {}
    for place, word in found:
        if counts[word] >= LEAST_SEEN and len(word) >= LEAST_LETTERS:
            letters = reading.losses[place + GIVEN : place + len(word)]
            occurrences.setdefault(word, []).append(float(letters.mean(dtype=np.float64)))
    judged = [
        _judged(word, np.array(costs), usual.cost(word), is_name=_is_name(word, counts))
        for word, costs in occurrences.items()
    ]
    return sorted(judged, key=lambda each: (-each.count, each.word))


def _found(text: str) -> Iterator[tuple[int, str]]:
    """The place and the spelling of each whole word."""
    for match in WORD.finditer(text):
        if match.start() > 0 and match.end() < len(text):
            yield match.start(), match.group()


def _judged(word: str, costs: NDArray[np.float64], usual: float, *, is_name: bool) -> KnownWord:
    mean = float(costs.mean())
    error = _students(len(costs) - 1) * float(costs.std(ddof=1)) / math.sqrt(len(costs))
    share, low, high = (max(0.0, each) / usual for each in (mean, mean - error, mean + error))
    return KnownWord(word, len(costs), is_name, share, low, high)


def _students(freedom: int) -> float:
    """Student's quantile for an interval that holds a mean in 95 of 100 cases, to 2 % from three degrees of freedom on.

    The expansion around the normal distribution's quantile (Abramowitz & Stegun 1964, 26.7.5).
    """
    z, n = QUANTILE, freedom
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / n + second / n**2 + third / n**3


def _is_name(word: str, counts: Counter[str]) -> bool:
    # A single letter before an apostrophe is a pronoun or an article, as in I'll and L'amour.
    return word[0].isupper() and word[1] not in "'’" and word.lower() not in counts


@dataclass(frozen=True, slots=True)
class _Usual:
    """The cost of letters in rare words, by their kind.

    Attributes:
        by_kind: the mean loss of each kind.
        mean: that of all.
    """

    by_kind: dict[tuple[bool, int], float]
    mean: float

    @classmethod
    def of(cls, reading: Reading, found: Sequence[tuple[int, str]], counts: Counter[str]) -> _Usual:
        """From the letters of the rare words of a text."""
        rare, every = _Letters(), _Letters()
        for place, word in found:
            for offset in range(GIVEN, len(word)):
                loss = float(reading.losses[place + offset])
                every.add(word, offset, loss)
                if counts[word] <= RARE:
                    rare.add(word, offset, loss)
        by_kind = {
            kind: float(np.mean(rare.losses[kind] if len(rare.losses.get(kind, ())) >= LEAST_RARE else losses))
            for kind, losses in every.losses.items()
        }
        return cls(by_kind, every.mean())

    def cost(self, word: str) -> float:
        """The mean cost of the letters of such a word after its first two; never 0."""
        costs = [self.by_kind.get(_kind(word, offset), self.mean) for offset in range(GIVEN, len(word))]
        return max(float(np.mean(costs)), 1e-9)


class _Letters:
    """The losses of letters by their kind."""

    def __init__(self) -> None:
        self.losses: dict[tuple[bool, int], list[float]] = {}

    def add(self, word: str, offset: int, loss: float) -> None:
        self.losses.setdefault(_kind(word, offset), []).append(loss)

    def mean(self) -> float:
        every = [loss for losses in self.losses.values() for loss in losses]
        return float(np.mean(every)) if every else 0.0


def _kind(word: str, offset: int) -> tuple[bool, int]:
    """Whether a letter is a capital, and its place in the word."""
    return word[offset].isupper(), min(offset, LATEST)
