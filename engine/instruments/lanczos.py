"""The largest eigenvalue of a symmetric matrix that is known only by its products with vectors."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

PRODUCTS = 8
ENOUGH = 0.002
"""The most products that are made, and the relative error of the eigenvalue at which they end earlier. The eigenvalue
that converges first may be the second largest: a bound below 2 % mostly finds the largest one, too."""


def largest_eigenvalue(times: Callable[[Tensor], Tensor], start: Tensor) -> float:
    """The largest (not the largest in magnitude) eigenvalue, from below; nan where `start` is zero or not finite.

    This is Lanczos' iteration. It finds the best combination of the vectors that power iteration goes through, with the
    same number of products, and a large negative eigenvalue does not mislead it. Where the two largest eigenvalues lie
    within a few percent of each other, the result may lie between them. Only two vectors are held: the loss of
    orthogonality by rounding repeats eigenvalues that have been found, and moves none (Paige 1980).

    Args:
        times: returns the matrix' product with a vector (n,).
        start: (n,) a vector of any length that is not orthogonal to the eigenvector.
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
        # The residual's norm bounds the error.
        if link * share < ENOUGH * abs(largest):
            break
        links.append(link)
    return largest


def _ritz(diagonal: list[float], links: list[float]) -> tuple[float, float]:
    """The largest eigenvalue of a tridiagonal matrix, and the magnitude of the last number of its eigenvector."""
    beside = torch.tensor(links, dtype=torch.float64)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + beside.diag(1) + beside.diag(-1)
    values, vectors = torch.linalg.eigh(matrix)
    return float(values[-1]), abs(float(vectors[-1, -1]))
