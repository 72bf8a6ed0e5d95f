"""The size of one update relative to the size of the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.network.model import CharRNN


@dataclass(frozen=True, slots=True)
class UpdateRatio:
    """Relative sizes of one update, by matrix in the order of `network.matrices()`; about 1e-3 is usual.

    Attributes:
        ratios: (matrices,) ‖Δw‖₂ / ‖w‖₂ with w before the update; for a matrix of zeros inf where it moves, else 0.
        norms: (matrices,) ‖w‖₂ before the update.
        whole: the ratio over all matrices together.
    """

    ratios: tuple[float, ...]
    norms: tuple[float, ...]
    whole: float


def weights(network: CharRNN) -> dict[str, Tensor]:
    """Copies of the weight matrices, for `update_ratio` to compare with after the update."""
    return {name: matrix.detach().clone() for name, matrix in network.matrices().items()}


@torch.no_grad()
def update_ratio(before: Mapping[str, Tensor], network: CharRNN) -> UpdateRatio:
    """The size of the change since `weights` returned `before`."""
    matrices = network.matrices()
    norms = _norms(list(before.values()))
    moved = _norms([matrices[name] - matrix for name, matrix in before.items()])
    return UpdateRatio(
        tuple(_ratio(change, size) for change, size in zip(moved, norms, strict=True)),
        tuple(norms),
        _ratio(math.hypot(*moved), math.hypot(*norms)),
    )


def _norms(tensors: list[Tensor]) -> list[float]:
    # Summed in float64: the squares of large weights could overflow float32.
    norms = torch.stack([torch.linalg.vector_norm(tensor, dtype=torch.float64) for tensor in tensors])
    found: list[float] = norms.tolist()
    return found


def _ratio(change: float, size: float) -> float:
    if size == 0:
        return math.inf if change > 0 else 0.0
    return change / size
