"""The characters behind the ids."""

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
    """The characters behind the ids.

    Attributes:
        characters: the characters that have an id of their own.
        spells: whether all others are spelled in the bytes of their UTF-8; the 256 bytes are the first ids then.
    """

    characters: str
    spells: bool = False

    def __reduce__(self) -> tuple[type[Vocabulary], tuple[str, bool]]:
        # Whoever unpickles it makes the table of all characters anew, which is a thousand times as large.
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
        """The ids of a text; raises UserError where it has a character that can neither be looked up nor spelled."""
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


def choose(counts: NDArray[np.int64], cap: int) -> tuple[Vocabulary, tuple[str, ...]]:
    """The vocabulary of a text, and what about it is out of the ordinary.

    Args:
        counts: (CODE_POINTS,) how often the text has each character.
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
    """How many bytes UTF-8 spells each code point in."""
    return 1 + np.digitize(codes, (0x80, 0x800, 0x10000))


def named(character: str) -> str:
    """A character as a message shows it."""
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"
