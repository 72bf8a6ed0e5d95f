"""Ids in a file: what is read of them, and what becomes of reading when somebody writes to the file."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import TextLostError
from engine.text.stored_ids import StoredIds
from engine.text.vocabulary import Ids


def kept(path: Path, ids: Ids) -> StoredIds:
    np.save(path, ids)
    return StoredIds.open(path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture(params=["uint8", "uint16", "uint32"])
def ids(request: pytest.FixtureRequest) -> Ids:
    return np.random.default_rng(0).integers(0, 250, 1_000).astype(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ids.npy"


def test_slices_and_places_read_what_an_array_has(path: Path, ids: Ids) -> None:
    stored = kept(path, ids)
    assert len(stored) == 1_000
    assert stored.dtype == ids.dtype
    for piece in (slice(None), slice(3, 40), slice(-5, None), slice(990, 2_000), slice(7, 7), slice(9, 3)):
        assert np.array_equal(stored[piece], ids[piece])
    windows = (np.array([0, 300, 995, 640]) + np.arange(12)[:, None]) % 1_000
    clipped = np.clip(np.array([-6, 300, 995]) + np.arange(12)[:, None], 0, 999)
    for places in (windows, clipped, windows[0], windows[:, :0], windows[:0], windows[None], windows[:1]):
        read = stored[places]
        assert np.array_equal(read, ids[places])
        assert (read.dtype, read.shape, read.flags.c_contiguous) == (ids.dtype, places.shape, True)


def test_a_stretch_is_read_from_its_own_beginning(path: Path, ids: Ids) -> None:
    stretch = kept(path, ids).stretch(200, 500).stretch(10, 20)
    assert np.array_equal(stretch[:], ids[210:220])
    assert np.array_equal(stretch[np.array([9, 0])], ids[[219, 210]])


@pytest.mark.parametrize("place", [-1, 10, 500])
def test_a_place_outside_is_an_error(path: Path, ids: Ids, place: int) -> None:
    with pytest.raises(IndexError):
        kept(path, ids).stretch(200, 210)[np.array([3, place])]


class InPieces(FileIO):
    """A file that gives a few bytes at a time, as systems do that are interrupted or asked for gigabytes."""

    def readinto(self, into: Any) -> int:
        return super().readinto(memoryview(into)[:7]) or 0


def test_what_comes_in_pieces_is_read_whole(path: Path, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.text.stored_ids.FileIO", InPieces)
    assert np.array_equal(kept(path, ids)[:], ids)


def test_threads_may_read_at_once(path: Path, ids: Ids) -> None:
    stored = kept(path, ids)
    places = [(begin + np.array([0, 500]) + np.arange(300)[:, None]) % 1_000 for begin in range(0, 1_000, 10)]
    with ThreadPoolExecutor(4) as pool:
        for asked, read in zip(places, pool.map(stored.__getitem__, places), strict=True):
            assert np.array_equal(read, ids[asked])


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_behind(path: Path) -> None:
    """A cut that none of what the test reads lies behind."""
    os.truncate(path, path.stat().st_size - 1)


def write_over(path: Path) -> None:
    """Other bytes, as many, and the time of the last change put back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"\xff" * 100)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def copy_over(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"something else")
    shutil.copyfile(other, path)


@pytest.mark.parametrize("spoil", [empty, halve, cut_behind, write_over, copy_over])
def test_a_file_that_was_written_to_is_no_longer_read(path: Path, ids: Ids, spoil: Callable[[Path], None]) -> None:
    stored = kept(path, ids)
    sent = pickle.dumps(stored)
    spoil(path)
    for each in (stored, stored.stretch(0, 10), pickle.loads(sent)):
        for _ in range(2):
            with pytest.raises(TextLostError, match=r"another program changed .*ids\.npy, .*makes them anew"):
                each[:10]


def test_a_file_that_was_touched_is_read_on(path: Path, ids: Ids) -> None:
    stored = kept(path, ids)
    os.utime(path, ns=(1, 1))
    assert np.array_equal(stored[:], ids)
    content = path.read_bytes()
    path.write_bytes(content)
    assert np.array_equal(stored[990:], ids[990:])


def test_a_file_that_was_removed_is_read_on_where_it_is_open(path: Path, ids: Ids) -> None:
    stored = kept(path, ids)
    sent = pickle.dumps(stored)
    path.unlink()
    assert np.array_equal(stored[:], ids)
    with pytest.raises(TextLostError, match=r"No such file or directory: .*ids\.npy"):
        pickle.loads(sent)[:10]


def test_a_file_in_the_place_of_another_is_told_from_it(path: Path, ids: Ids) -> None:
    """Another process may make the ids anew meanwhile: of the same text, or of another one in the same place."""
    stored = kept(path, ids)
    sent = pickle.dumps(stored)
    new = path.with_name("new.npy")
    new.write_bytes(path.read_bytes())
    new.replace(path)
    assert np.array_equal(pickle.loads(sent)[:], ids)
    np.save(new, ids[::-1])
    new.replace(path)
    assert np.array_equal(stored[:], ids)
    with pytest.raises(TextLostError):
        pickle.loads(sent)[:]


def test_a_disk_that_fails_is_said(path: Path, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = kept(path, ids)

    def fail(_descriptor: int) -> os.stat_result:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fstat", fail)
    with pytest.raises(TextLostError, match=r"^Input/output error: .*ids\.npy, .*makes them anew"):
        stored[:]


def test_what_is_sent_to_another_process_is_not_the_text(path: Path, ids: Ids) -> None:
    assert len(pickle.dumps(kept(path, ids).stretch(0, 900))) < len(ids)


def test_a_file_that_is_not_the_one_is_not_opened(path: Path, ids: Ids) -> None:
    kept(path, ids)
    with pytest.raises(TextLostError):
        StoredIds.open(path, hashlib.sha256(b"").hexdigest())
