"""The facts that are known about a text before any training."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from engine.instruments import text_facts as module
from engine.instruments.text_facts import text_facts
from engine.text.corpus import read_corpus
from engine.text.made import synthetic
from engine.text.withheld import BLOCK, MOST


def facts(text: str, cap: int = 1024) -> module.TextFacts:
    return text_facts(read_corpus(text.encode(), "a text", cap))


def test_the_alphabet_is_known_from_pairs() -> None:
    found = facts(synthetic.alphabet())
    assert found.letter_entropy == pytest.approx(math.log(26), abs=1e-3)
    assert found.pair_entropy == pytest.approx(0, abs=1e-3)
    assert found.distinct == 26
    assert (found.characters, found.validation_characters) == (117_000 - MOST * BLOCK, 13_000)


def test_of_a_coin_one_character_says_nothing_about_the_next() -> None:
    found = facts(synthetic.coin())
    assert found.letter_entropy == pytest.approx(1.75 * math.log(2), rel=3e-3)
    assert found.pair_entropy == pytest.approx(found.letter_entropy, abs=1e-4)


def test_a_short_text_seems_no_more_regular_than_it_is() -> None:
    """Draws from 60 letters: uncorrected, their 3600 pairs would seem to know 0.1 nats about the next one."""
    draws = random.Random(0)
    found = facts("".join(chr(0x4E00 + draws.randrange(60)) for _ in range(20_000)))
    assert found.letter_entropy == pytest.approx(math.log(60), abs=1e-3)
    assert found.pair_entropy == pytest.approx(math.log(60), abs=0.01)


def test_sorting_pairs_gives_what_counting_them_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = facts(synthetic.recall())
    monkeypatch.setattr(module, "MOST_BINS", 1)
    assert facts(synthetic.recall()) == pytest.approx(counted)


def test_a_large_vocabulary() -> None:
    found = facts("".join(map(chr, range(0x4E00, 0x4E00 + 20_000))) * 3, cap=65_536)
    assert found.distinct == 20_000
    assert found.letter_entropy == pytest.approx(math.log(20_000), abs=0.2)
    assert found.pair_entropy == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("text", ["ab" * 10, "abcdefghijklmnopqrst", "a" * 19 + "b"])
def test_short_texts(text: str) -> None:
    found = facts(text)
    assert 0 <= found.pair_entropy <= found.letter_entropy
    assert found.characters + found.validation_characters == 20


def test_characters_spelled_in_bytes_are_counted_as_characters() -> None:
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    text = (rare + "abab\n" * 100) * 10
    found = facts(text, cap=257)
    corpus = read_corpus(text.encode(), "a text", 257)
    withheld = BLOCK * len(corpus.withheld) / corpus.tokens_per_char
    assert found.characters + found.validation_characters + round(withheld) == len(text)
    assert found.characters + withheld == pytest.approx(0.9 * len(text), rel=1e-3)


def test_what_each_character_before_leaves_uncertain() -> None:
    assert facts(synthetic.alphabet()).context_entropies == pytest.approx((math.log(26), 0, 0, 0), abs=2e-3)
    assert facts(synthetic.coin()).context_entropies == pytest.approx((1.75 * math.log(2),) * 4, rel=0.01)
    # Two characters decide the next one, and one alone says nothing: the parity of three bits in a row.
    draws = random.Random(1)
    bits = [draws.randrange(2) for _ in range(2)]
    for _ in range(30_000):
        bits.append((bits[-1] + bits[-2]) % 2 if draws.random() < 0.9 else draws.randrange(2))
    none, one, two, three = facts("".join("ab"[bit] for bit in bits)).context_entropies
    noisy = -(0.95 * math.log(0.95) + 0.05 * math.log(0.05))
    assert (none, one) == pytest.approx((math.log(2), math.log(2)), abs=0.01)
    assert (two, three) == pytest.approx((noisy, noisy), abs=0.01)


@pytest.mark.parametrize("text", ["ab" * 10, "abcdefghijklmnopqrst", "a" * 19 + "b"])
def test_more_of_the_past_leaves_no_more_uncertain(text: str) -> None:
    found = facts(text).context_entropies
    assert len(found) == 1 + module.CONTEXTS
    assert all(0 <= later <= earlier for earlier, later in itertools.pairwise(found))
