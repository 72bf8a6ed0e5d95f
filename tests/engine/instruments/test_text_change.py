"""The place at which a text changes: found where it is, and nowhere in a text that stays the same."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from random import Random

import numpy as np
import pytest

from engine.instruments.text_change import LEAST, STRETCHES, held_out_change, text_change
from engine.text.vocabulary import Ids
from tests.ladders import texts


def ids(text: str) -> Ids:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def table_loss(before: str, after: str) -> float:
    """The losses on one text of a table of pairs counted in another, in nats per character, in order."""
    pairs, singles = Counter(itertools.pairwise(before)), Counter(before)
    kinds = {letter: sum(there[0] == letter for there in pairs) for letter in singles}
    total = 0.0
    for one, other in itertools.pairwise(after):
        known = pairs[one, other] + kinds[one] * singles[other] / len(before)
        total -= math.log(known / (singles[one] + kinds[one]))
    return total / (len(after) - 1)


@pytest.mark.parametrize("place", [0.25, 0.5, 0.8])
@pytest.mark.parametrize("other", [texts.digits, texts.accented, texts.genes])
def test_another_kind_of_text_is_found_where_it_begins(place: float, other: texts.Text) -> None:
    size = 100_000
    text = texts.then((texts.unspaced, round(place * size)), (other, round((1 - place) * size)))(Random(1), 0)
    found = text_change(ids(text))
    assert found.place == pytest.approx(place, abs=1 / STRETCHES)
    assert found.rise > 2


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3])
def test_a_small_change_is_a_small_rise(share: float) -> None:
    text = texts.turning(texts.accented, texts.log, share, 80_000, 80_000)(Random(2), 0)
    found = text_change(ids(text))
    assert found.place == pytest.approx(0.5, abs=1 / STRETCHES)
    assert found.rise == pytest.approx(9 * share, rel=0.4)


def test_the_rise_is_what_a_table_of_pairs_loses() -> None:
    random = Random(3)
    coin = "".join(random.choice("ab") for _ in range(32_000))
    same = "".join(letter if random.random() < 0.1 else "ab"[place % 2] for place, letter in enumerate(coin))
    expected = table_loss(same, coin) - table_loss(same, same)
    assert text_change(ids(same + coin)).rise == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("kind", ["accented prose", "unspaced prose", "genes", "recall 6"])
@pytest.mark.parametrize("seed", range(4))
def test_a_text_that_stays_the_same_does_not_change(kind: str, seed: int) -> None:
    found = text_change(ids(texts.KINDS[kind](Random(seed), 100_000)))
    assert math.isnan(found.place) or found.rise < 0.05


def test_a_hard_chapter_is_no_change() -> None:
    easy, hard = texts.accented(Random(4), 200_000), texts.accented(Random(5), 5_000)
    found = text_change(ids(easy[:100_000] + hard + easy[100_000:]))
    assert math.isnan(found.place) or found.rise < 0.3


@pytest.mark.parametrize("text", ["", "a", "ab" * 10, "a" * (LEAST * STRETCHES - 1)])
def test_of_a_short_text_nothing_is_said(text: str) -> None:
    assert math.isnan(text_change(ids(text)).place)


def test_one_character_again_and_again_does_not_change() -> None:
    assert math.isnan(text_change(ids("a" * 50_000)).place)


@pytest.mark.parametrize("other", [texts.digits, texts.accented, texts.genes])
def test_held_out_text_of_another_kind_is_known_before_any_training(other: texts.Text) -> None:
    training, end = texts.unspaced(Random(1), 90_000), other(Random(2), 10_000)
    assert held_out_change(ids(training), ids(end)) > 2


@pytest.mark.parametrize("kind", texts.KINDS)
def test_held_out_text_of_the_same_kind_is_not_taken_for_another(kind: str) -> None:
    text = ids(texts.KINDS[kind](Random(3), 200_000))
    assert held_out_change(text[:180_000], text[180_000:]) < 1


def test_too_little_held_out_text_says_nothing() -> None:
    training = ids(texts.unspaced(Random(1), 90_000))
    assert held_out_change(training, training[:100]) == 0
