"""The ids of a text in a file, read where they are needed.

The file is not mapped into memory. When another program shortens a mapped file, or the disk fails, the system ends the
process by a signal and the training is lost; a read that fails is an error like any other. A private copy of the file
would be as safe, but every process would pay for it with the size of the text, in seconds at its start and in room on
the disk. A read costs a few microseconds per stream of an update, since the system keeps recently read parts in memory.
"""

from __future__ import annotations

import hashlib
import os
import threading
import weakref
from io import BytesIO, FileIO
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import TextLostError
from engine.text.vocabulary import Ids

HEADER = 128
"""The size of NumPy's header in bytes: every array of one dimension has a header that is padded to it."""

ANEW = "which holds the ids of the text: the next start makes them anew"


class StoredIds:
    """The ids in a file of NumPy's format, or a stretch of them; slices and arrays of places read them.

    Reading returns the ids that were stored, or raises TextLostError where the file no longer has them.

    Args:
        file: the file.
        dtype: the type of an id.
        first: the byte of the file at which the stretch begins.
        count: the number of ids in the stretch.
    """

    def __init__(self, file: StoredFile, dtype: np.dtype[np.unsignedinteger], first: int, count: int) -> None:
        self.dtype = dtype
        self._file, self._first, self._count = file, first, count

    @classmethod
    def open(cls, path: Path, digest: str) -> StoredIds:
        """All ids of a file; raises TextLostError where its SHA-256 is not `digest`."""
        file = StoredFile(path, digest)
        file.verify()
        header = bytearray(HEADER)
        file.fill(memoryview(header), [0], [HEADER])
        numpys = BytesIO(header)
        np.lib.format.read_magic(numpys)
        (count,), _, dtype = np.lib.format.read_array_header_1_0(numpys)
        return cls(file, dtype, numpys.tell(), count)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, places: slice | NDArray[np.int64]) -> Ids:
        if isinstance(places, slice):
            begin, end, _ = places.indices(self._count)
            return self._read([begin], [max(0, end - begin)])
        if not places.size:
            return np.empty(places.shape, self.dtype)
        # Windows are side by side in columns, so most places follow each other down a column.
        columns = places.T.ravel()
        breaks = (np.flatnonzero(columns[1:] != columns[:-1] + 1) + 1).tolist()
        begins, ends = [0, *breaks], [*breaks, columns.size]
        read = self._read(columns[begins].tolist(), [end - begin for begin, end in zip(begins, ends, strict=True)])
        return np.ascontiguousarray(read.reshape(places.T.shape).T)

    def stretch(self, begin: int, end: int) -> StoredIds:
        """The ids from `begin` to before `end`; this reads none of them."""
        return StoredIds(self._file, self.dtype, self._first + begin * self.dtype.itemsize, end - begin)

    def _read(self, begins: list[int], lengths: list[int]) -> Ids:
        """Runs of ids, one after the other: each begins at a place and has a length."""
        if min(begins) < 0 or max(map(add, begins, lengths)) > self._count:
            raise IndexError(f"a place outside the {self._count:,} ids")
        ids: Ids = np.empty(sum(lengths), self.dtype)
        size = self.dtype.itemsize
        into = ids.view(np.uint8).data
        self._file.fill(into, [self._first + begin * size for begin in begins], [length * size for length in lengths])
        return ids


class StoredFile:
    """A file with known content: reading returns that content, or raises TextLostError.

    After a write the file has another stamp, and its whole content is compared once. A process that unpickles this
    object opens the file itself. Several threads may read.

    Args:
        path: the file.
        digest: the SHA-256 of its content.
        known: the stamp of the file when its content was compared; None where it never was.
    """

    def __init__(self, path: Path, digest: str, known: dict[str, int] | None = None) -> None:
        self._path, self._digest, self._stamp = path, digest, known
        self._file: FileIO | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[StoredFile], tuple[Path, str, dict[str, int] | None]]:
        return StoredFile, (self._path, self._digest, self._stamp)

    def verify(self) -> None:
        """Compare the whole content; raises TextLostError where it is different."""
        try:
            with self._lock:
                file = self._opened()
                now = stamp(os.fstat(file.fileno()))
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._lost(error) from error
        if digest != self._digest:
            raise TextLostError(f"another program changed {self._path}, {ANEW}")
        self._stamp = now

    def fill(self, into: memoryview, begins: list[int], sizes: list[int]) -> None:
        """Read stretches of the file into a buffer, one after the other; raises TextLostError where that fails."""
        try:
            while not self._fill(into, begins, sizes):
                self.verify()
        except OSError as error:
            raise self._lost(error) from error

    def _fill(self, into: memoryview, begins: list[int], sizes: list[int]) -> bool:
        """Read; return whether everything was there and nobody wrote to the file since its content was compared."""
        with self._lock:
            file = self._opened()
            for begin, size in zip(begins, sizes, strict=True):
                file.seek(begin)
                while size and (count := file.readinto(into[:size])):
                    into, size = into[count:], size - count
            return not into and stamp(os.fstat(file.fileno())) == self._stamp

    def _opened(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self._path)
            weakref.finalize(self, self._file.close)
        return self._file

    def _lost(self, error: OSError) -> TextLostError:
        return TextLostError(f"{error.strerror or error}: {self._path}, {ANEW}")


def stamp(status: os.stat_result) -> dict[str, int]:
    """The facts of a file that change whenever it is written.

    Tools may set the modification time back, but not the time at which they do so.
    """
    return {
        "size": status.st_size,
        "time": status.st_mtime_ns,
        "time_set": status.st_ctime_ns,
        "place": status.st_ino,
    }
