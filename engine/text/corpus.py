"""A text as ids: its vocabulary and its splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.settings import AUTO
from engine.text.reader import Reading, Source, identify, no_text, otherwise
from engine.text.stored_ids import StoredIds
from engine.text.vocabulary import CODE_POINTS, Ids, Vocabulary, bytes_of, choose, named
from engine.text.withheld import BLOCK, blocks
from engine.windows import LengthLaw

VALIDATION_SHARE = 0.1
MOST_VALIDATION = 2_000_000
"""The validation split is the last 10 % of the ids, and at most this many. These are read in seconds, and suffice to
tell apart losses that differ by 0.002 nats."""

LEAST_UPDATES, FEW_STREAMS, SHORT_WINDOW = 4, 4, 16
"""The updates that a pass through a short text is to have, and the streams and windows that are kept if possible."""

SHORTEST = 20
"""The fewest characters of a text whose last tenth can be a validation split."""

TextIds = Ids | StoredIds
"""The ids of a text, in memory or in a file; slices and arrays of places read them."""

Tell = Callable[[float], None]
"""Called with the share that is done, 0 … 1."""


@dataclass(frozen=True)
class Corpus:
    """A text as ids.

    Attributes:
        name: the name of the text on the screen.
        ids: (n,) in the smallest unsigned type that holds them; stored in a file where the text is large.
        vocabulary: the characters that the ids stand for.
        chars: the number of characters in the text; smaller than that of ids where some are spelled in bytes.
        digest: the SHA-256 of the text's bytes, in hexadecimal.
        notes: anything unusual about the text, one line each.
    """

    name: str
    ids: TextIds
    vocabulary: Vocabulary
    chars: int
    digest: str
    notes: tuple[str, ...]

    @cached_property
    def training(self) -> TextIds:
        """The ids of the training split: all before the validation split but the withheld blocks."""
        begins = self.withheld
        if not len(begins):
            return self.before_split
        ends = [*begins.tolist(), self.split]
        return np.concatenate(
            [self.ids[begin:end] for begin, end in zip([0, *(begins + BLOCK).tolist()], ends, strict=True)]
        )

    @property
    def before_split(self) -> TextIds:
        """The ids before the validation split, withheld blocks included: the text as it stands, for counting."""
        return self._stretch(0, self.split)

    @property
    def withheld(self) -> NDArray[np.int64]:
        """The place in `ids` of the first entry of each withheld block, which has `BLOCK` of them; see `withheld`."""
        return blocks(self.split)

    @property
    def validation(self) -> TextIds:
        """The ids of the validation split: the last 10 %, at most `MOST_VALIDATION`."""
        return self._stretch(self.split, len(self.ids))

    @property
    def split(self) -> int:
        """The place in `ids` at which the validation split begins."""
        return len(self.ids) - min(int(len(self.ids) * VALIDATION_SHARE), MOST_VALIDATION)

    @property
    def tokens_per_char(self) -> float:
        """Ids per character; 1 where no character is spelled in bytes."""
        return len(self.ids) / self.chars

    def in_memory(self) -> Corpus:
        """A copy with its ids in memory, for another machine."""
        return replace(self, ids=self.ids[:])

    def _stretch(self, begin: int, end: int) -> TextIds:
        return self.ids.stretch(begin, end) if isinstance(self.ids, StoredIds) else self.ids[begin:end]


@dataclass(frozen=True, slots=True)
class Survey:
    """The result of the first pass through a text.

    Attributes:
        source: the source, with the encoding that the text turned out to have.
        vocabulary: the characters that the ids stand for.
        chars: the number of characters in the text.
        tokens: the number of ids that encode the text.
        digest: the SHA-256 of the text's bytes, in hexadecimal.
        notes: anything unusual about the text, one line each.
    """

    source: Source
    vocabulary: Vocabulary
    chars: int
    tokens: int
    digest: str
    notes: tuple[str, ...]


def read_corpus(where: Path | bytes, name: str, cap: int, tell: Tell | None = None, encoding: str = AUTO) -> Corpus:
    """Read a text into memory.

    Args:
        where: a file, or the text's bytes.
        name: the name of the text in messages.
        cap: the most entries that the vocabulary may have.
        tell: called with the share that is read.
        encoding: the text's encoding; `AUTO` to find it out.

    Raises:
        UserError: there is no such file, it is no text, or it is too short to train on.
    """
    tell = tell or _tell_nobody
    found = survey(where, name, cap, lambda share: tell(share / 2), encoding)
    try:
        ids = np.empty(found.tokens, found.vocabulary.dtype)
    except MemoryError:
        raise UserError(f"{name} does not fit into the memory of this machine: give a part of it") from None
    begin = 0
    for part, share in encoded(found):
        ids[begin : begin + len(part)] = part
        begin += len(part)
        tell(0.5 + share / 2)
    return Corpus(name, ids, found.vocabulary, found.chars, found.digest, found.notes)


def survey(where: Path | bytes, name: str, cap: int, tell: Tell, encoding: str = AUTO) -> Survey:
    """The result of a first pass through a text; raises UserError as `read_corpus` does."""
    source = identify(name, where, encoding)
    try:
        return _survey(source, cap, tell)
    except UnicodeDecodeError as error:
        other = otherwise(source, error, encoding)
    try:
        return _survey(other, cap, tell)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name} seems to be in {other.encoding}, and byte {error.start + 1:,} is not valid there: "
            "name its encoding with --encoding"
        ) from None


def encoded(found: Survey) -> Iterator[tuple[Ids, float]]:
    """The ids of a text in parts, from a second pass; with each part the share of the text read so far, 0 … 1.

    Raises UserError where the text has changed since the first pass.
    """
    reading, changed = Reading(found.source), UserError(f"{found.source.name} changed while it was read: start again")
    parts = reading.parts()
    while True:
        try:
            text, share = next(parts)
            ids = found.vocabulary.encode(text)
        except StopIteration:
            break
        except (UnicodeDecodeError, UserError):
            raise changed from None
        yield ids, share
    if reading.digest.hexdigest() != found.digest:
        raise changed


def fitted(corpus: Corpus, streams: int, law: LengthLaw, free: frozenset[str]) -> tuple[int, LengthLaw]:
    """As many streams of as long windows as a text has room for, where it has too little for these.

    A pass through the text is at least `LEAST_UPDATES` updates then, if that is possible.

    Args:
        corpus: the text.
        streams: the number of streams.
        law: the law of the windows' length.
        free: which of the two may be made smaller, `streams` and `bptt`; the other stays as it is.
    """
    there = len(corpus.training) - 1
    if streams * law.high <= there:
        return streams, law
    # Beside a number of streams that somebody has chosen, windows of a few characters are not what was meant.
    shortest = 1 if {"streams", "bptt"} <= free else SHORT_WINDOW
    for least_streams, least_length in ((FEW_STREAMS, SHORT_WINDOW), (1, shortest)):
        while LEAST_UPDATES * streams * law.high > there:
            if "streams" in free and streams > least_streams:
                streams = max(least_streams, streams // 2)
            elif "bptt" in free and law.kind == "fixed" and law.high > least_length:
                law = LengthLaw.fixed(max(least_length, law.high // 2))
            else:
                break
    return streams, law


def check_window(corpus: Corpus, streams: int, law: LengthLaw) -> None:
    """Check that the text is long enough for the longest window in every stream; raises UserError where it is not."""
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


def _survey(source: Source, cap: int, tell: Tell) -> Survey:
    counts = np.zeros(CODE_POINTS, np.int64)
    reading = Reading(source)
    for text, share in reading.parts():
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        seen = np.bincount(codes)
        counts[: len(seen)] += seen
        tell(share)
    if counts[0]:  # A text read as UTF-16 may be UTF-32, which begins with the same bytes.
        raise no_text(source.name)
    _check(counts, source.name)
    vocabulary, note = choose(counts, cap)
    converted = ("CRLF and CR line ends read as LF",) if reading.converted else ()
    return Survey(
        source,
        vocabulary,
        chars=int(counts.sum()),
        tokens=_tokens(counts, vocabulary),
        digest=reading.digest.hexdigest(),
        notes=(*source.notes, *converted, *note),
    )


def _tokens(counts: NDArray[np.int64], vocabulary: Vocabulary) -> int:
    """The number of ids that encode a text with these counts of characters."""
    if not vocabulary.spells:
        return int(counts.sum())
    spelled = counts.copy()
    spelled[[ord(character) for character in vocabulary.characters]] = 0
    codes = np.flatnonzero(spelled).astype(np.uint32)
    return int(counts.sum() + np.dot(spelled[codes], bytes_of(codes) - 1))


def _check(counts: NDArray[np.int64], name: str) -> None:
    characters, distinct = int(counts.sum()), np.flatnonzero(counts)
    if not characters:
        raise UserError(f"{name} is empty: give a text of a few thousand characters")
    if characters == 1:
        raise UserError(f"{name} has only one character: give a text of a few thousand characters")
    if len(distinct) == 1:
        only = named(chr(distinct[0]))
        raise UserError(f"{name} has only one distinct character, {only}: there is nothing to learn")
    if characters < SHORTEST:
        raise UserError(
            f"{name} has {characters} characters: at least {SHORTEST} are needed, a few thousand are better"
        )


def _tell_nobody(_share: float) -> None:
    """Ignore the progress."""
