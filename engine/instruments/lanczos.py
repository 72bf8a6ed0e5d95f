"""The largest eigenvalue of a symmetric matrix that is known only by its products."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

PRODUCTS = 8
ENOUGH = 0.005
"""Products are made until an eigenvalue is known to such a share of itself, but no more than eight. The one that is
known first may be the second largest: asking for more than two percent mostly brings the largest to light, too."""


def largest_eigenvalue(times: Callable[[Tensor], Tensor], start: Tensor) -> float:
    """The largest (not the largest in magnitude) eigenvalue, from below; nan where `start` is zero or not finite.

    Lanczos' iteration: of all combinations of the vectors that power iteration goes through it finds the best, with as
    many products, and is not led astray by a large negative eigenvalue. Where the two largest lie within some percent
    of each other it may end between them. Two vectors are held and not all of them: what rounding does to their angles
    doubles eigenvalues that are found already, and moves none (Paige 1980).

    Args:
        times: the matrix' product with a vector (n,).
        start: (n,) a vector that has a part of the eigenvector in it, of any length.
    """
    rest, link, vector = start, float(start.norm()), torch.zeros_like(start)
    diagonal: list[float] = []
    links: list[float] = []
    largest = math.nan
    for _ in range(min(PRODUCTS, len(start))):
        if not (link and math.isfinite(link)):
            break
        before, vector = vector, rest / link
        rest = times(vector)
        if links:
            rest = rest - link * before
        diagonal.append(float(vector @ rest))
        rest = rest - diagonal[-1] * vector
        link = float(rest.norm())
        if not math.isfinite(link):
            return math.nan
        largest, share = _ritz(diagonal, links)
        # The length of what is left is a bound of the error.
        if link * share < ENOUGH * abs(largest):
            break
        links.append(link)
    return largest


def _ritz(diagonal: list[float], links: list[float]) -> tuple[float, float]:
    """The largest eigenvalue of a tridiagonal matrix, and the last number of its eigenvector, in magnitude."""
    beside = torch.tensor(links, dtype=torch.float64)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + beside.diag(1) + beside.diag(-1)
    values, vectors = torch.linalg.eigh(matrix)
    return float(values[-1]), abs(float(vectors[-1, -1]))
