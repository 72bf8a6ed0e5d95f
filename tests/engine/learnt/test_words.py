"""The words that a network knows, on losses that are planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from engine.learnt.reading import Reading, joined
from engine.learnt.words import GIVEN, KNOWN, LEAST_SEEN, Standing, _students, known_words
from engine.text.vocabulary import Vocabulary

CONSONANTS, VOWELS = "bdfgklmnprst", "aeiou"


def word(random: np.random.Generator, syllables: int = 3) -> str:
    return "".join(random.choice(list(CONSONANTS)) + random.choice(list(VOWELS)) for _ in range(syllables))


def made(known: list[str], unknown: list[str], seed: int, *, times: int = 12, noise: float = 0.5) -> Reading:
    """A text of words once each, in which some come back; letters cost about 2 nats but those of the known ones."""
    random = np.random.default_rng(seed)
    words = [word(random, 4) for _ in range(300)] + (known + unknown) * times
    random.shuffle(words)
    text, losses = " ", [1.0]
    for each in words:
        cost = 0.1 if each in known else 2.0
        losses += [max(0.0, random.normal(2.0 if at < GIVEN else cost, noise)) for at in range(len(each))] + [0.5]
        text += f"{each} "
    return Reading(text, np.array(losses, np.float32))


@pytest.mark.parametrize("seed", range(20))
def test_planted_words_are_found_and_no_others(seed: int) -> None:
    found = {each.word: each for each in known_words(made(["Tovald", "merini"], ["Sabona", "pulato"], seed))}
    assert set(found) == {"Tovald", "merini", "Sabona", "pulato"}
    assert {name for name, each in found.items() if each.standing is Standing.KNOWN} == {"Tovald", "merini"}
    assert {name for name, each in found.items() if each.name} == {"Tovald", "Sabona"}
    assert found["Sabona"].standing is Standing.UNKNOWN
    assert all(each.low <= each.share <= each.high for each in found.values())


def test_losses_that_belong_to_no_word_name_none() -> None:
    named = 0
    for seed in range(20):
        reading = made(["tovald", "merini"], ["sabona", "pulato"], seed)
        shuffled = np.random.default_rng(seed).permutation(reading.losses)
        named += sum(each.standing is Standing.KNOWN for each in known_words(Reading(reading.text, shuffled)))
    assert named == 0


def test_few_occurrences_that_differ_leave_a_word_open() -> None:
    (found,) = known_words(made(["tovald"], [], seed=1, times=LEAST_SEEN, noise=2.0))
    assert found.low < KNOWN < found.high
    assert found.standing is Standing.OPEN


@pytest.mark.parametrize(
    "text", ["", "word", "word word word word word", "a b c d", "    ", "1234 1234 1234 1234 1234"]
)
def test_texts_without_words_to_judge(text: str) -> None:
    found = known_words(Reading(text, np.ones(len(text), np.float32)))
    assert [each.word for each in found] == []


def test_a_word_that_also_stands_without_a_capital_is_no_name() -> None:
    text = " Think think Think Think Think Romeo Romeo Romeo Romeo I'll I'll I'll I'll "
    found = {each.word: each.name for each in known_words(Reading(text, np.ones(len(text), np.float32)))}
    assert found == {"Romeo": True, "Think": False, "I'll": False}


@pytest.mark.parametrize("freedom", [3, 4, 5, 10, 100])
def test_the_interval_is_students(freedom: int) -> None:
    assert _students(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=0.02)


@given(st.text(st.sampled_from("aé漢😀 "), min_size=1, max_size=20), st.integers(0, 3), st.integers(0, 3))
def test_entries_become_whole_characters(text: str, before: int, after: int) -> None:
    vocabulary = Vocabulary("a ", spells=True)
    ids = vocabulary.encode(f"漢{text}漢")
    ids = ids[before : len(ids) - after]
    found = joined(ids, np.ones(len(ids), np.float32), vocabulary)
    assert found.text in f"漢{text}漢"
    assert text in found.text
    entries = [1 if each in "a " else len(each.encode()) for each in found.text]
    assert found.losses.tolist() == entries
