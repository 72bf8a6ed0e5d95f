"""Texts of every kind, good and bad."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.text import corpus
from engine.text import reader as reading
from engine.text.corpus import Corpus, check_window, fitted, read_corpus
from engine.text.vocabulary import Vocabulary
from engine.windows import LengthLaw

FILLER = "some ordinary text to read, "
CAP = 1024


def read(content: bytes, cap: int = CAP) -> Corpus:
    return read_corpus(content, "a text", cap)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back(text: str) -> None:
    characters = "".join(sorted(set(text + "ab")))
    for vocabulary in (Vocabulary(characters), Vocabulary("ab", spells=True)):
        ids = vocabulary.encode(text)
        assert ids.max() < vocabulary.size
        assert vocabulary.decode(ids.tolist()) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=20), st.sampled_from([257, 260, 1024]))
def test_any_text_that_is_read_comes_back(text: str, cap: int) -> None:
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "") + FILLER
    found = read(lines.encode(), cap)
    assert found.vocabulary.size <= cap
    assert found.vocabulary.decode(found.ids[:].tolist()) == lines
    assert found.chars == len(lines)


@pytest.mark.parametrize("entries", [2, 256, 257, 65_536, 65_537])
def test_ids_are_of_the_smallest_type_that_holds_them(entries: int) -> None:
    characters = "".join(chr(0x10000 + place) for place in range(entries))
    ids = Vocabulary(characters).encode(characters[-1])
    assert ids.tolist() == [entries - 1]
    assert ids.itemsize == (1 if entries <= 256 else 2 if entries <= 65_536 else 4)


def test_a_character_that_the_text_lacks_is_named() -> None:
    vocabulary = Vocabulary("ab")
    with pytest.raises(UserError, match=r"has no U\+001B z é$"):
        vocabulary.encode("abzzé\x1b")


@pytest.mark.parametrize("spells", [False, True])
def test_half_a_character_is_refused(spells: bool) -> None:
    with pytest.raises(UserError, match=r"has no U\+DC80$"):
        Vocabulary("ab", spells).encode("ab\udc80")


def test_a_character_comes_with_its_last_byte() -> None:
    vocabulary = Vocabulary("ab", spells=True)
    decoder = vocabulary.decoder()
    euro, a = vocabulary.encode("€").tolist(), vocabulary.encode("a").tolist()[0]
    assert [decoder.feed(entry) for entry in [*euro, a]] == ["", "", "€", "a"]
    assert [decoder.feed(entry) for entry in [*euro[:2], a]] == ["", "", "\ufffda"]
    assert vocabulary.decode([0xFF, a, euro[0]]) == "\ufffda\ufffd"


def test_ids_and_splits() -> None:
    found = read(b"abcd" * 100)
    assert found.vocabulary.characters == "abcd"
    assert found.ids.dtype == np.uint8
    assert found.ids[:5].tolist() == [0, 1, 2, 3, 0]
    assert (len(found.training), len(found.validation), found.chars) == (360, 40, 400)
    assert found.notes == ()
    assert found.tokens_per_char == 1


def test_the_validation_split_of_a_large_text_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MOST_VALIDATION", 25)
    found = read(b"abcd" * 100)
    assert (len(found.training), len(found.validation)) == (375, 25)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    content = ("Καλημέρα κόσμε, 日本語 " * 40).encode()
    whole = read(content)
    monkeypatch.setattr(reading, "PART", 7)
    shares: list[float] = []
    parts = read_corpus(content, "a text", CAP, shares.append)
    assert np.array_equal(whole.ids[:], parts.ids[:])
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize(
    ("content", "expected", "note"),
    [
        (b"\xef\xbb\xbf" + FILLER.encode(), FILLER, "byte-order mark"),
        ((FILLER + "\r\nb\rc").encode(), FILLER + "\nb\nc", "CRLF"),
        ((FILLER + "é").encode("latin-1"), FILLER + "é", "not UTF-8 (byte 29): read as cp1252"),
        (b"\xef\xbb\xbf" + (FILLER + "é").encode("latin-1"), FILLER + "é", "(byte 32)"),
        ((FILLER + "é").encode("utf-16"), FILLER + "é", "UTF-16"),
        ((FILLER + "\x1b[31m\x9b\u202e[bold]").encode(), FILLER + "\x1b[31m\x9b\u202e[bold]", ""),
    ],
)
def test_what_is_handled_is_said(content: bytes, expected: str, note: str) -> None:
    found = read(content)
    assert found.vocabulary.decode(found.ids[:].tolist()) == expected
    assert note in "".join(found.notes)
    assert bool(found.notes) == bool(note)


def test_rare_characters_are_spelled_when_there_are_too_many() -> None:
    text = "".join(chr(0x4E00 + place) for place in range(600)) + FILLER * 50
    found = read(text.encode(), cap=300)
    assert found.vocabulary.spells
    assert found.vocabulary.size <= 300
    assert found.vocabulary.decode(found.ids[:].tolist()) == text
    assert "spelled in bytes" in found.notes[0]
    assert found.tokens_per_char > 1
    assert found.chars == len(text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"a", "only one character"),
        (b"aaaaaaaaaaaaaaaaaaaaaaaaaaa", "one distinct character, a"),
        (b"ababab", "at least 20"),
        (b"\0" * 1000, "binary"),
        (b"\x7fELF\x02\x01\x01\0\0" + FILLER.encode(), "binary"),
        (bytes(range(1, 256)) * 10, "binary"),
        (b"\xff\xfe\x00\xd8" * 20, "binary"),
        (FILLER.encode("utf-32"), "binary"),
        ((FILLER + "\0").encode("utf-16"), "binary"),
        (
            ("Привет, мир! " * 9).encode() + b"\xff",
            r"unknown encoding \(byte 199 is not valid UTF-8\): give a text in UTF-8",
        ),
    ],
)
def test_what_is_no_text_is_said_in_one_line(content: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        read(content)
    assert "\n" not in str(caught.value)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def nothing(_path: Path) -> None:
    """No file at all."""


@pytest.mark.parametrize(
    ("make", "says"), [(a_folder, "is a folder"), (a_pipe, "not a regular file"), (nothing, "there is no text")]
)
def test_what_is_no_file_is_said(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    make(tmp_path / "text")
    with pytest.raises(UserError, match=says):
        read_corpus(tmp_path / "text", "text", CAP)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/stdin"])
@pytest.mark.skipif(os.name == "nt", reason="there are no devices among the files")
def test_a_device_is_not_read(device: str) -> None:
    with pytest.raises(UserError, match=r"(not a regular file|a folder)"):
        read_corpus(Path(device), device, CAP)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied"),
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
    ],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    path = tmp_path / "text"
    path.write_text(FILLER)

    def refuse(_self: Path, _mode: str) -> IO[bytes]:
        raise error

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=says):
        read_corpus(path, "text", CAP)


def test_a_name_with_a_nul_is_no_crash() -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_corpus(Path("a\0b"), "a", CAP)


def test_a_single_line_of_100_megabytes() -> None:
    found = read(b"abcdefghij klmno" * 6_250_000)
    assert found.chars == len(found.ids) == 100_000_000
    assert found.ids[:].nbytes == 100_000_000
    assert found.vocabulary.decode(found.ids[-5:].tolist()) == "klmno"


@pytest.mark.parametrize(
    ("streams", "law", "right"),
    [
        (1, "360", "--bptt 359 or shorter, or a longer text"),
        (1, "geom:360", "--bptt 359"),
        (16, "64", "--streams 5 or fewer, --bptt 22 or shorter, or a longer text"),
        (2, "10-300", "--streams 1 or fewer"),
        (400, "1", "--streams 359 or fewer, or a longer text"),
    ],
)
def test_a_text_shorter_than_its_windows_is_said(streams: int, law: str, right: str) -> None:
    found = read(b"abcd" * 100)
    with pytest.raises(UserError, match=right):
        check_window(found, streams, LengthLaw.parse(law))
    check_window(found, 1, LengthLaw.parse("359"))
    check_window(found, 16, LengthLaw.parse("22"))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"characters": "ab"},
        {"characters": "aab", "spells": False},
        {"characters": "a", "spells": False},
        {"characters": "a\ud800", "spells": False},
        {"characters": 5, "spells": False},
        {"characters": "ab", "spells": "yes"},
    ],
)
def test_a_strangers_vocabulary_is_checked(value: object) -> None:
    with pytest.raises(UserError, match="vocabulary"):
        Vocabulary.from_plain(value)


def test_a_vocabulary_survives_its_plain_form() -> None:
    vocabulary = Vocabulary("ab\n\x1b€", spells=True)
    assert Vocabulary.from_plain(vocabulary.plain()) == vocabulary


def test_a_text_begins_behind_a_line_end() -> None:
    assert Vocabulary("\nab").start() == 0
    assert Vocabulary("ab").start() == 0
    assert Vocabulary("\nab", spells=True).start() == 256


BOTH = frozenset({"streams", "bptt"})


@pytest.mark.parametrize(
    ("characters", "free", "expected"),
    [
        (5_000, BOTH, (16, "64")),
        (1_000, BOTH, (4, "32")),
        (300, BOTH, (4, "16")),
        (60, BOTH, (1, "8")),
        (20, BOTH, (1, "4")),
        (1_000, frozenset({"streams"}), (2, "64")),
        (1_000, frozenset({"bptt"}), (16, "16")),
        (300, frozenset({"bptt"}), (16, "16")),
        (1_000, frozenset(), (16, "64")),
    ],
)
def test_what_was_left_open_is_made_to_fit_a_short_text(
    characters: int, free: frozenset[str], expected: tuple[int, str]
) -> None:
    corpus = read_corpus(("ab" * characters)[:characters].encode(), "a text", 1024)
    streams, law = fitted(corpus, 16, LengthLaw.fixed(64), free)
    assert (streams, str(law)) == expected


def test_a_law_that_draws_its_lengths_is_never_changed() -> None:
    corpus = read_corpus(b"ab" * 60, "a text", 1024)
    law = LengthLaw.parse("10-64")
    assert fitted(corpus, 16, law, BOTH) == (1, law)
