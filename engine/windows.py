"""The window rule: the number of characters between two updates, and which of them are targets.

A rule is `streams × length law × targets`. Training one character at a time, a step on a random character and truncated
backpropagation through time (Williams & Peng 1990) are the same code with different values: see `settings.PRESETS`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

LONGEST = 10_000
"""The longest window that a law may ask for, in characters."""

LONGER = 0.05
"""The share of geometric windows that are longer than their reach."""

LADDER = (1, 2, 5, 10, 20, 40, 64, 100, 128, 200, 256, 512, 1024)
"""The lengths that key presses step through, in characters."""

ALL: Literal["all"] = "all"
LAST: Literal["last"] = "last"
TARGETS = (ALL, LAST)
"""`all`: the loss is the mean over all characters of the window; `last`: it is that of the last character."""


@dataclass(frozen=True, slots=True)
class LengthLaw:
    """The law by which the next window's length is drawn.

    Attributes:
        kind: `fixed`, `uniform` (each length from low to high is equally likely) or `geom` (geometric on {1, 2, …}).
        low: the shortest length in characters; for `geom` the mean.
        high: the longest length in characters; for `geom` the mean.
    """

    kind: Literal["fixed", "uniform", "geom"]
    low: int
    high: int

    EXPECTS = f"a length from 1 to {LONGEST:,} (40), a range (10-40) or a geometric mean (geom:11)"

    @classmethod
    def fixed(cls, length: int) -> LengthLaw:
        """The law that always draws `length`; raises ValueError where that is outside 1 … `LONGEST`."""
        return cls("fixed", length, length)

    @classmethod
    def parse(cls, text: str) -> LengthLaw:
        """The law written as `40`, `10-40` or `geom:11`; raises ValueError for anything else."""
        if match := re.fullmatch(r"\s*(\d{1,9})\s*", text, re.ASCII):
            return cls.fixed(int(match[1]))
        if match := re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*", text, re.ASCII):
            low, high = int(match[1]), int(match[2])
            return cls.fixed(low) if low == high else cls("uniform", low, high)
        if match := re.fullmatch(r"\s*geom:\s*(\d{1,9})\s*", text, re.ASCII):
            return cls("geom", int(match[1]), int(match[1]))
        raise ValueError(f"expected {cls.EXPECTS}")

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= LONGEST:
            raise ValueError(f"expected {self.EXPECTS}")

    def __str__(self) -> str:
        match self.kind:
            case "fixed":
                return str(self.low)
            case "uniform":
                return f"{self.low}-{self.high}"
            case "geom":
                return f"geom:{self.low}"

    @property
    def mean(self) -> float:
        """The expected length in characters."""
        return (self.low + self.high) / 2

    @property
    def reach(self) -> int:
        """The length that the longest windows have, in characters: of geometric ones one in twenty is longer."""
        if self.kind == "geom" and self.low > 1:
            return math.ceil(math.log(LONGER) / math.log(1 - 1 / self.low))
        return self.high

    def draw(self, random: Generator, count: int) -> NDArray[np.int64]:
        """The lengths of the next windows in characters, (count,).

        They are the same whether drawn together or one after the other. A fixed law draws nothing from `random`.
        """
        # NumPy takes a tenth of a second to load, and the screen, which uses length laws, should be up before that.
        import numpy as np

        match self.kind:
            case "fixed":
                return np.full(count, self.low, np.int64)
            case "uniform":
                return random.integers(self.low, self.high, count, np.int64, endpoint=True)
            case "geom":
                return random.geometric(1 / self.low, count)

    def stepped(self, direction: int) -> LengthLaw:
        """The same kind of law, one rung of `LADDER` longer (+1) or shorter (-1); itself at the ladder's end."""
        high = _rung(self.high, direction)
        if self.kind != "uniform":
            return LengthLaw(self.kind, high, high)
        low = min(max(1, round(self.low * high / self.high)), high)
        return LengthLaw.fixed(high) if low == high else LengthLaw("uniform", low, high)

    def scaled(self, factor: float) -> LengthLaw:
        """The same kind of law with lengths so many times as long, of one character at the least."""
        low, high = (max(1, round(length * factor)) for length in (self.low, self.high))
        return LengthLaw(self.kind, low, high)


def _rung(length: int, direction: int) -> int:
    if direction > 0:
        return next((rung for rung in LADDER if rung > length), length)
    return next((rung for rung in reversed(LADDER) if rung < length), length)
