"""Small texts of known entropy that need a known memory, made without a network connection.

Each is always the same, since checkpoints know their text by its digest. So they use only the part of `random` that
Python promises not to change.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from itertools import accumulate
from random import Random
from string import ascii_lowercase

LENGTH = 130_000
"""The approximate number of characters in each text."""

LAG = 40
"""The distance in characters from a letter of the recall text to its return."""

WORD = 4
"""The number of letters in the recall text's words."""

LETTERS: Mapping[str, float] = dict.fromkeys("ABCD", 1 / 4)
"""The probabilities of the letters in the recall text's words."""

FILLER: Mapping[str, float] = {".": 15 / 16, ",": 1 / 16}
"""The probabilities of the characters between a word and its return."""

COIN: Mapping[str, float] = {"a": 1 / 2, "b": 1 / 4, "c": 1 / 8, "d": 1 / 8}
"""The probabilities of the coin text's characters."""


def alphabet() -> str:
    """The alphabet repeated: 0 nats per character for a network that remembers one character."""
    return ascii_lowercase * (LENGTH // len(ascii_lowercase))


def recall() -> str:
    """Lines such as `DABC......,..........,.............?DABC`: a word, filler, and the word again.

    A line has 45 characters: a word of `WORD` random letters, `LAG - WORD - 1` characters of random filler (0.234 nats
    each), a question mark, the word again, and a line end. Each letter returns `LAG` characters after it first occurs.

    The word costs 4 ln 4 = 5.55 nats the first time. A memory that reaches `LAG` characters back predicts its return
    with certainty, so the loss can fall to (35 × 0.234 + 5.55) / 45 = 0.305 nats per character. With a shorter memory
    the return costs as much as the first time, and the lowest loss is (35 × 0.234 + 2 × 5.55) / 45 = 0.428.
    """
    gap = LAG - WORD - 1
    lines = LENGTH // (LAG + WORD + 1)
    letters, filler = _draws(LETTERS, lines * WORD, seed=1), _draws(FILLER, lines * gap, seed=2)
    words = (letters[line * WORD : (line + 1) * WORD] for line in range(lines))
    gaps = (filler[line * gap : (line + 1) * gap] for line in range(lines))
    return "".join(f"{word}{between}?{word}\n" for word, between in zip(words, gaps, strict=True))


def coin() -> str:
    """Independent draws with the probabilities `COIN`: 1.75 ln 2 ≈ 1.213 nats per character, whatever the memory."""
    return _draws(COIN, LENGTH, seed=3)


def _draws(chances: Mapping[str, float], number: int, seed: int) -> str:
    """Independent draws. The sums of the probabilities must be exact in binary, so that the last one is 1."""
    random, characters, bounds = Random(seed), list(chances), list(accumulate(chances.values()))
    return "".join(characters[bisect(bounds, random.random())] for _ in range(number))


TEXTS: Mapping[str, Callable[[], str]] = {"alphabet.txt": alphabet, "recall.txt": recall, "coin.txt": coin}
