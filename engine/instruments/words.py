"""The words of a sample, compared with those of the text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.text.corpus import Corpus
from engine.text.vocabulary import BYTES, Ids, Vocabulary

MOST_READ = 1_000_000
"""The most entries of the training split that are searched for words."""

WORD = re.compile(r"[^\W\d_](?:['’]?[^\W\d_])+")
"""Two letters or more, of any script. Apostrophes count only between letters: those around a word may be quotation
marks."""

LEAST_LETTERS = 3
"""The fewest letters of a word that is judged, and of a name: shorter words are hit by chance."""

EXAMPLES = 5
"""The most invented words that a reading holds."""


@dataclass(frozen=True, eq=False, slots=True)
class Lexicon:
    """The words of a text.

    Attributes:
        words: all words, case-folded.
        names: the words in capitals with at least `LEAST_LETTERS` letters, such as KING or ROMEO before a speech.
    """

    words: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, corpus: Corpus) -> Lexicon:
        """The words in the first `MOST_READ` entries of the training split."""
        found = set(WORD.findall(_decoded(corpus.vocabulary, corpus.before_split[:MOST_READ])))
        return cls(frozenset(map(str.casefold, found)), frozenset(filter(_is_name, found)))

    def has(self, word: str) -> bool:
        """Whether the text has a word. A name must be in capitals there; any other word may have any case."""
        return word in self.names if _is_name(word) else word.casefold() in self.words


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a sample.

    Attributes:
        words: the number of words of two letters or more.
        known: the share of the words with at least `LEAST_LETTERS` letters that the text has, 0 … 1; nan where the
            sample has no such word.
        names: the number of different names in capitals that the text has too.
        names_in_text: the number of different names in the text.
        invented: at most `EXAMPLES` words of at least `LEAST_LETTERS` letters that the text does not have.
    """

    words: int
    known: float
    names: int
    names_in_text: int
    invented: tuple[str, ...]


def words(lexicon: Lexicon, sample: str) -> Words:
    """Look up a sample's words among those of a text.

    Args:
        lexicon: the text's words.
        sample: the text that a network wrote. A word that reaches its end may be incomplete, and is left out.
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
    """The same as `Vocabulary.decode`, but quick for millions of ids: it joins their UTF-8 bytes."""
    spelled = [bytes([byte]) for byte in range(BYTES if vocabulary.spells else 0)]
    spelled += [character.encode() for character in vocabulary.characters]
    lengths = np.array([len(each) for each in spelled])
    table: NDArray[np.uint8] = np.zeros((len(spelled), lengths.max()), np.uint8)
    for entry, each in enumerate(spelled):
        table[entry, : len(each)] = list(each)
    inside = np.arange(table.shape[1]) < lengths[:, None]
    return table[ids][inside[ids]].tobytes().decode("utf-8", "replace")
