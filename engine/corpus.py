"""A text as ids: decoding, vocabulary and splits."""

from __future__ import annotations

import codecs
import hashlib
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.windows import LengthLaw

Ids = NDArray[np.unsignedinteger]
"""Places in a vocabulary."""

CODE_POINTS = 0x110000
BYTES = 256
CHUNK = 2**22
"""Characters that are turned into ids at a time."""

VALIDATION_SHARE = 0.1
SHORTEST = 20
"""The fewest characters of which the last tenth can be a validation split."""

MOST_CONTROL_BYTES = 0.1
"""A file that is no UTF-8 and has a larger share of control bytes than this is no text."""


@dataclass(frozen=True)
class Vocabulary:
    """The characters behind the ids.

    Attributes:
        characters: the characters that have an id of their own.
        spells: whether all others are spelled in the bytes of their UTF-8; the 256 bytes are the first ids then.
    """

    characters: str
    spells: bool = False

    @property
    def size(self) -> int:
        """The number of ids."""
        return len(self.characters) + (BYTES if self.spells else 0)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest type that holds every id."""
        return np.dtype(np.min_scalar_type(max(self.size - 1, 1)))

    def encode(self, text: str) -> Ids:
        """The ids of a text; raises UserError where it has a character that can neither be looked up nor spelled."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        ids = self._table[codes]
        rare = ids < 0
        if not rare.any():
            return ids.astype(self.dtype)
        foreign = codes[rare & (_is_surrogate(codes) | (not self.spells))]
        if foreign.size:
            names = " ".join(_named(chr(code)) for code in np.unique(foreign)[:5])
            raise UserError(f"the text that was trained on has no {names}")
        is_byte = np.repeat(rare, np.where(rare, _bytes_of(codes), 1))
        spelled = np.empty(len(is_byte), self.dtype)
        spelled[is_byte] = np.frombuffer(codes[rare].tobytes().decode("utf-32-le").encode(), np.uint8)
        spelled[~is_byte] = ids[~rare]
        return spelled

    def decode(self, ids: Sequence[int]) -> str:
        """The text behind ids; bytes that spell no character become U+FFFD."""
        decoder = self.decoder()
        return "".join(map(decoder.feed, ids)) + decoder.end()

    def decoder(self) -> Decoder:
        """Turns ids into text one at a time."""
        return Decoder(self)

    def start(self) -> int:
        """The id that a text begins behind: the line end, or the first one where there is no line end."""
        if "\n" in self.characters:
            return self.characters.index("\n") + (BYTES if self.spells else 0)
        return 0

    def plain(self) -> dict[str, object]:
        """What JSON holds of it."""
        return {"characters": self.characters, "spells": self.spells}

    @classmethod
    def from_plain(cls, value: object) -> Vocabulary:
        """What `plain` made `value` of; raises UserError where it is none."""
        match value:
            case {"characters": str(characters), "spells": bool(spells)}:
                vocabulary = cls(characters, spells)
            case _:
                raise UserError("the vocabulary is not one of charrnn-tui")
        if len(set(characters)) != len(characters) or vocabulary.size < 2:
            raise UserError("the vocabulary has a character twice, or fewer than two")
        if any("\ud800" <= character <= "\udfff" for character in characters):
            raise UserError("the vocabulary has half a character in it")
        return vocabulary

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """(CODE_POINTS,): the id of each code point, -1 where it has none."""
        table = np.full(CODE_POINTS, -1, np.int64)
        codes = np.array([ord(character) for character in self.characters], np.int64)
        table[codes] = np.arange(len(codes)) + (BYTES if self.spells else 0)
        return table


class Decoder:
    """Turns ids into text one at a time: a byte gives its character once that is complete."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, entry: int) -> str:
        """The text that one more id completes."""
        if not self._vocabulary.spells:
            return self._vocabulary.characters[entry]
        if entry < BYTES:
            return self._bytes.decode(bytes([entry]))
        return self.end() + self._vocabulary.characters[entry - BYTES]

    def end(self) -> str:
        """What is left of a character that was not completed."""
        rest = self._bytes.decode(b"", final=True)
        self._bytes.reset()
        return rest


@dataclass(frozen=True)
class Corpus:
    """A text as ids.

    Attributes:
        name: what the text is called on the screen.
        ids: (n,) in the smallest unsigned type that holds them.
        vocabulary: the characters behind the ids.
        chars: characters of the text; fewer than ids where some are spelled in bytes.
        digest: sha256 of the file's bytes, in hexadecimal.
        notes: what about the text was out of the ordinary, a line each.
    """

    name: str
    ids: Ids
    vocabulary: Vocabulary
    chars: int
    digest: str
    notes: tuple[str, ...]

    @property
    def training(self) -> Ids:
        """The ids that are trained on: all but the last 10 %."""
        return self.ids[: self._split]

    @property
    def validation(self) -> Ids:
        """The last 10 % of the ids."""
        return self.ids[self._split :]

    @property
    def tokens_per_char(self) -> float:
        """Ids per character; 1 where no character is spelled in bytes."""
        return len(self.ids) / self.chars

    @property
    def _split(self) -> int:
        return len(self.ids) - int(len(self.ids) * VALIDATION_SHARE)


def read_corpus(source: Path | bytes, name: str, cap: int, progress: Callable[[float], None] | None = None) -> Corpus:
    """Read a text.

    Args:
        source: a file, or the text's bytes.
        name: what to call it.
        cap: the most entries that the vocabulary may have.
        progress: told the share that is read, 0 … 1.

    Raises:
        UserError: there is no such file, it is no text, or it is too short to train on.
    """
    content = source if isinstance(source, bytes) else _read(source)
    tell = progress or _tell_nobody
    if not content:
        raise UserError(f"{name} is empty: give a text of some thousand characters")
    text, notes = _decode(content, name)
    counts = np.zeros(CODE_POINTS, np.int64)
    for codes, share in _chunks(text):
        counts += np.bincount(codes, minlength=CODE_POINTS)
        tell(share / 2)
    _check_text(text, counts, name)
    vocabulary, note = _choose(counts, cap)
    parts: list[Ids] = []
    for begin in range(0, len(text), CHUNK):
        parts.append(vocabulary.encode(text[begin : begin + CHUNK]))
        tell(0.5 + min(1.0, (begin + CHUNK) / len(text)) / 2)
    ids = parts[0] if len(parts) == 1 else np.concatenate(parts)
    digest = hashlib.sha256(content).hexdigest()
    return Corpus(name, ids, vocabulary, len(text), digest, (*notes, *note))


def check_window(corpus: Corpus, streams: int, law: LengthLaw) -> None:
    """Raises UserError where the text is too short for its longest window, or for that many streams of it."""
    longest = law.high
    there, needed = len(corpus.training) - 1, streams * longest
    if longest > there:
        raise UserError(
            f"{corpus.name} has {there:,} characters to train on, a window of --bptt {law} needs {longest:,}: "
            f"use --bptt {there} or shorter, or a longer text"
        )
    if needed > there:
        shorter = f"--bptt {there // streams} or shorter, " if streams <= there else ""
        raise UserError(
            f"{corpus.name} has {there:,} characters to train on, --streams {streams} × --bptt {law} need {needed:,}: "
            f"use --streams {there // longest} or fewer, {shorter}or a longer text"
        )


def _tell_nobody(_share: float) -> None:
    """Nobody wants to know how far reading is."""


def _read(path: Path) -> bytes:
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise UserError(f"{path} is a folder: name a text file")
        if not stat.S_ISREG(kind):
            raise UserError(f"{path} is no regular file: name a text file, or - for standard input")
        return path.read_bytes()
    except MemoryError:
        raise UserError(f"{path} does not fit into the memory of this machine: give a part of it") from None
    except FileNotFoundError:
        raise UserError(f"there is no text {path}: name a file, - for standard input, or shakespeare.txt") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(f"{path} cannot be read: {reason}") from error


def _decode(content: bytes, name: str) -> tuple[str, list[str]]:
    notes: list[str] = []
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            raise _no_text(name) from None
        if "\0" in text:  # UTF-32 begins with the same bytes
            raise _no_text(name)
        notes.append("UTF-16, by its byte-order mark")
    else:
        if b"\0" in content:
            raise _no_text(name)
        mark = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
        if mark:
            content = content[mark:]
            notes.append("byte-order mark dropped")
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            place = mark + error.start + 1
            if _share_of_control(content) > MOST_CONTROL_BYTES:
                raise UserError(
                    f"{name} is binary or in another encoding (byte {place:,} is no UTF-8): give a text in UTF-8"
                ) from None
            text = content.decode("latin-1")
            notes.append(f"not UTF-8 (byte {place:,}): read as Latin-1")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        notes.append("CRLF and CR line ends read as LF")
    return text, notes


def _no_text(name: str) -> UserError:
    return UserError(f"{name} is a binary file: give a text, in UTF-8")


def _share_of_control(content: bytes) -> float:
    octets = np.frombuffer(content[:CHUNK], np.uint8)
    control = ((octets < 0x20) & ~np.isin(octets, list(b"\t\n\f\r\x1b"))) | ((octets >= 0x7F) & (octets < 0xA0))
    return float(control.mean())


def _chunks(text: str) -> Iterator[tuple[NDArray[np.uint32], float]]:
    for begin in range(0, len(text), CHUNK):
        part = text[begin : begin + CHUNK]
        yield np.frombuffer(part.encode("utf-32-le"), np.uint32), min(1.0, (begin + CHUNK) / len(text))


def _check_text(text: str, counts: NDArray[np.int64], name: str) -> None:
    distinct = int((counts > 0).sum())
    if len(text) == 1:
        raise UserError(f"{name} has but one character: give a text of some thousand characters")
    if distinct == 1:
        raise UserError(f"{name} has but one distinct character, {_named(text[0])}: there is nothing to learn")
    if len(text) < SHORTEST:
        raise UserError(f"{name} has {len(text)} characters: at least {SHORTEST} are needed, better some thousand")


def _choose(counts: NDArray[np.int64], cap: int) -> tuple[Vocabulary, tuple[str, ...]]:
    codes = np.flatnonzero(counts)
    if len(codes) <= cap:
        return Vocabulary("".join(map(chr, codes))), ()
    most_frequent = codes[np.argsort(-counts[codes], kind="stable")][: cap - BYTES]
    vocabulary = Vocabulary("".join(map(chr, np.sort(most_frequent))), spells=True)
    rare = len(codes) - len(most_frequent)
    return vocabulary, (f"{len(codes):,} distinct characters: the {rare:,} rarest are spelled in bytes",)


def _is_surrogate(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return (codes >= 0xD800) & (codes <= 0xDFFF)


def _bytes_of(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How many bytes UTF-8 spells each code point in."""
    return 1 + np.digitize(codes, (0x80, 0x800, 0x10000))


def _named(character: str) -> str:
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"
