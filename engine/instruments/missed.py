"""The information that the text holds at each lag and the network leaves unused."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

GROUPS = 16
"""The largest number of groups: one for each of the most frequent entries, and one for all others together."""

LAGS = 128
"""The longest lag, which the run-in of a panel covers."""

LEAST = 1.0
"""The fewest expected targets in a cell. Smaller cells are pooled: their logarithm is mostly noise (Cochran 1952)."""

Tables = NDArray[np.float64]
"""(lags, groups, groups): by the group of the character at the lag, and by the target's group."""


def grouped(ids: NDArray[np.int64], entries: int) -> NDArray[np.int64]:
    """The group of each entry of a vocabulary, (entries,): 0 for the most frequent entry of `ids`, and so on."""
    order = np.argsort(-np.bincount(ids.ravel(), minlength=entries), kind="stable")
    groups = np.empty(entries, np.int64)
    groups[order] = np.minimum(np.arange(entries), GROUPS - 1)
    return groups


def missed(text: Tensor, chances: Tensor) -> tuple[float, ...]:
    """The gain in nats per target of recalibrating the predictions by the character at one lag alone, for each lag.

    For one lag, O[a, b] counts the targets of group b with a character of group a that many places before them, and
    E[a, b] is the sum of the probabilities that the network gave to group b at those places. Multiplying the network's
    probabilities by O/E gains Σ O log(O/E) / N nats on these N targets: half of the G statistic over N (Wilks 1938).

    Even a needless recalibration gains on the targets it was fitted to. Where the network's probabilities p are right,
    each target is a draw from them, whatever came before. So O[a, b] has the mean E and the variance
    Σ p (1 − p) = E − Q with Q = Σ p². To second order G is Σ (O − E)² / E, and its mean is the degrees of freedom

        Σ (1 − Q[a, b] / E[a, b])

    over the cells of the rows that occur. Where the probabilities are always the same, this is Wilks' groups − 1 per
    row; the more certain the network is, the smaller it is. Half of it, over N, is subtracted. So a network that uses
    all the information at a lag has a mean of 0 there, whatever the text, with a standard deviation of at most
    √(2 degrees) / 2N (the covariance of (O − E)/√E has no eigenvalue above 1).

    Terms of third order, 1 / 6E per cell, are left out: 0.0003 nats for 6000 targets in 16 groups.

    An error that has nothing to do with the lag, such as a wrong frequency of a character, shows at every lag.

    Args:
        text: (before + time, lanes) int64, the groups of the text up to the last target; the targets are the last
            `time` of them.
        chances: (time, lanes, groups), the probability that the network gave to each group before each target.

    Returns:
        One number for each lag from 1, which is the network's newest input, up to the smaller of `LAGS` and `before`.
    """
    time, _, groups = chances.shape
    before = len(text) - time
    there = functional.one_hot(text, groups).to(chances)
    summed = torch.cat((there[before:], chances, chances.square()), dim=2).flatten(0, 1)
    # A lag is a shift in time: a view, without a copy.
    lagged = (there[before - lag : len(text) - lag].flatten(0, 1) for lag in range(1, min(LAGS, before) + 1))
    sums = torch.stack([each.T @ summed for each in lagged]).double().cpu().numpy()
    observed, expected, squares = _pooled(*np.split(sums, 3, axis=2))
    with np.errstate(invalid="ignore"):  # The network may not be finite.
        ratios = np.divide(observed, expected, out=np.ones_like(observed), where=observed > 0)
        won = (observed * np.log(ratios)).sum(axis=(1, 2))
        return tuple(((won - _degrees(expected, squares) / 2) / len(summed)).tolist())


def _degrees(expected: Tables, squares: Tables) -> NDArray[np.float64]:
    """The degrees of freedom at each lag.

    `squares` lack the products of two cells in one pool, which makes the result too large, by at most one per row. A
    row that is a single pool has no degree of freedom.
    """
    free = np.divide(expected - squares, expected, out=np.zeros_like(expected), where=expected != 0)
    by_row = np.where((expected > 0).sum(axis=2) == 1, 0.0, free.sum(axis=2))
    total: NDArray[np.float64] = by_row.sum(axis=1)
    return total


def _pooled(observed: Tables, expected: Tables, squares: Tables) -> tuple[Tables, Tables, Tables]:
    """The tables, (lags, groups, groups + 1) each, with the too small cells of each row pooled in its first cell.

    A cell is too small where fewer than `LEAST` targets are expected. Where all small cells together are still too
    small, the next larger ones join them.
    """
    order = np.argsort(expected, axis=2)
    expected = np.take_along_axis(expected, order, axis=2)
    small = (expected < LEAST).sum(axis=2)
    enough = (np.cumsum(expected, axis=2) < LEAST).sum(axis=2) + 1
    pool = np.where(small > 0, np.maximum(small, enough), 0)[:, :, None] > np.arange(expected.shape[2])

    def put_together(table: Tables) -> Tables:
        together = np.where(pool, table, 0).sum(axis=2, keepdims=True)
        return np.concatenate((together, np.where(pool, 0, table)), axis=2)

    observed, squares = (np.take_along_axis(table, order, axis=2) for table in (observed, squares))
    return put_together(observed), put_together(expected), put_together(squares)
