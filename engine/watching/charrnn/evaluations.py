"""Losses without gradient, in sets: those that a program computes at another place, or says to be of other data.

Whether a set is the validation is not judged here: whoever reads the journal does.
"""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from charrnn.sites import OURS

if TYPE_CHECKING:
    from torch import Tensor

WORDS = frozenset(
    ["train", "training", "trn", "val", "valid", "validation", "dev", "test", "testing", "eval", "heldout"]
)
"""The words by which programs call the parts of their data."""

NAMES = frozenset(
    ["split", "phase", "mode", "name", "part", "partition", "subset", "which", "kind", "stage", "key", "set"]
)
"""The variables in which such a word is looked for."""

MOST_SETS, MOST_MEMORIES = 256, 64
"""The most sets that are told apart, and the most tensors that training data is known to be cut out of."""

MOST_LINES = 24
"""The lines on the way to a loss by which its place is known."""

MOST_HASHED = 256
"""The targets by which a batch is known again."""

VIEW = 4
"""How many times as large as a training batch the memory must be that it lies in, so that it was cut out of a whole."""

Place = tuple[str, int, int]
"""A file, a line, and an instruction."""


@dataclass(slots=True)
class Set:
    """The losses of one set since the last update.

    Attributes:
        number: its number, by the place where the loss is computed and by the word; from 1 on.
        place: the lines of the program that lead to the loss, outermost first.
        word: what the program calls it; empty where it does not say.
        total, targets: the sum of all losses, each times its targets; and the number of these.
        count: the number of losses.
        first: a number made of the first targets, by which the same data is known again.
        is_trained: whether its targets lie where those are that were trained on.
        begin, end: the places of its first and last loss among all that were added.
    """

    number: int
    place: tuple[Place, ...]
    word: str
    total: Any = 0.0
    targets: int = 0
    count: int = 0
    first: int = 0
    is_trained: bool = False
    begin: int = 0
    end: int = 0


class Evaluations:
    """Gathers losses that are computed without gradient."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[Place, ...], str], int] = {}
        self._sets: dict[int, Set] = {}
        self._own: dict[str, bool] = {}
        self._named: dict[CodeType, tuple[str, ...]] = {}
        self._libraries: tuple[str, ...] = ()
        self._trained: dict[tuple[int, int], tuple[int, int]] = {}
        self._added = 0

    @property
    def is_empty(self) -> bool:
        """Whether there was none since `take`."""
        return not self._sets

    def trained(self, target: Tensor) -> None:
        """These targets are trained on."""
        if (found := _span(target)) is not None and found[0][1] >= VIEW * (found[2] - found[1]):
            memory, begin, end = found
            if memory in self._trained or len(self._trained) < MOST_MEMORIES:
                low, high = self._trained.get(memory, (begin, end))
                self._trained[memory] = min(low, begin), max(high, end)

    def add(self, loss: Tensor, targets: int, target: Tensor | None) -> None:
        """Add a loss over so many targets."""
        place, word = self._place()
        number = self._numbers.get((place, word))
        if number is None:
            if len(self._numbers) >= MOST_SETS:
                return
            number = self._numbers[place, word] = len(self._numbers) + 1
        self._added += 1
        if (there := self._sets.get(number)) is None:
            there = self._sets[number] = Set(number, place, word, begin=self._added)
            if target is not None:
                there.first, there.is_trained = _key(target), self._was_trained(target)
        weight = max(1, targets)  # The last batch of a set may be a small one.
        there.total += weight * (loss.item() if loss.is_cpu else loss.detach().double())
        there.targets, there.count = there.targets + weight, there.count + 1
        there.end = self._added

    def take(self) -> list[dict[str, Any]]:
        """The sets since the last call, for the journal."""
        sets, self._sets = list(self._sets.values()), {}
        return [
            {
                "set": each.number,
                "loss": float(each.total) / each.targets,
                "targets": each.targets,
                "count": each.count,
                "word": each.word,
                "first": each.first,
                "trained": each.is_trained,
                "begin": each.begin,
                "end": each.end,
                "lines": [[file, line, instruction, _text(file, line)] for file, line, instruction in each.place],
            }
            for each in sets
        ]

    def _was_trained(self, target: Tensor) -> bool:
        """Whether these targets lie among those that were trained on, in the same memory, or those among these."""
        if (found := _span(target)) is None:
            return False
        memory, begin, end = found
        low, high = self._trained.get(memory, (0, 0))
        return high > low and 2 * (min(end, high) - max(begin, low)) > min(end - begin, high - low)

    def _place(self) -> tuple[tuple[Place, ...], str]:
        """The program's own lines that lead here, outermost first, and the word that it has for its data."""
        lines: list[Place] = []
        word = ""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and len(lines) < MOST_LINES:
            code = frame.f_code
            own = self._own.get(code.co_filename)
            if own is None:
                own = self._own[code.co_filename] = self._is_own(code.co_filename)
            if own:
                lines.append((code.co_filename, frame.f_lineno, frame.f_lasti))
                word = word or self._word(frame)
            frame = frame.f_back
        return tuple(reversed(lines)), word

    def _word(self, frame: FrameType) -> str:
        code = frame.f_code
        names = self._named.get(code)
        if names is None:
            every = (*code.co_varnames, *(code.co_names if code.co_name == "<module>" else ()))
            names = self._named[code] = tuple(each for each in every if each in NAMES)
        if names:
            there = frame.f_locals
            for name in names:
                value = there.get(name)
                if type(value) is str and value.lower() in WORDS:
                    return value.lower()
        return ""

    def _is_own(self, file: str) -> bool:
        """Whether a file is the program's own, and none of a library."""
        if not self._libraries:
            folders = (sysconfig.get_path(each) for each in ("stdlib", "platstdlib", "purelib", "platlib"))
            self._libraries = (OURS, "<frozen", *folders)
        return not file.startswith(self._libraries) and "site-packages" not in file


def _span(target: Tensor) -> tuple[tuple[int, int], int, int] | None:
    """The memory that targets lie in, by its place and size, and where they begin and end there."""
    import torch

    if type(target) is not torch.Tensor or target.layout is not torch.strided:
        return None
    size = target.numel() * target.element_size()
    memory = target.untyped_storage()
    if not size or memory.nbytes() == size:
        return None
    begin = int(target.storage_offset()) * target.element_size()
    return (memory.data_ptr(), memory.nbytes()), begin, begin + int(size)


def _key(target: Tensor) -> int:
    """A number that is made of the first targets, the same in every process."""
    import torch

    if type(target) is not torch.Tensor or target.layout is not torch.strided or target.device.type != "cpu":
        return 0
    key = target.numel()
    for each in target.detach().reshape(-1)[:MOST_HASHED].tolist():
        key = (key * 1_000_003 + hash(each)) & (2**52 - 1)
    return key


def _text(file: str, line: int) -> str:
    import linecache

    return linecache.getline(file, line).strip()[:200]
