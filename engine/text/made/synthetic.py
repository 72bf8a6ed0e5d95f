"""Small texts of known entropy and known memory, made without a network connection.

Each is the same everywhere and always, since checkpoints know their text by its digest: of `random`, only what Python
promises not to change is used.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from itertools import accumulate
from random import Random
from string import ascii_lowercase

LENGTH = 130_000
"""Characters of each text, about."""

LAG = 40
"""How many characters lie between a letter of the recall text and its return."""

WORD = 4
"""Letters of the recall text's words."""

LETTERS: Mapping[str, float] = dict.fromkeys("ABCD", 1 / 4)
"""The chances of the letters of the recall text's words."""

FILLER: Mapping[str, float] = {".": 15 / 16, ",": 1 / 16}
"""The chances of the characters between a word and its return."""

COIN: Mapping[str, float] = {"a": 1 / 2, "b": 1 / 4, "c": 1 / 8, "d": 1 / 8}
"""The chances of the coin text's characters."""


def alphabet() -> str:
    """The alphabet again and again: 0 nats per character for whoever remembers one character."""
    return ascii_lowercase * (LENGTH // len(ascii_lowercase))


def recall() -> str:
    """Lines such as `DABC......,..........,.............?DABC`: a word, filler, and the word again.

    A line is a word of `WORD` random letters, `LAG - WORD - 1` characters of random filler (0.234 nats each), a
    question mark, the word again, each letter `LAG` characters after its first coming, and a line end: 45 characters.
    The word costs 4 ln 4 = 5.55 nats the first time. Its return is certain for a memory that reaches `LAG` characters
    back, which can come down to (35 × 0.234 + 5.55) / 45 = 0.305 nats per character. For a shorter memory it costs as
    much as the first time, and (35 × 0.234 + 2 × 5.55) / 45 = 0.428 is the least.
    """
    gap = LAG - WORD - 1
    lines = LENGTH // (LAG + WORD + 1)
    letters, filler = _draws(LETTERS, lines * WORD, seed=1), _draws(FILLER, lines * gap, seed=2)
    words = (letters[line * WORD : (line + 1) * WORD] for line in range(lines))
    gaps = (filler[line * gap : (line + 1) * gap] for line in range(lines))
    return "".join(f"{word}{between}?{word}\n" for word, between in zip(words, gaps, strict=True))


def coin() -> str:
    """Independent draws with the chances `COIN`: 1.75 ln 2 ≈ 1.213 nats per character, however long the memory."""
    return _draws(COIN, LENGTH, seed=3)


def _draws(chances: Mapping[str, float], number: int, seed: int) -> str:
    """Independent draws; the chances' sums are exact in binary, so that the last one is 1."""
    random, characters, bounds = Random(seed), list(chances), list(accumulate(chances.values()))
    return "".join(characters[bisect(bounds, random.random())] for _ in range(number))


TEXTS: Mapping[str, Callable[[], str]] = {"alphabet.txt": alphabet, "recall.txt": recall, "coin.txt": coin}
