"""Reads a text's characters in parts, so that a text of any size needs little memory."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import lzma
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

import numpy as np

from engine.errors import UserError
from engine.settings import AUTO
from engine.text.encoding import LOOKED_AT, guess

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

PART = 2**22
"""The number of bytes that are read at a time."""

MOST_CONTROL_BYTES = 0.1
"""The largest share of control bytes in a text that is not UTF-8; a file with more is binary."""

UTF8, WIDE = "utf-8", ("utf-16", "utf-32")
"""The encoding of most texts, and those whose texts have zero bytes."""

MARKS = {UTF8: codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
"""The byte-order marks that Python's decoders take for a character."""

Open = Callable[[IO[bytes]], IO[bytes]]

COMPRESSED: dict[bytes, Open] = {
    b"\x1f\x8b": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    b"\xfd7zXZ\0": lambda file: cast(IO[bytes], lzma.LZMAFile(file)),  # noqa: SIM115 - closed with the file it reads
    b"\x28\xb5\x2f\xfd": lambda file: cast(IO[bytes], zstd.ZstdFile(file)),
}
"""The decompressor of each kind of compressed file, by the bytes that it begins with."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a text, and the encoding of its bytes.

    Attributes:
        name: the name of the text in messages.
        where: a file, or the text's bytes.
        encoding: the encoding's name, as Python has it.
        notes: anything unusual about its bytes, one line each.
        mark: the number of bytes of a byte-order mark, which is skipped.
    """

    name: str
    where: Path | bytes
    encoding: str = UTF8
    notes: tuple[str, ...] = ()
    mark: int = 0


class Reading:
    """One pass through a text.

    Attributes:
        digest: sha256 of the bytes read so far, decompressed.
        converted: whether there were line ends other than LF; they are read as LF.
    """

    def __init__(self, source: Source) -> None:
        self.digest = hashlib.sha256()
        self._source = source
        decoder = codecs.getincrementaldecoder(source.encoding)()
        self._newlines = io.IncrementalNewlineDecoder(decoder, translate=True)

    @property
    def converted(self) -> bool:
        """Whether there were line ends other than LF."""
        return self._newlines.newlines not in (None, "\n")

    def parts(self) -> Iterator[tuple[str, float]]:
        """The text in parts, each with the share of the file read so far, 0 … 1.

        Raises:
            UserError: the file cannot be read, or is no text.
            UnicodeDecodeError: the text is not in the source's encoding; `start` counts bytes from the beginning of
                the file.
        """
        source, read = self._source, 0
        with _opened(source) as (file, share):
            while content := file.read(PART):
                self.digest.update(content)
                if not source.encoding.startswith(WIDE) and b"\0" in content:
                    raise no_text(source.name)
                body = content[source.mark :] if read == 0 else content
                pending = len(self._newlines.getstate()[0])
                try:
                    text = self._newlines.decode(body)
                except UnicodeDecodeError as error:
                    error.start += read - pending + (source.mark if read == 0 else 0)
                    raise
                read += len(content)
                yield text, share()
            try:
                text = self._newlines.decode(b"", final=True)
            except UnicodeDecodeError as error:
                error.start += read - len(error.object)
                raise
            if text:
                yield text, 1.0


def identify(name: str, where: Path | bytes, encoding: str = AUTO) -> Source:
    """A source with its encoding: the one that is given, that of its byte-order mark, UTF-16 by its zeros, or UTF-8.

    Raises UserError where it cannot be read.
    """
    source = Source(name, where)
    with _opened(source) as (file, _):
        start = file.read(LOOKED_AT)
    if encoding != AUTO:
        known = codecs.lookup(encoding).name
        mark = MARKS.get(known, b"")
        return replace(source, encoding=known, mark=len(mark) if mark and start.startswith(mark) else 0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return replace(source, encoding=WIDE[0], notes=("UTF-16, by its byte-order mark",))
    if start.startswith(codecs.BOM_UTF8):
        return replace(source, mark=len(codecs.BOM_UTF8), notes=("byte-order mark dropped",))
    if b"\0" in start and (found := guess(start)) is not None:
        return replace(source, encoding=found.encoding, notes=(found.in_words,))
    return source


def otherwise(source: Source, error: UnicodeDecodeError, encoding: str = AUTO) -> Source:
    """The same source in the encoding that it seems to have, after it turned out not to be in the one assumed.

    Raises UserError where it is no text, or not in the encoding that was given.
    """
    place = error.start + 1
    if encoding != AUTO:
        raise UserError(
            f"{source.name} is not in {encoding} (byte {place:,} is not valid): name another with --encoding, or auto"
        ) from None
    if source.encoding != UTF8:
        raise no_text(source.name) from None
    content = _around(source, error.start)
    found = None if _share_of_control(content) > MOST_CONTROL_BYTES else guess(content)
    if found is None:
        raise UserError(
            f"{source.name} is binary or in an unknown encoding (byte {place:,} is not valid UTF-8): give a text in "
            "UTF-8, or name its encoding with --encoding"
        ) from None
    return replace(
        source, encoding=found.encoding, notes=(*source.notes, f"not UTF-8 (byte {place:,}): {found.in_words}")
    )


def _around(source: Source, place: int) -> bytes:
    """The bytes around a place: far before it, a text may look like UTF-8. They begin with a line if possible."""
    read, before = 0, b""
    with _opened(source) as (file, _):
        while part := file.read(PART):
            read += len(part)
            if read > place:
                here = len(before) + place - (read - len(part))
                begin = max(0, here - LOOKED_AT // 2)
                content = (before + part)[begin : here + LOOKED_AT // 2]
                return content.partition(b"\n")[2] or content if begin else content
            before = part[-LOOKED_AT:]
    return before


def no_text(name: str) -> UserError:
    """The error for a binary file."""
    return UserError(f"{name} is a binary file: give a text, in UTF-8")


@contextmanager
def _opened(source: Source) -> Iterator[tuple[IO[bytes], Callable[[], float]]]:
    """The text's bytes, decompressed, and a function for the share read so far; every failure becomes a UserError."""
    try:
        with _raw(source.where) as raw:
            size = raw.seek(0, io.SEEK_END) or 1
            raw.seek(0)
            start = raw.read(6)
            raw.seek(0)
            decompress = next((open_ for magic, open_ in COMPRESSED.items() if start.startswith(magic)), None)
            file = raw if decompress is None else decompress(raw)
            yield file, lambda: min(1.0, raw.tell() / size)
    except FileNotFoundError:
        raise UserError(f"there is no text {source.where!s}") from None
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zstd.ZstdError) as error:
        raise UserError(f"{source.name} is compressed, and damaged or cut short ({error}): give a whole one") from error
    except OSError as error:
        raise UserError(f"{source.where!s} cannot be read: {error.strerror or error}") from error


def _raw(where: Path | bytes) -> IO[bytes]:
    if isinstance(where, bytes):
        return io.BytesIO(where)
    try:
        kind = where.stat().st_mode
    except ValueError as error:
        raise UserError(f"{where} cannot be read: {error}") from error
    if stat.S_ISDIR(kind):
        raise UserError(f"{where} is a folder: name a text file")
    if not stat.S_ISREG(kind):
        raise UserError(f"{where} is not a regular file: name a text file, or - for standard input")
    return where.open("rb")


def _share_of_control(content: bytes) -> float:
    octets = np.frombuffer(content, np.uint8)
    control = ((octets < 0x20) & ~np.isin(octets, list(b"\t\n\f\r\x1b"))) | (octets == 0x7F)
    return float(control.mean())
