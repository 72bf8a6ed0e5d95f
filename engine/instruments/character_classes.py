"""A few classes of characters that a reader tells apart at once."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from engine.text.vocabulary import BYTES, Vocabulary

CLASSES = ("lower", "upper", "digit", "space", "line end", "punctuation", "other")

LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
"""The characters after which Unicode always breaks a line (UAX #14)."""

BY_CATEGORY = {"Ll": "lower", "Lu": "upper", "Lt": "upper", "Nd": "digit", "Zs": "space"} | dict.fromkeys(
    ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk"), "punctuation"
)
"""The class of each of Unicode's general categories. Mathematical signs, currency signs and modifiers count as
punctuation, since their ASCII characters do everywhere. Letters without case are `other`: a text in such a script has
no other letters."""


def classes_of(vocabulary: Vocabulary) -> NDArray[np.int64]:
    """The place in `CLASSES` of each entry, (entries,). A byte of a spelled character is `other`."""
    names = ["other"] * (BYTES if vocabulary.spells else 0) + [class_of(each) for each in vocabulary.characters]
    return np.array([CLASSES.index(name) for name in names], np.int64)


def class_of(character: str) -> str:
    """The name of a character's class."""
    if character in LINE_ENDS:
        return "line end"
    if character == "\t":
        return "space"
    return BY_CATEGORY.get(unicodedata.category(character), "other")
