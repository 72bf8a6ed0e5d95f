"""The blocks of the training part that are never trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.text import cache, withheld
from engine.text.cache import open_corpus
from engine.text.corpus import Corpus, read_corpus
from engine.text.withheld import BLOCK, MOST, SHARE, blocks

CAP = 1024


def counted(characters: int) -> bytes:
    """A text in which no place looks like another."""
    return "".join(f"{number:06d}" for number in range(-(-characters // 6))).encode()[:characters]


def parts(corpus: Corpus) -> list[np.ndarray]:
    """The withheld blocks, and the stretches between them."""
    cuts = np.stack((corpus.withheld, corpus.withheld + BLOCK), axis=1).ravel()
    return np.split(corpus.ids[: corpus.split], cuts)


@pytest.mark.parametrize("length", [20, 3_199, 3_200, 7_000, 51_200, 400_000])
def test_every_entry_is_trained_on_withheld_or_held_out(length: int) -> None:
    corpus = read_corpus(counted(length), "a text", CAP)
    found = parts(corpus)
    assert np.array_equal(corpus.training[:], np.concatenate(found[::2]))
    assert all(len(block) == BLOCK for block in found[1::2])
    assert len(corpus.training) + BLOCK * len(corpus.withheld) + len(corpus.validation) == length


@pytest.mark.parametrize("length", [0, 1, 3_199, 3_200, 7_000, 51_200, 10**6, 2**24, 2**24 + 1, 10**10])
def test_blocks_are_few_and_far_apart(length: int) -> None:
    begins = blocks(length)
    assert len(begins) * BLOCK <= SHARE * length
    assert len(begins) == (0 if length > withheld.LONGEST else min(MOST, int(SHARE * length / BLOCK)))
    assert (np.diff(begins, prepend=0) > 1_000).all()
    assert not len(begins) or begins[-1] + BLOCK + 1_000 < length


def test_a_stored_text_withholds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGE", 1_000)
    file = tmp_path / "text.txt"
    file.write_bytes(counted(20_000))
    stored = open_corpus(file, "a text", CAP, tmp_path / "texts", lambda _what, _share: None)
    there = read_corpus(counted(20_000), "a text", CAP)
    assert type(stored.ids) is not type(there.ids)
    for each in (stored, stored.in_memory()):
        assert np.array_equal(each.training[:], there.training[:])
        assert np.array_equal(each.validation[:], there.validation[:])
