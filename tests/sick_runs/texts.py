"""The texts that the sick runs are trained on. All but Shakespeare's are generated here, the same everywhere."""

from __future__ import annotations

import argparse
import ast
import base64
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from string import ascii_lowercase, ascii_uppercase

from engine.errors import UserError
from engine.text.made import find
from engine.text.made.synthetic import alphabet, coin, recall


@cache
def shakespeare() -> str:
    """The first 400,000 characters of the plays."""
    path = find("shakespeare.txt", lambda _what, _share: None)
    if not isinstance(path, Path):
        raise UserError("there is no shakespeare.txt")
    return path.read_text()[:400_000]


def tiny() -> str:
    """5,000 characters of them."""
    return shakespeare()[20_000:25_000]


def ten_thousand() -> str:
    """10,000 characters of them."""
    return shakespeare()[50_000:60_000]


def base64_inside() -> str:
    """80,000 characters of the plays with 20,000 of base64 in their midst."""
    text = shakespeare()
    noise = base64.b64encode(Random(5).randbytes(15_000)).decode()
    return text[:40_000] + noise + text[40_000:80_000]


def another_language() -> str:
    """The plays; from half of the training split on in another language, in which every letter is replaced."""
    text = shakespeare()[:120_000]
    shuffled = list(ascii_lowercase)
    Random(7).shuffle(shuffled)
    other = str.maketrans(ascii_lowercase + ascii_uppercase, "".join(shuffled) + "".join(shuffled).upper())
    half = int(len(text) * 0.45)
    return text[:half] + text[half:].translate(other)


def lists_of_numbers() -> str:
    """The plays, and from half of the training split on tables of numbers."""
    random, text = Random(11), shakespeare()[:60_000]
    rows = (" ".join(str(random.randrange(10 ** random.randrange(1, 7))) for _ in range(8)) for _ in range(1_600))
    return text + "\n".join(rows)


def hard_chapter() -> str:
    """The plays with a harder chapter in the middle: the same letters, but its words in random order."""
    text = shakespeare()[:120_000]
    words = text[50_000:62_000].split(" ")
    Random(13).shuffle(words)
    return text[:50_000] + " ".join(words) + text[62_000:]


def far_recall(lag: int) -> str:
    """Lines with a word that returns `lag` characters after its first occurrence."""
    random = Random(17)
    lines = 130_000 // (lag + 5)
    words = ("".join(random.choice("ABCD") for _ in range(4)) for _ in range(lines))
    gaps = ("".join("." if random.random() < 15 / 16 else "," for _ in range(lag - 5)) for _ in range(lines))
    return "".join(f"{word}{gap}?{word}\n" for word, gap in zip(words, gaps, strict=True))


def arithmetic() -> str:
    """Lines such as `17+25=42`."""
    random = Random(19)
    pairs = ((random.randrange(100), random.randrange(100)) for _ in range(14_000))
    return "".join(f"{one}+{other}={one + other}\n" for one, other in pairs)


def table() -> str:
    """Rows with a number that counts up, and others by chance."""
    random = Random(23)
    rows = ((number, random.random(), random.choice(("red", "green", "blue"))) for number in range(14_000))
    return "".join(f"{number},{share:.4f},{colour},{random.randrange(1000)}\n" for number, share, colour in rows)


def program() -> str:
    """Modules of Python's library."""
    return "".join(inspect.getsource(module) for module in (argparse, inspect, ast))[:200_000]


def program_then_table() -> str:
    """A program, and from half of the training split on a table."""
    return program()[:60_000] + table()[:73_000]


def table_then_program() -> str:
    """A table, and from half of the training split on a program."""
    return table()[:60_000] + program()[:73_000]


def arithmetic_then_plays() -> str:
    """Arithmetic, and from half of the training split on the plays."""
    return arithmetic()[:40_000] + shakespeare()[:49_000]


def table_inside() -> str:
    """A program with a table in the midst of each half."""
    text, rows = program(), table()
    return text[:30_000] + rows[:30_000] + text[30_000:60_000] + rows[30_000:60_000] + text[60_000:70_000]


TEXTS: Mapping[str, Callable[[], str]] = {
    "shakespeare": shakespeare,
    "tiny": tiny,
    "ten thousand": ten_thousand,
    "base64 inside": base64_inside,
    "another language": another_language,
    "lists of numbers": lists_of_numbers,
    "hard chapter": hard_chapter,
    "recall 40": recall,
    "recall 20": lambda: far_recall(20),
    "arithmetic": arithmetic,
    "table": table,
    "program": program,
    "program then table": program_then_table,
    "table then program": table_then_program,
    "table inside": table_inside,
    "arithmetic then plays": arithmetic_then_plays,
    "alphabet": alphabet,
    "coin": coin,
}
