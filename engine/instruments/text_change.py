"""The place at which a text changes, as a table of its pairs of characters sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from engine.text.corpus import TextIds

STRETCHES = 32
"""The number of stretches of equal length that a text is cut into."""

READ, LEAST = 6_000, 400
"""The most entries of a stretch that are counted, from its beginning, and the fewest with which anything is said."""

KINDS = 96
"""The most frequent entries that are told apart; all others count as one."""

AHEAD, BEHIND = 4, 3
"""The number of stretches after a place that are compared with so many before it."""

EARLIEST = 6
"""The stretches that the table knows before the first place that is looked at."""

FEWEST_HELD_OUT = 2
"""The fewest stretches of the validation split with which anything is said about it."""

SIGMAS = 4.0
"""How far the change must exceed the scatter of the stretches before it, in standard deviations."""

Counts = NDArray[np.float64]
"""(KINDS, KINDS): how often each entry follows each other one."""


@dataclass(frozen=True, slots=True)
class TextChange:
    """The largest change of a text.

    Attributes:
        place: the place, as a share of the text; nan where the text is too short to tell or does not change.
        rise: how much more a table of the pairs before the place loses after it than just before it, in nats per entry.
    """

    place: float
    rise: float


def text_change(ids: TextIds) -> TextChange:
    """Compare each stretch of a text with all stretches before it."""
    length = min(READ, len(ids) // STRETCHES)
    if length < LEAST:
        return TextChange(math.nan, 0.0)
    begins = np.arange(STRETCHES, dtype=np.int64) * len(ids) // STRETCHES
    each = _pairs(ids[begins[:, None] + np.arange(length)].astype(np.int64))
    before = np.cumsum(each, axis=0)
    # The loss of each stretch by a table of all before it.
    own = [math.nan, *(_loss(before[number - 1], each[number]) for number in range(1, STRETCHES))]
    found = TextChange(math.nan, 0.0)
    for number in range(EARLIEST, STRETCHES):
        ahead = [_loss(before[number - 1], there) for there in each[number : number + AHEAD]]
        # The lower median, so that one hard chapter, on either side of a cut, makes no change.
        rise = median_low(ahead) - float(np.median(own[number - BEHIND : number]))
        scatter = float(np.std(np.diff(own[BEHIND:number]))) / math.sqrt(2)
        if rise > max(found.rise, SIGMAS * scatter):
            found = TextChange(number / STRETCHES, rise)
    return found


def held_out_change(training: TextIds, validation: TextIds) -> float:
    """How much more a table of the pairs of the training split loses on the validation split, in nats per entry.

    0 where that is within what the stretches of the training split vary by, and where there is too little to tell.
    """
    length = min(READ, len(training) // STRETCHES)
    count = min(STRETCHES, len(validation) // max(1, length))
    if length < LEAST or count < FEWEST_HELD_OUT:
        return 0.0
    own, other = (
        split[(np.arange(stretches, dtype=np.int64) * len(split) // stretches)[:, None] + np.arange(length)]
        for split, stretches in ((training, STRETCHES), (validation, count))
    )
    each = _pairs(np.concatenate([own, other]).astype(np.int64))
    table = each[:STRETCHES].sum(axis=0)
    # No stretch is judged by a table that knows it.
    usual = [_loss(table - there, there) for there in each[:STRETCHES]]
    rise = median_low([_loss(table, there) for there in each[STRETCHES:]]) - float(np.median(usual))
    return rise if rise > SIGMAS * float(np.std(usual)) else 0.0


def _pairs(stretches: NDArray[np.int64]) -> NDArray[np.float64]:
    """The counts of pairs in each of several stretches, (stretches, KINDS, KINDS)."""
    entries = np.bincount(stretches.ravel())
    kinds = np.full(len(entries), KINDS - 1)
    frequent = np.argsort(-entries, kind="stable")[: KINDS - 1]
    kinds[frequent] = np.arange(len(frequent))
    grouped = kinds[stretches]
    pairs = grouped[:, :-1] * KINDS + grouped[:, 1:]
    counts = [np.bincount(row, minlength=KINDS**2).astype(np.float64) for row in pairs]
    return np.stack(counts).reshape(-1, KINDS, KINDS)


def _loss(table: Counts, there: Counts) -> float:
    """The loss of the pairs in `there` by the frequencies in a table, in nats per entry.

    The frequencies are smoothed by those of single entries (Witten & Bell 1991, method C).
    """
    singles = table.sum(axis=0)
    single = (singles + np.count_nonzero(singles) / KINDS) / (singles.sum() + np.count_nonzero(singles))
    follow, different = table.sum(axis=1, keepdims=True), np.count_nonzero(table, axis=1)[:, None]
    shares = np.divide(
        table + different * single, follow + different, where=follow > 0, out=np.tile(single, (KINDS, 1))
    )
    return -float((there * np.log(shares)).sum() / there.sum())
