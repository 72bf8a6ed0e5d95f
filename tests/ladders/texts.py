"""Texts of many kinds, each drawn anew from a seed: prose, source code, logs, tables, small alphabets, recall."""

from __future__ import annotations

import argparse
import ast
import base64
import difflib
import doctest
import inspect
import pdb
import pickletools
import tarfile
import turtle
import typing
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

from engine.errors import UserError
from engine.text.made import find

Text = Callable[[Random, int], str]
"""Makes so many characters of text with a source of random numbers."""

MODULES = (argparse, ast, difflib, doctest, inspect, pdb, pickletools, tarfile, turtle, typing)

CONSONANTS, VOWELS = "bcdfghjklmnpqrstvwxz", "aeiou"
ACCENTED = ("à", "â", "ç", "é", "è", "ê", "î", "ô", "ù", "œ")
KANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
CHARACTERS = "日月火水木金土山川田人口目耳手足心言食車門雨魚鳥馬牛犬花草竹石糸衣刀力工白赤青大小中上下左右天気電話国語"


@cache
def plays() -> str:
    """Shakespeare's plays."""
    path = find("shakespeare.txt", lambda _what, _share: None)
    if not isinstance(path, Path):
        raise UserError("there is no shakespeare.txt")
    return path.read_text()


def prose(random: Random, size: int) -> str:
    """A stretch of the plays."""
    text = plays()
    begin = random.randrange(max(1, len(text) - size))
    return text[begin : begin + size]


def language(random: Random, size: int, syllables: Sequence[str], space: str, stop: str) -> str:
    """Sentences of a made-up language: a few hundred words of Zipf's frequencies, each followed by few others."""
    words = ["".join(random.choice(syllables) for _ in range(random.choice((1, 1, 2, 2, 3)))) for _ in range(400)]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))

    def drawn() -> str:
        return words[bisect(weights, random.random() * weights[-1])]

    follows = {word: [drawn() for _ in range(6)] for word in words}
    parts: list[str] = []
    length, word, left = 0, drawn(), random.randrange(4, 14)
    while length < size:
        mark = space if left else f"{stop}{space if random.random() < 0.8 else chr(10)}"
        parts.append(word + mark)
        length += len(parts[-1])
        word = random.choice(follows[word]) if random.random() < 0.8 else drawn()
        left = left - 1 if left else random.randrange(4, 14)
    return "".join(parts)[:size]


def accented(random: Random, size: int) -> str:
    """A language with accents, which looks like French from afar."""
    vowels = (*VOWELS, *random.sample(ACCENTED, 5))
    syllables = [
        random.choice(CONSONANTS) + random.choice(vowels) + random.choice(("", "n", "r", "s")) for _ in range(60)
    ]
    return language(random, size, syllables, " ", ".")


def unspaced(random: Random, size: int) -> str:
    """A script without spaces, which looks like Japanese from afar."""
    syllables = [*random.sample(KANA, 40), *random.sample(CHARACTERS, 45)]
    return language(random, size, syllables, "", "。")


def program(random: Random, size: int) -> str:
    """Modules of Python's library, one after the other."""
    modules = random.sample(MODULES, len(MODULES))
    return "".join(inspect.getsource(module) for module in modules)[:size]


def log(random: Random, size: int) -> str:
    """The lines of a server's log."""
    parts, length, second = [], 0, random.randrange(10**6)
    hosts = [f"10.0.{random.randrange(8)}.{random.randrange(256)}" for _ in range(12)]
    paths = [f"/{random.choice(('api', 'img', 'doc'))}/{random.choice(('list', 'item', 'user'))}" for _ in range(9)]
    while length < size:
        second += random.randrange(1, 9)
        minutes, seconds = divmod(second, 60)
        status = random.choice((200, 200, 200, 304, 404, 500))
        parts.append(
            f"2024-03-{1 + minutes // 1440 % 28:02} {minutes // 60 % 24:02}:{minutes % 60:02}:{seconds:02} "
            f"{random.choice(hosts)} GET {random.choice(paths)} {status} {random.randrange(90, 4000)}\n"
        )
        length += len(parts[-1])
    return "".join(parts)[:size]


def table(random: Random, size: int) -> str:
    """Rows whose first column counts up, and others by chance."""
    parts, length, number = [], 0, 0
    while length < size:
        number += 1
        colour = random.choice(("red", "green", "blue", "black"))
        parts.append(f"{number},{random.random():.4f},{colour},{random.randrange(1000)}\n")
        length += len(parts[-1])
    return "".join(parts)[:size]


def genes(random: Random, size: int) -> str:
    """Four letters, each of which depends on the three before it."""
    following = {one + two + three: random.choices("ACGT", k=3) for one in "ACGT" for two in "ACGT" for three in "ACGT"}
    text = list("ACG")
    while len(text) < size:
        three = "".join(text[-3:])
        text.append(random.choice(following[three]) if random.random() < 0.85 else random.choice("ACGT"))
    return "".join(text)[:size]


def digits(random: Random, size: int) -> str:
    """Numbers by chance."""
    return "".join(random.choice("0123456789") for _ in range(size))


def noise(random: Random, size: int) -> str:
    """Bytes by chance in base64."""
    return base64.b64encode(random.randbytes(size)).decode()[:size]


def recall(lag: int) -> Text:
    """Lines with a word that returns `lag` characters after it first occurs."""

    def made(random: Random, size: int) -> str:
        parts, length = [], 0
        while length < size:
            word = "".join(random.choice("ABCD") for _ in range(4))
            gap = "".join("." if random.random() < 15 / 16 else "," for _ in range(lag - 5))
            parts.append(f"{word}{gap}?{word}\n")
            length += len(parts[-1])
        return "".join(parts)[:size]

    return made


def then(*stretches: tuple[Text, int]) -> Text:
    """Stretches of several texts, one after the other; their sizes take the place of the one asked for."""

    def made(random: Random, _size: int) -> str:
        return "".join(text(random, size) for text, size in stretches)

    return made


PIECE = 20
"""The characters of a piece of a mixed text."""


def turning(one: Text, other: Text, share: float, before: int, after: int) -> Text:
    """A text of `before` characters, and as it goes on, pieces of another so large a `share` of `after` characters."""

    def made(random: Random, _size: int) -> str:
        text, pieces = one(random, before + after), other(random, after)
        drawn = (
            pieces[begin : begin + PIECE] if random.random() < share else text[before + begin : before + begin + PIECE]
            for begin in range(0, after, PIECE)
        )
        return text[:before] + "".join(drawn)[:after]

    return made


KINDS: Mapping[str, Text] = {
    "prose": prose,
    "accented prose": accented,
    "unspaced prose": unspaced,
    "program": program,
    "log": log,
    "table": table,
    "genes": genes,
    "recall 6": recall(6),
}
"""Texts that a training can learn."""
