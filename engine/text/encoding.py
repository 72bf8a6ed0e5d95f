"""The encoding of a text that has no byte-order mark and is not UTF-8."""

from __future__ import annotations

import codecs
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np

CANDIDATES = ("cp1252", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1254")
"""The encodings that texts are still found in, those first that others are rarely mistaken for. A longer list would
find more wrong ones: most of the world's encodings can read any bytes."""

LOOKED_AT = 2**17
"""The most bytes that are looked at."""

NOT_IN_CP1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""The bytes that stand for nothing in cp1252. Latin-1, which is nearly the same, has them."""

FEWEST = 8
"""The fewest bytes beyond ASCII that tell something of an encoding."""

MOST_DISORDER = 0.5
"""The most disorder of the characters of a text, as charset-normalizer measures it."""

MOST_KANA = 0.3
"""The share of half-width kana among the characters beyond ASCII from which a text is not Japanese: Cyrillic and Greek
letters are taken for these."""

ALIKE = 0.01
"""The difference in disorder below which two readings of a text are equally good."""

SURE_DISORDER, SURE_COHERENCE = 0.05, 0.1
"""The most disorder of the characters, and the least likeness to a language, with which an encoding is surely right."""

ORDERED = 0.75
"""How much less the bytes that choose a script must vary than the others, where there are no zeros."""

READABLE = 0.99
"""The share of a text's characters that must be letters, marks, digits, signs or space."""


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding that was found out.

    Attributes:
        encoding: its name, as Python has it.
        sure: whether it is hardly another one.
    """

    encoding: str
    sure: bool

    @property
    def in_words(self) -> str:
        """The assumption, and the option that corrects it."""
        how = "almost surely right" if self.sure else "a guess"
        return f"read as {self.encoding}, which is {how}; --encoding names another"


def guess(content: bytes) -> Guess | None:
    """The encoding of a text by its first bytes; None where it is no text in any encoding that is known here."""
    content = content[:LOOKED_AT]
    if (wide := _utf16(content)) is not None:
        return wide
    if b"\0" in content:
        return None
    if sum(octet > 127 for octet in content) < FEWEST:
        return Guess("latin-1" if NOT_IN_CP1252 & set(content) else CANDIDATES[0], sure=False)
    from charset_normalizer import from_bytes  # Most texts are in UTF-8, and need not wait for it.

    matches = from_bytes(content, cp_isolation=list(CANDIDATES), threshold=MOST_DISORDER)
    found = [each for each in matches if each.encoding in CANDIDATES and not _is_all_kana(str(each))]
    if not found:
        return None
    best = min(found, key=lambda each: (round(each.chaos / ALIKE), -each.coherence, CANDIDATES.index(each.encoding)))
    return Guess(best.encoding, best.chaos <= SURE_DISORDER and best.coherence >= SURE_COHERENCE)


def _is_nearly_utf8(content: bytes) -> bool:
    """Whether a text is in UTF-8 but for some damaged places. Its bytes come in pairs too, where it is Cyrillic."""
    text = content.decode("utf-8", "replace")
    return text.count("\ufffd") < (1 - READABLE) * len(text)


def _is_all_kana(text: str) -> bool:
    beyond = [character for character in text if character > "\x7f"]
    return sum("\uff61" <= character <= "\uff9f" for character in beyond) > MOST_KANA * len(beyond)


def _utf16(content: bytes) -> Guess | None:
    """UTF-16 without a mark, by the order of its bytes: those that choose a script vary less than the others."""
    pairs = np.frombuffer(content[: len(content) // 2 * 2], np.uint8).reshape(-1, 2)
    if len(pairs) < 2:
        return None
    spread = [_entropy(pairs[:, place]) for place in (0, 1)]
    encoding = "utf-16-le" if spread[1] < spread[0] else "utf-16-be"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content[: 2 * len(pairs)])
    except UnicodeDecodeError:
        return None
    # Any two bytes make some character: those of text without zero bytes would be Chinese ones of every kind.
    zeros = float((pairs == 0).mean())
    readable = sum(count for character, count in Counter(text).items() if _is_readable(character))
    if readable < READABLE * len(text):
        return None
    if not zeros and (min(spread) > ORDERED * max(spread) or _is_nearly_utf8(content)):
        return None
    return Guess(encoding, sure=zeros > 0)


def _entropy(octets: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> float:
    counts = np.bincount(octets)
    shares = counts[counts > 0] / len(octets)
    return float(-(shares * np.log(shares)).sum())


def _is_readable(character: str) -> bool:
    return character in "\t\n\r\f" or unicodedata.category(character)[0] in "LMNPSZ"
