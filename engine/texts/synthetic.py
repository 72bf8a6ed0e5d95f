"""Small texts of known entropy and known memory, made without a network connection; each always the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import ascii_lowercase

import numpy as np

LENGTH = 130_000
"""Characters of each text, about."""

LAG = 40
"""How many characters lie between a character of the recall text and its return."""

RECALL_LETTERS = "abcdefgh"

COIN: Mapping[str, float] = {"a": 1 / 2, "b": 1 / 4, "c": 1 / 8, "d": 1 / 8}
"""The chances of the coin text's characters."""


def alphabet() -> str:
    """The alphabet again and again: 0 nats per character for whoever remembers one character."""
    return ascii_lowercase * (LENGTH // len(ascii_lowercase))


def recall() -> str:
    """Random letters, each stretch of `LAG` followed by itself.

    Blocks of 2 × `LAG` characters: `LAG` letters drawn evenly out of eight, then the same letters again. The first half
    of a block cannot be guessed better than ln 8 nats per character. The second half is certain for a memory that
    reaches `LAG` characters back and knows where in the block it is: ½ ln 8 ≈ 1.040 nats per character in all. A memory
    shorter than that gains nothing: ln 8 ≈ 2.079.
    """
    random = np.random.Generator(np.random.PCG64(1))
    blocks = random.integers(len(RECALL_LETTERS), size=(LENGTH // (2 * LAG), LAG))
    letters = np.array(list(RECALL_LETTERS))
    return "".join(letters[np.repeat(blocks, 2, axis=0).reshape(-1)])


def coin() -> str:
    """Independent draws with the chances `COIN`: 1.75 ln 2 ≈ 1.213 nats per character, however long the memory."""
    random = np.random.Generator(np.random.PCG64(2))
    return "".join(random.choice(list(COIN), size=LENGTH, p=list(COIN.values())))


TEXTS: Mapping[str, Callable[[], str]] = {"alphabet.txt": alphabet, "recall.txt": recall, "coin.txt": coin}
