"""Properties of each character of a text that a network could follow, found in the text itself.

Each is a bool for every character, that of the place after it was read: inside quotation marks is true from the opening
mark on, and false again at the closing one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.bool_]

PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("“", "”"), ("«", "»"), ("「", "」"), ("<", ">"))
"""Marks that open and close."""

QUOTES = ('"', "`", "|", "*", "_", "$")
"""Marks that open and close with the same character."""

COMMENT = re.compile(r"(?:#|//|--)[^\n]*|/\*.*?\*/", re.DOTALL)
"""A comment of a programming language."""

SPEAKER = re.compile(r"^([^\W\d_][^\n:]{0,30}):[ ]*\n", re.MULTILINE)
"""The line that says who speaks, as in a play."""

MOST_SPEAKERS = 3
"""The speakers that are looked for, the most frequent first."""

VOWELS = "aeiouyAEIOUY"

FIELDS = "\t,;|"
"""Marks between the columns of a table."""

REGULAR = 0.9
"""The share of the lines that have the same number of fields, in a table."""

MOST_FIELDS = 6
"""The columns of a table that are looked for."""

LONGEST_INSIDE = 2_000
"""The most characters between two marks: a mark that is never closed is none."""

RAREST, COMMONEST = 0.01, 0.99
"""The share of the characters at which a property can be told at all."""

FEWEST_RUNS = 20
"""The fewest stretches at which a property holds, for it to be judged."""


def properties(text: str) -> dict[str, Labels]:
    """Every property that the text offers often enough, by its name."""
    found = {}
    for name, labels in _every(text):
        runs = int((np.diff(np.r_[0, labels.view(np.int8)]) == 1).sum())
        if RAREST <= labels.mean() <= COMMONEST and runs >= FEWEST_RUNS:
            found[name] = labels
    return found


def _every(text: str) -> Iterator[tuple[str, Labels]]:
    if not text:
        return
    for opening, closing in PAIRS:
        if opening in text:
            yield f"inside {opening} {closing}", _inside(text, opening, closing)
    for mark in QUOTES:
        if mark in text:
            yield f"inside {mark} {mark}", _between(text, mark)
    yield "inside a comment", _spans(text, COMMENT)
    yield from _of_lines(text)
    yield "in capitals", _of_characters(text, str.isupper)
    yield "in a number", _of_characters(text, str.isdigit)
    yield "after a vowel", _of_characters(text, VOWELS.__contains__)
    yield from _speakers(text)
    yield from _fields(text)


def _of_characters(text: str, holds: Callable[[str], bool]) -> Labels:
    by_character = {each: holds(each) for each in set(text)}
    return np.fromiter((by_character[each] for each in text), np.bool_, len(text))


def _inside(text: str, opening: str, closing: str) -> Labels:
    """Whether more marks were opened than closed; an opening mark that is closed nowhere near counts for nothing."""
    open_at: list[int] = []
    labels = np.zeros(len(text), np.bool_)
    for place, each in enumerate(text):
        if each == opening:
            open_at.append(place)
        elif each == closing and open_at:
            begin = open_at.pop()
            if not open_at and place - begin <= LONGEST_INSIDE:
                labels[begin:place] = True
    return labels


def _between(text: str, mark: str) -> Labels:
    """Whether the last mark opened: marks open and close in turn, within a paragraph."""
    labels = np.zeros(len(text), np.bool_)
    begin: int | None = None
    for place, each in enumerate(text):
        if each == "\n" and text[place + 1 : place + 2] == "\n":
            begin = None
        elif each == mark:
            if begin is not None:
                labels[begin:place] = True
            begin = place if begin is None else None
    return labels


def _spans(text: str, pattern: re.Pattern[str]) -> Labels:
    labels = np.zeros(len(text), np.bool_)
    for match in pattern.finditer(text):
        labels[match.start() : match.end()] = True
    return labels


def _of_lines(text: str) -> Iterator[tuple[str, Labels]]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = codes == ord("\n")
    last_end = np.maximum.accumulate(np.where(ends, np.arange(len(codes)), -1))
    column = np.arange(len(codes)) - last_end
    yield "at a line's beginning", column <= 1
    if ends.any():
        yield "far into a line", column > np.median(column[~ends]) if (~ends).any() else ends
    is_space = (codes == ord(" ")) | (codes == ord("\t"))
    last_letter = np.maximum.accumulate(np.where(~is_space & ~ends, np.arange(len(codes)), -1))
    yield "in a line's indentation", is_space & (last_letter < last_end)
    yield "at a word's beginning", is_space | ends
    empty = ends & np.r_[True, ends[:-1]]
    yield "after an empty line", _until_next(empty, ends)


def _until_next(begins: Labels, ends: Labels) -> Labels:
    """True from each of `begins` until the next of `ends` after it."""
    places = np.arange(len(begins))
    last_begin = np.maximum.accumulate(np.where(begins, places, -1))
    last_end = np.maximum.accumulate(np.where(ends & ~begins, places, -1))
    return last_begin > last_end


def _speakers(text: str) -> Iterator[tuple[str, Labels]]:
    """Who speaks, from the end of the line with the name until the next such line."""
    turns = [(match.end(), match.group(1)) for match in SPEAKER.finditer(text)]
    ends = [*(begin for begin, _ in turns[1:]), len(text)]
    for name, _ in Counter(name for _, name in turns).most_common(MOST_SPEAKERS):
        labels = np.zeros(len(text), np.bool_)
        for (begin, speaker), end in zip(turns, ends, strict=True):
            if speaker == name:
                labels[begin - 1 : end - 1] = True
        yield f"{name} speaks", labels


def _fields(text: str) -> Iterator[tuple[str, Labels]]:
    """The column of a table, where nearly all lines have as many fields."""
    lines = text.split("\n")
    for mark in FIELDS:
        counts = Counter(line.count(mark) for line in lines if line)
        if not counts:
            continue
        usual, times = counts.most_common(1)[0]
        if usual and times >= REGULAR * counts.total():
            field = np.concatenate([_field(line, mark) for line in lines])[: len(text)]
            for place in range(min(usual + 1, MOST_FIELDS)):
                yield f"in column {place + 1}", field == place


def _field(line: str, mark: str) -> NDArray[np.int64]:
    """The column of each character of a line and of its end, which begins the next line's first."""
    marks = np.fromiter((each == mark for each in line), np.int64, len(line))
    return np.append(np.cumsum(marks), 0)
