"""The losses of simple models, against counts in dictionaries and sums in plain Python."""

from __future__ import annotations

import lzma
import math
import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from engine.instruments.reference_levels import COMPRESSED, interpolated, reference_levels
from engine.text.corpus import read_corpus
from engine.text.made import synthetic


def by_dictionaries(counted: list[int], read: list[int], size: int) -> list[float]:
    """The same by the definition, one entry at a time."""
    following: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for length in range(3):
        for place in range(length, len(counted)):
            following[tuple(counted[place - length : place])][counted[place]] += 1

    def chance(context: tuple[int, ...], entry: int) -> float:
        shorter = chance(context[1:], entry) if context else 1 / size
        after = following.get(context, Counter())
        if not after:
            return shorter
        n, d = after.total(), len(after)
        return (after[entry] + d * shorter) / (n + d)

    return [
        sum(-math.log(chance(tuple(read[place - length : place]), read[place])) for place in range(2, len(read)))
        / (len(read) - 2)
        for length in range(3)
    ]


@pytest.mark.parametrize(("size", "many", "few"), [(2, 400, 60), (5, 3000, 500), (40, 500, 300), (3, 4, 9)])
def test_interpolated_counts_are_those_of_dictionaries(size: int, many: int, few: int) -> None:
    draws = random.Random(size)
    drawn = [draws.choices(range(size), [2.0 ** -(each % 7) for each in range(size)])[0] for _ in range(many + few)]
    counted, read = drawn[:many], drawn[many:]
    found = interpolated(np.array(counted), np.array(read), size)
    assert found == pytest.approx(by_dictionaries(counted, read, size), rel=1e-12)


def test_entries_that_were_never_counted_cost_what_all_of_them_share() -> None:
    found = interpolated(np.array([0, 0, 0, 0]), np.array([1, 1, 1, 1]), 4)
    assert found == pytest.approx(by_dictionaries([0] * 4, [1] * 4, 4))
    assert all(math.isfinite(each) for each in found)


def test_the_levels_of_a_text() -> None:
    text = synthetic.alphabet()
    levels = reference_levels(read_corpus(text.encode(), "a text", 1024))
    assert levels.uniform == pytest.approx(math.log(26))
    assert levels.letters == pytest.approx(math.log(26), abs=1e-3)
    assert 0 < levels.pairs < 0.01
    end = text.encode()[-COMPRESSED:]
    assert levels.xz == pytest.approx(len(lzma.compress(end)) * 8 * math.log(2) / len(end), rel=1e-9)


def test_more_context_knows_more_where_there_is_something_to_know() -> None:
    text = " ".join(
        random.Random(1).choices(
            ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "its", "own", "hat", "there"], k=20_000
        )
    )
    levels = reference_levels(read_corpus(text.encode(), "a text", 1024))
    assert levels.uniform > levels.letters > levels.pairs > levels.triples > 0
    assert levels.letters > levels.xz > 0


@pytest.mark.parametrize("text", ["ab" * 10, "abcdefghijklmnopqrst"])
def test_short_texts_have_levels_or_none(text: str) -> None:
    levels = reference_levels(read_corpus(text.encode(), "a text", 1024))
    assert levels.uniform > 0
    assert not math.isinf(levels.triples)


def test_characters_spelled_in_bytes_count_as_one_character() -> None:
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 600)))
    text = "".join(random.Random(2).choices(letters, k=9_000))
    whole, spelled = (reference_levels(read_corpus(text.encode(), "a text", cap)) for cap in (2048, 300))
    assert whole.letters == pytest.approx(math.log(600), abs=0.2)
    assert spelled.xz == pytest.approx(whole.xz, rel=0.02)
