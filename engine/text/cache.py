"""A large text's ids on the disk: encoded once, then read where they are needed (see `StoredIds`)."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from filelock import FileLock, Timeout

from engine.errors import UserError
from engine.settings import AUTO
from engine.text.corpus import Corpus, Survey, encoded, read_corpus, survey
from engine.text.progress import Tell
from engine.text.stored_ids import StoredIds, stamp
from engine.text.vocabulary import Vocabulary

LARGE = 32 * 2**20
"""The smallest file that is cached, in bytes; a smaller one is read again in less than a second."""

FORMAT = 1
WAIT_SECONDS = 0.2


def open_corpus(path: Path, name: str, cap: int, folder: Path, progress: Tell, encoding: str = AUTO) -> Corpus:
    """The corpus of a file; a large file is read through the cache in `folder`, which is updated where needed.

    Args:
        path: the file.
        name: the name of the text in messages.
        cap: the most entries that the vocabulary may have.
        folder: the cache's folder, created with its first file.
        progress: called as the work advances.
        encoding: as in `read_corpus`.

    Raises:
        UserError: as in `read_corpus`, or where the ids could not be written.
    """
    reading = f"reading {name}"
    if not _is_large(path):
        return read_corpus(path, name, cap, lambda share: progress(reading, share), encoding)
    cached = _Cached(path, name, cap, folder, encoding)
    found = cached.load(progress)
    while found is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(cached.ids.with_suffix(".lock"), timeout=WAIT_SECONDS):
                found = cached.load(progress) or cached.make(progress)
        except Timeout:
            progress(f"another process is {reading}", 0.0)
        except OSError as error:
            raise UserError(
                f"the ids of {name} could not be kept in {folder}: {error.strerror or error}; "
                f"name {'a folder with more room' if error.errno == errno.ENOSPC else 'another folder'} with --lab"
            ) from error
    return found


class _Cached:
    """One text in the cache: a file of its ids, and a file that describes them, which is written last."""

    def __init__(self, path: Path, name: str, cap: int, folder: Path, encoding: str) -> None:
        self._path, self._name, self._cap, self._encoding = path, name, cap, encoding
        key = hashlib.sha256(f"{path.absolute()}\0{cap}\0{encoding}".encode("utf-8", "surrogateescape")).hexdigest()[
            :16
        ]
        self.ids, self._about = folder / f"{key}.npy", folder / f"{key}.json"

    def load(self, progress: Tell) -> Corpus | None:
        """The cached corpus; None where there is none, where it is damaged, or where the file has changed since."""
        try:
            about = json.loads(self._about.read_bytes())
            if about["format"] != FORMAT or not self._is_of_the_file(about, progress):
                return None
            progress(f"checking the ids of {self._name}", 0.0)
            ids = StoredIds.open(self.ids, about["ids"])
            vocabulary = Vocabulary.from_plain(about["vocabulary"])
            return Corpus(self._name, ids, vocabulary, about["chars"], about["digest"], tuple(about["notes"]))
        except (OSError, ValueError, KeyError, TypeError, UserError):
            # Whatever is wrong with the cache, it is made again.
            return None

    def make(self, progress: Tell) -> Corpus:
        """Encode the file into the cache; raises UserError where it is no text, OSError where writing fails."""
        before = stamp(self._path.stat())
        found = survey(
            self._path, self._name, self._cap, lambda share: progress(f"reading {self._name}", share), self._encoding
        )
        with suppress(FileNotFoundError):
            self._about.unlink()
        beside = self.ids.with_name(f".{self.ids.name}.part")
        try:
            digest = hashlib.sha256()
            with beside.open("wb") as file:
                for part in self._array(found, progress):
                    file.write(part)
                    digest.update(part)
                _flush(file)
            beside.replace(self.ids)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        ids = StoredIds.open(self.ids, digest.hexdigest())
        self._write_about(
            {
                **before,
                "format": FORMAT,
                "source": str(self._path.absolute()).encode("utf-8", "backslashreplace").decode(),
                "digest": found.digest,
                "bytes": _digest(self._path),
                "ids": digest.hexdigest(),
                "chars": found.chars,
                "vocabulary": found.vocabulary.plain(),
                "notes": found.notes,
            }
        )
        return Corpus(self._name, ids, found.vocabulary, found.chars, found.digest, found.notes)

    def _array(self, found: Survey, progress: Tell) -> Iterator[bytes]:
        """The content of the file of ids, in NumPy's format: a header, then the ids."""
        shape = {"descr": np.lib.format.dtype_to_descr(found.vocabulary.dtype), "fortran_order": False}
        header = BytesIO()
        np.lib.format.write_array_header_1_0(header, {**shape, "shape": (found.tokens,)})
        yield header.getvalue()
        for part, share in encoded(found):
            yield part.tobytes()
            progress(f"encoding {self._name}", share)

    def _is_of_the_file(self, about: dict[str, Any], progress: Tell) -> bool:
        """Whether the file is the one that was encoded: untouched since, or with the same bytes."""
        now = stamp(self._path.stat())
        if now["size"] != about["size"]:
            return False
        if all(about.get(name) == value for name, value in now.items()):
            return True
        progress(f"checking {self._name}", 0.0)
        if _digest(self._path) != about["bytes"]:
            return False
        self._write_about({**about, **now})
        return True

    def _write_about(self, about: dict[str, Any]) -> None:
        beside = self._about.with_name(f".{self._about.name}.{os.getpid()}.part")
        with beside.open("w") as file:
            json.dump(about, file)
            _flush(file)
        beside.replace(self._about)


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size >= LARGE
    except (OSError, ValueError):
        return False  # Reading the file will say what is wrong with it.


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
