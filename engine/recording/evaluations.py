"""Which of a watched program's losses without gradient are those of its validation.

A program may evaluate several sets of data: a part of its training data, a validation set, and a test set at the end.
They are told apart by the lines that lead to them, by the program's own words, and by the data. Where that does not say
which is which, none is taken for the validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any


class Role(IntEnum):
    """How likely a set is the validation, by what the program says of it."""

    TRAINED = 0
    TEST = 1
    UNKNOWN = 2
    VALIDATION = 3


WORDS: Mapping[str, Role] = {
    **dict.fromkeys(("train", "training", "trn"), Role.TRAINED),
    **dict.fromkeys(("test", "testing"), Role.TEST),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev", "heldout"), Role.VALIDATION),
}
"""The words by which programs call the parts of their data."""


@dataclass(slots=True)
class _Set:
    """A set of data that a program evaluates.

    Attributes:
        lines: the lines that lead to it, outermost first, each with its text.
        word: what the program calls it, in a variable.
        trained: whether it lies where the training data is.
        alone: whether it was the only one between two updates.
        data: a number made of its first targets, and their count.
    """

    lines: tuple[tuple[str, int, int, str], ...]
    word: str
    trained: bool
    data: tuple[int, int]
    alone: bool = False


@dataclass(slots=True)
class Evaluations:
    """Takes what a program has evaluated between two updates, and says which of it is the validation loss.

    Attributes:
        left_out: the lines of the sets that are not taken for the validation though they were evaluated beside it.
    """

    left_out: list[str] = field(default_factory=list)
    _sets: dict[int, _Set] = field(default_factory=dict)
    _same: dict[int, int] = field(default_factory=dict)
    _chosen: int | None = None

    def take(self, sets: Sequence[Mapping[str, Any]]) -> float | None:
        """The validation loss; None where it is none of these, or not known which."""
        losses: dict[int, tuple[float, int]] = {}
        for group in _groups(sets):
            number = self._known(group[0])
            count = sum(int(each["count"]) for each in group)
            total = sum(float(each["loss"]) * int(each["count"]) for each in group)
            before, already = losses.get(number, (0.0, 0))
            losses[number] = before + total, already + count
        if len(losses) == 1:
            self._sets[next(iter(losses))].alone = True
        if self._chosen is None:
            self._chosen = self._choose()
        self.left_out = [self._named(each) for each in losses if each != self._chosen]
        if self._chosen not in losses or self._role(self._chosen) is Role.TRAINED:
            return None
        total, count = losses[self._chosen]
        return total / count

    def _known(self, given: Mapping[str, Any]) -> int:
        """The number of a set, which is the first that the same data, or the same place, has had."""
        number, data = int(given["set"]), (int(given["first"]), int(given["targets"]))
        if number not in self._same:
            alike = [each for each, one in self._sets.items() if data[0] and one.data == data]
            self._same[number] = alike[0] if alike else number
            if not alike:
                lines = tuple((str(file), int(line), int(at), str(code)) for file, line, at, code in given["lines"])
                self._sets[number] = _Set(lines, str(given["word"]), bool(given["trained"]), data)
        number = self._same[number]
        self._sets[number].trained |= bool(given["trained"])
        return number

    def _choose(self) -> int | None:
        """The set that is the validation; None where that is not known."""
        roles = {number: self._role(number) for number in self._sets}
        highest = max(roles.values())
        first, *others = [number for number, role in roles.items() if role is highest]
        if highest is Role.TRAINED or (others and not self._sets[first].alone):
            return None
        return first

    def _role(self, number: int) -> Role:
        """The role that the program gives a set, where it is not the only one."""
        mine = self._sets[number]
        if mine.trained:
            return Role.TRAINED
        if mine.word in WORDS:
            return WORDS[mine.word]
        for each in self._sets.values():
            if each is not mine and (code := _differs(mine.lines, each.lines)):
                return _role_of(code)
        return Role.UNKNOWN

    def _named(self, number: int) -> str:
        """A set by the innermost line that it has alone."""
        mine = self._sets[number]
        others = [each for each in self._sets.values() if each is not mine]
        lines = [_place(mine.lines, each.lines) for each in others]
        place = next((each for each in lines if each is not None), mine.lines[-1] if mine.lines else None)
        if place is None:
            return mine.word or "one"
        file, line, *_ = place
        # The line may be of a file that the program imports.
        of = "" if file == mine.lines[0][0] else f" of {Path(file).name}"
        return f"{mine.word or 'one'} at line {line}{of}"


def _groups(sets: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Sets by the data that they are of: a loss of several parts is computed at several places in turn."""
    groups: list[list[Mapping[str, Any]]] = []
    for each in sets:
        for group in groups:
            if any(_are_parts(each, one) for one in group):
                group.append(each)
                break
        else:
            groups.append([each])
    yield from groups


def _are_parts(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two losses are computed in turn, by the same call of the same function, or of the same targets."""
    if one["word"] != other["word"] or one["lines"][:-1] != other["lines"][:-1]:
        return False
    in_turn = int(one["begin"]) < int(other["end"]) and int(other["begin"]) < int(one["end"])
    return in_turn or (one["first"] == other["first"] != 0 and one["targets"] == other["targets"])


def _place(mine: Sequence[tuple[str, int, int, str]], other: Sequence[tuple[str, int, int, str]]) -> Any:
    """The outermost line at which two ways part."""
    return next((line for line, another in zip(mine, other, strict=False) if line != another), None)


def _differs(mine: Sequence[tuple[str, int, int, str]], other: Sequence[tuple[str, int, int, str]]) -> str:
    """The text of the outermost line at which two ways part; empty where it is the same line."""
    place = _place(mine, other)
    return "" if place is None else str(place[3])


def _role_of(code: str) -> Role:
    """The role that a line of a program speaks of, where it is a single one."""
    words = re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", code).lower())
    roles = {WORDS[word] for word in words if word in WORDS}
    return roles.pop() if len(roles) == 1 else Role.UNKNOWN
