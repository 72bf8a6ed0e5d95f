"""The words in a sample that the network has learnt."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from engine.instruments import words as module
from engine.instruments.words import Lexicon, Words, words
from engine.text.corpus import read_corpus
from engine.text.vocabulary import Vocabulary

PLAY = "KING HENRY:\nGood morrow, fool; 'tis late. I'll to bed: don't wake the 'owl'.\n\nFOOL:\nEh, Élan über alles.\n"


def lexicon(text: str) -> Lexicon:
    return Lexicon.of(read_corpus((text * 20).encode(), "a text", 1024))


def test_words_and_names_of_a_text() -> None:
    found = lexicon(PLAY)
    assert found.names == {"KING", "HENRY", "FOOL"}
    everyday = {"good", "morrow", "tis", "late", "i'll", "to", "bed", "don't", "wake", "the", "owl"}
    assert found.words == everyday | {"king", "henry", "fool", "eh", "élan", "über", "alles"}


def test_a_sample() -> None:
    found = words(lexicon(PLAY), "FOOL:\nGOOD king, I'LL wike the Owl. Wike élan, HENRX to KING KING; ab it. X of\n")
    # GOOD is a name in capitals, which the text does not have as such.
    assert found.words == 16
    assert found.names == 2
    assert found.names_in_text == 3
    assert found.invented == ("GOOD", "I'LL", "wike", "Wike", "HENRX")
    assert found.known == pytest.approx(1 - 5 / 12)
    json.dumps(asdict(found))


def test_a_word_that_the_end_cuts_off_is_left_out() -> None:
    assert words(lexicon(PLAY), "wake the ki").words == 2
    assert words(lexicon(PLAY), "wake the ki ").words == 3


@pytest.mark.parametrize("sample", ["", " ", "ab ", "12 34", "....", "a b c d "])
def test_a_sample_without_words(sample: str) -> None:
    found = words(lexicon(PLAY), sample)
    assert math.isnan(found.known)
    assert (found.names, found.invented) == (0, ())


def test_a_text_without_words() -> None:
    found = lexicon("0123456789. ")
    assert words(found, "some words here ") == Words(3, 0.0, 0, 0, ("some", "words", "here"))


def test_few_examples_and_none_twice() -> None:
    found = words(lexicon(PLAY), "qqa qqb qqa qqc qqd qqe qqf qqg.")
    assert found.invented == ("qqa", "qqb", "qqc", "qqd", "qqe")


def test_the_validation_split_is_not_read() -> None:
    corpus = read_corpus(("seen " * 90 + "later " * 8).encode(), "a text", 1024)
    assert not Lexicon.of(corpus).has("later")


def test_of_a_long_text_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_READ", len("KING HENRY:"))
    assert lexicon(PLAY).words == {"king", "henry"}


def test_spelled_characters_are_part_of_words() -> None:
    rare = [chr(first) + chr(first + 1) + chr(first + 2) for first in range(0x4E00, 0x4E00 + 300, 3)]
    corpus = read_corpus(("naïve " * 40 + " ".join(rare) + " ").encode() * 20, "a text", 260)
    assert corpus.vocabulary.spells
    assert Lexicon.of(corpus).words == {"naïve", *rare}


@pytest.mark.parametrize("spells", [False, True])
def test_it_is_decoded_as_the_vocabulary_does_it(spells: bool) -> None:
    vocabulary = Vocabulary("\n abcé漢😀", spells)
    random = np.random.default_rng(0)
    ids = random.integers(256 if spells else 0, vocabulary.size, 500).astype(vocabulary.dtype)
    if spells:
        ids = np.concatenate((ids, vocabulary.encode("xyzß日本 a"), [0xE6, 256], ids)).astype(vocabulary.dtype)
    assert module._decoded(vocabulary, ids) == vocabulary.decode(ids.tolist())
