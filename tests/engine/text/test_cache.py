"""Large texts, encoded once and mapped from then on; and compressed ones."""

from __future__ import annotations

import errno
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UserError
from engine.text import cache as text_cache
from engine.text.cache import open_corpus
from engine.text.corpus import Corpus, read_corpus
from engine.text.reader import zstd
from engine.text.stored_ids import StoredIds

TEXT = "Καλημέρα κόσμε,\r\nthe quick brown fox – 日本語. " * 60
CAP = 300


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_cache, "LARGE", 10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab" / "texts"


def opened(path: Path, folder: Path, cap: int = CAP) -> tuple[Corpus, list[str]]:
    """The corpus, and the activities that were reported, each once."""
    said: dict[str, None] = {}
    found = open_corpus(path, path.name, cap, folder, lambda what, _share: said.setdefault(what))
    return found, list(said)


def kept(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


def test_a_cached_text_is_the_same_as_one_that_is_read(file: Path, folder: Path) -> None:
    plain = read_corpus(file, file.name, CAP)
    for encoding in (True, False):
        found, said = opened(file, folder)
        assert ("encoding text.txt" in said) == encoding
        assert isinstance(found.ids, StoredIds)
        assert np.array_equal(found.ids[:], plain.ids[:])
        assert (found.vocabulary, found.chars, found.digest, found.notes) == (
            plain.vocabulary,
            plain.chars,
            plain.digest,
            plain.notes,
        )
    assert kept(folder) == [".json", ".lock", ".npy"]


def test_a_small_text_is_not_cached(file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_cache, "LARGE", 10**6)
    found, _ = opened(file, folder)
    assert not isinstance(found.ids, StoredIds)
    assert not folder.exists()


def test_another_vocabulary_has_a_cache_of_its_own(file: Path, folder: Path) -> None:
    file.write_text("".join(map(chr, range(0x4E00, 0x4E00 + 290))))
    assert not opened(file, folder)[0].vocabulary.spells
    assert opened(file, folder, cap=260)[0].vocabulary.spells
    assert opened(file, folder)[1] == ["checking the ids of text.txt"]


def test_a_file_of_another_time_is_compared_by_its_bytes(file: Path, folder: Path) -> None:
    opened(file, folder)
    os.utime(file, ns=(1, 1))
    assert opened(file, folder)[1] == ["checking text.txt", "checking the ids of text.txt"]
    assert opened(file, folder)[1] == ["checking the ids of text.txt"]


def touch(file: Path, _folder: Path) -> None:
    """Other bytes of the same length."""
    file.write_bytes(TEXT.replace("fox", "cat").encode())
    os.utime(file, ns=(1, 1))


def touch_unseen(file: Path, _folder: Path) -> None:
    """Other bytes of the same length, with the old modification time."""
    status = file.stat()
    file.write_bytes(TEXT.replace("fox", "cat").encode())
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def lengthen(file: Path, _folder: Path) -> None:
    file.write_bytes((TEXT + "more").encode())


def cut_ids(_file: Path, folder: Path) -> None:
    path = next(folder.glob("*.npy"))
    os.truncate(path, path.stat().st_size - 1)


def flip_ids(_file: Path, folder: Path) -> None:
    path = next(folder.glob("*.npy"))
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)


def remove_ids(_file: Path, folder: Path) -> None:
    next(folder.glob("*.npy")).unlink()


def spoil_about(_file: Path, folder: Path) -> None:
    next(folder.glob("*.json")).write_bytes(b"\xff{]")


def strange_about(_file: Path, folder: Path) -> None:
    next(folder.glob("*.json")).write_text('{"format": 1}')


def list_about(_file: Path, folder: Path) -> None:
    next(folder.glob("*.json")).write_text("[1]")


@pytest.mark.parametrize(
    "spoil", [touch, touch_unseen, lengthen, cut_ids, flip_ids, remove_ids, spoil_about, strange_about, list_about]
)
def test_what_is_stale_or_damaged_is_made_anew(file: Path, folder: Path, spoil: Callable[[Path, Path], None]) -> None:
    opened(file, folder)
    spoil(file, folder)
    found, said = opened(file, folder)
    assert "encoding text.txt" in said
    plain = read_corpus(file, file.name, CAP)
    assert np.array_equal(found.ids[:], plain.ids[:])
    assert found.digest == plain.digest
    assert "encoding text.txt" not in opened(file, folder)[1]


def test_a_full_disk_is_said_and_nothing_half_is_left(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(text_cache, "_flush", full)
    with pytest.raises(UserError, match=r"ids of text.txt could not be kept in .*: No space left on device; .*--lab"):
        opened(file, folder)
    assert kept(folder) == [".lock"]


def test_giving_up_leaves_nothing_half(file: Path, folder: Path) -> None:
    def tell(what: str, _share: float) -> None:
        if what.startswith("encoding"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_corpus(file, file.name, CAP, folder, tell)
    assert kept(folder) == [".lock"]


def test_a_text_that_changes_while_it_is_read_is_said(file: Path, folder: Path) -> None:
    def tell(what: str, share: float) -> None:
        if what.startswith("reading") and share == 1:
            file.write_bytes(TEXT.replace("fox", "cat").encode())

    with pytest.raises(UserError, match=r"text.txt changed while it was read"):
        open_corpus(file, file.name, CAP, folder, tell)


def test_what_is_no_text_is_said_as_ever(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\0" * 500)
    with pytest.raises(UserError, match="is a binary file"):
        opened(tmp_path / "binary", folder)
    with pytest.raises(UserError, match="there is no text"):
        opened(tmp_path / "nothing", folder)
    with pytest.raises(UserError, match="is a folder"):
        opened(tmp_path, folder)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "zst": lambda content: zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1}),
    "two.gz": lambda content: gzip.compress(content[:999]) + gzip.compress(content[999:]),
    "two.zst": lambda content: zstd.compress(content[:999]) + zstd.compress(content[999:]),
}


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_compressed_text_reads_as_its_content(file: Path, folder: Path, kind: str) -> None:
    path = file.with_name(f"text.txt.{kind}")
    path.write_bytes(COMPRESS[kind](TEXT.encode()))
    plain = read_corpus(file, file.name, CAP)
    for found in (read_corpus(path, path.name, CAP), *(opened(path, folder)[0] for _ in range(2))):
        assert np.array_equal(found.ids[:], plain.ids[:])
        assert found.digest == plain.digest


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_a_damaged_compressed_text_is_said(file: Path, kind: str) -> None:
    path = file.with_name(f"text.txt.{kind}")
    whole = COMPRESS[kind](TEXT.encode())
    for content in (whole[: len(whole) // 2], whole[:20] + b"\x55" * 20 + whole[40:]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"is compressed, and damaged or cut short"):
            read_corpus(path, path.name, CAP)
