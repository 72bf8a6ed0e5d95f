"""What a network leaves unused of the information that the text holds at each lag."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

GROUPS = 16
"""The most groups: the most frequent entries by themselves, and all others together."""

LAGS = 128
"""The longest lag, which the run-in of a panel covers."""

LEAST = 1.0
"""Fewer targets than this are not expected in any cell: below it a logarithm is mostly noise (Cochran 1952)."""

Tables = NDArray[np.float64]
"""(lags, groups, groups): by the group at the lag, and by the target's group."""


def grouped(ids: NDArray[np.int64], entries: int) -> NDArray[np.int64]:
    """The group of each entry of a vocabulary, (entries,): 0 for the most frequent of `ids`, and so on."""
    order = np.argsort(-np.bincount(ids.ravel(), minlength=entries), kind="stable")
    groups = np.empty(entries, np.int64)
    groups[order] = np.minimum(np.arange(entries), GROUPS - 1)
    return groups


def missed(text: Tensor, chances: Tensor) -> tuple[float, ...]:
    """What a recalibration by the character at one lag, and by it alone, would win, in nats per target, for each lag.

    For a lag, O[a, b] counts the targets of group b that have a character of group a so far behind them, and E[a, b] is
    the sum of the chances that the network gave to group b before them. To multiply the network's chances by O/E
    wins Σ O log(O/E) / N nats on these N targets: half of the G statistic over N (Wilks 1938).

    On those it was made of, even a needless recalibration wins. Where the network's chances p are right, each target
    is a draw from them, whatever came before, so that O[a, b] has the mean E and the variance Σ p (1 − p) = E − Q with
    Q = Σ p². To second order G is Σ (O − E)² / E, and its mean is the degrees of freedom

        Σ (1 − Q[a, b] / E[a, b])

    over the cells of the rows that occur. For chances that are always the same it is Wilks' groups − 1 a row; the
    surer the network is, the less is left to chance, and the less it is. Half of it, over N, is subtracted. So a
    network that uses what there is at a lag has 0 there, in the mean, whatever the text, with a standard deviation of
    √(2 degrees) / 2N at most (the covariance of (O − E)/√E has no eigenvalue above 1).

    Terms of third order, 1 / 6E a cell, are left out: 0.0003 nats of 6000 targets in 16 groups.

    What the network predicts wrongly for whatever reason, such as a character's frequency, is seen at every lag.

    Args:
        text: (before + time, lanes) int64, the groups of the text up to the last target; the targets are the last
            `time` of them.
        chances: (time, lanes, groups), what the network gave to each group before each target.

    Returns:
        One number for each lag from 1, which is the network's newest input, up to `LAGS` or `before`.
    """
    time, _, groups = chances.shape
    before = len(text) - time
    there = functional.one_hot(text, groups).to(chances)
    summed = torch.cat((there[before:], chances, chances.square()), dim=2).flatten(0, 1)
    # A lag is a shift in time, and a view of what there is.
    lagged = (there[before - lag : len(text) - lag].flatten(0, 1) for lag in range(1, min(LAGS, before) + 1))
    sums = torch.stack([each.T @ summed for each in lagged]).double().cpu().numpy()
    observed, expected, squares = _pooled(*np.split(sums, 3, axis=2))
    with np.errstate(invalid="ignore"):  # of a network that is not finite
        ratios = np.divide(observed, expected, out=np.ones_like(observed), where=observed > 0)
        won = (observed * np.log(ratios)).sum(axis=(1, 2))
        return tuple(((won - _degrees(expected, squares) / 2) / len(summed)).tolist())


def _degrees(expected: Tables, squares: Tables) -> NDArray[np.float64]:
    """The degrees of freedom at each lag.

    In a pool `squares` lack the products of two of its cells, which makes it too many, by one a row at most; a row that
    is all pool has none.
    """
    free = np.divide(expected - squares, expected, out=np.zeros_like(expected), where=expected != 0)
    by_row = np.where((expected > 0).sum(axis=2) == 1, 0.0, free.sum(axis=2))
    total: NDArray[np.float64] = by_row.sum(axis=1)
    return total


def _pooled(observed: Tables, expected: Tables, squares: Tables) -> tuple[Tables, Tables, Tables]:
    """The tables with the cells of each row in which too few targets are expected put together into its first cell.

    Where they do not suffice together, the next larger one goes with them: (lags, groups, groups + 1) each.
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
