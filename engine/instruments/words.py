"""Which words of the text a sample has learnt."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.text.corpus import Corpus
from engine.text.vocabulary import BYTES, Ids, Vocabulary

MOST_READ = 1_000_000
"""Entries of the training split that are read for words."""

WORD = re.compile(r"[^\W\d_](?:['’]?[^\W\d_])+")
"""Two letters or more, of any script, with apostrophes between them; those around a word may be quotation marks."""

LEAST_LETTERS = 3
"""Shorter words are hit by chance, and shorter capitals are no names."""

EXAMPLES = 5


@dataclass(frozen=True, eq=False, slots=True)
class Lexicon:
    """The words of a text.

    Attributes:
        words: all of them, case-folded.
        names: those in capitals, of `LEAST_LETTERS` letters or more, such as KING or ROMEO before a speech.
    """

    words: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, corpus: Corpus) -> Lexicon:
        """The words of the training split, of its first `MOST_READ` entries at most."""
        found = set(WORD.findall(_decoded(corpus.vocabulary, corpus.training[:MOST_READ])))
        return cls(frozenset(map(str.casefold, found)), frozenset(filter(_is_name, found)))

    def has(self, word: str) -> bool:
        """Whether the text has a word: a name in capitals just so, any other in whatever case."""
        return word in self.names if _is_name(word) else word.casefold() in self.words


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a sample.

    Attributes:
        words: how many there are, of two letters or more.
        known: the share of those of `LEAST_LETTERS` letters or more that the text has, 0 … 1; nan where there are none.
        names: how many different names in capitals it has that the text has.
        names_in_text: how many different ones the text has.
        invented: `EXAMPLES` at most of words of `LEAST_LETTERS` letters or more that the text does not have.
    """

    words: int
    known: float
    names: int
    names_in_text: int
    invented: tuple[str, ...]


def words(lexicon: Lexicon, sample: str) -> Words:
    """Look a sample's words up in a text's.

    Args:
        lexicon: the text's words.
        sample: what a network wrote. A word that reaches up to its end may not be complete, and is left out.
    """
    found = [match.group() for match in WORD.finditer(sample) if match.end() < len(sample)]
    longer = [word for word in found if _letters(word) >= LEAST_LETTERS]
    invented = [word for word in longer if not lexicon.has(word)]
    return Words(
        words=len(found),
        known=1 - len(invented) / len(longer) if longer else math.nan,
        names=len(lexicon.names.intersection(longer)),
        names_in_text=len(lexicon.names),
        invented=tuple(dict.fromkeys(invented))[:EXAMPLES],
    )


def _is_name(word: str) -> bool:
    return word.isupper() and _letters(word) >= LEAST_LETTERS


def _letters(word: str) -> int:
    return len(word) - word.count("'") - word.count("’")


def _decoded(vocabulary: Vocabulary, ids: Ids) -> str:
    """The same as `Vocabulary.decode`, for millions of ids: it puts their UTF-8 together."""
    spelled = [bytes([byte]) for byte in range(BYTES if vocabulary.spells else 0)]
    spelled += [character.encode() for character in vocabulary.characters]
    lengths = np.array([len(each) for each in spelled])
    table: NDArray[np.uint8] = np.zeros((len(spelled), lengths.max()), np.uint8)
    for entry, each in enumerate(spelled):
        table[entry, : len(each)] = list(each)
    inside = np.arange(table.shape[1]) < lengths[:, None]
    return table[ids][inside[ids]].tobytes().decode("utf-8", "replace")
