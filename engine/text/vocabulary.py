"""The vocabulary: the characters that the ids stand for."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError

Ids = NDArray[np.unsignedinteger]
"""Places in a vocabulary."""

CODE_POINTS = 0x110000
BYTES = 256


@dataclass(frozen=True)
class Vocabulary:
    """The characters that the ids stand for.

    Attributes:
        characters: the characters that have their own id.
        spells: whether all other characters are spelled in UTF-8 bytes; if so, the 256 bytes are the first ids.
    """

    characters: str
    spells: bool = False

    def __reduce__(self) -> tuple[type[Vocabulary], tuple[str, bool]]:
        # Without the cached table of all characters, which is a thousand times as large and can be made again.
        return Vocabulary, (self.characters, self.spells)

    @property
    def size(self) -> int:
        """The number of ids."""
        return len(self.characters) + (BYTES if self.spells else 0)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest type that holds every id."""
        return np.dtype(np.min_scalar_type(max(self.size - 1, 1)))

    def encode(self, text: str) -> Ids:
        """The ids of a text; raises UserError where a character has no id and cannot be spelled."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        ids = self._table[codes]
        rare = ids < 0
        if not rare.any():
            return ids.astype(self.dtype)
        foreign = codes[rare & (_is_surrogate(codes) | (not self.spells))]
        if foreign.size:
            names = " ".join(named(chr(code)) for code in np.unique(foreign)[:5])
            raise UserError(f"the text that was trained on has no {names}")
        is_byte = np.repeat(rare, np.where(rare, bytes_of(codes), 1))
        spelled = np.empty(len(is_byte), self.dtype)
        spelled[is_byte] = np.frombuffer(codes[rare].tobytes().decode("utf-32-le").encode(), np.uint8)
        spelled[~is_byte] = ids[~rare]
        return spelled

    def decode(self, ids: Sequence[int]) -> str:
        """The text that ids stand for; bytes that spell no character become U+FFFD."""
        decoder = self.decoder()
        return "".join(map(decoder.feed, ids)) + decoder.end()

    def decoder(self) -> Decoder:
        """A decoder that turns ids into text one at a time."""
        return Decoder(self)

    def name(self, entry: int) -> str:
        """The name of an id by itself: its character, or its byte in hexadecimal digits, such as `<e3>`."""
        if not self.spells:
            return self.characters[entry]
        return f"<{entry:02x}>" if entry < BYTES else self.characters[entry - BYTES]

    def start(self) -> int:
        """The id that stands before the beginning of a text: the line end, or 0 where the text has no line end."""
        if "\n" in self.characters:
            return self.characters.index("\n") + (BYTES if self.spells else 0)
        return 0

    def plain(self) -> dict[str, object]:
        """The vocabulary in a form that JSON can hold."""
        return {"characters": self.characters, "spells": self.spells}

    @classmethod
    def from_plain(cls, value: object) -> Vocabulary:
        """The vocabulary that `plain` made `value` of; raises UserError where it is not one."""
        match value:
            case {"characters": str(characters), "spells": bool(spells)}:
                vocabulary = cls(characters, spells)
            case _:
                raise UserError("the vocabulary is not one of charrnn-tui")
        if len(set(characters)) != len(characters) or vocabulary.size < 2:
            raise UserError("the vocabulary has a repeated character, or fewer than two")
        if any("\ud800" <= character <= "\udfff" for character in characters):
            raise UserError("the vocabulary has half a character in it")
        return vocabulary

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """The id of each code point, (CODE_POINTS,); -1 where it has none."""
        table = np.full(CODE_POINTS, -1, np.int64)
        codes = np.array([ord(character) for character in self.characters], np.int64)
        table[codes] = np.arange(len(codes)) + (BYTES if self.spells else 0)
        return table


class Decoder:
    """Turns ids into text one at a time; a character that is spelled in bytes comes with its last byte."""

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
        """The text for a character whose bytes were not completed: U+FFFD, or nothing."""
        rest = self._bytes.decode(b"", final=True)
        self._bytes.reset()
        return rest


def choose(counts: NDArray[np.int64], cap: int) -> tuple[Vocabulary, tuple[str, ...]]:
    """The vocabulary of a text, and a note where it spells characters in bytes.

    Args:
        counts: (CODE_POINTS,) the count of each character in the text.
        cap: the most entries that the vocabulary may have.
    """
    codes = np.flatnonzero(counts)
    if len(codes) <= cap:
        return Vocabulary("".join(map(chr, codes))), ()
    most_frequent = codes[np.argsort(-counts[codes], kind="stable")][: cap - BYTES]
    vocabulary = Vocabulary("".join(map(chr, np.sort(most_frequent))), spells=True)
    rare = len(codes) - len(most_frequent)
    return vocabulary, (f"{len(codes):,} distinct characters: the {rare:,} rarest are spelled in bytes",)


def _is_surrogate(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return (codes >= 0xD800) & (codes <= 0xDFFF)


def bytes_of(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The number of UTF-8 bytes of each code point."""
    return 1 + np.digitize(codes, (0x80, 0x800, 0x10000))


def named(character: str) -> str:
    """A character as a message shows it."""
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"
