"""How far one update moves the weights, beside how large they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.network.model import CharRNN


@dataclass(frozen=True, slots=True)
class UpdateRatio:
    """Sizes of one update, by matrix in the order of `network.matrices()`; about 1e-3 is usual.

    Attributes:
        ratios: (matrices,) ‖Δw‖₂ / ‖w‖₂, w before the update; of a matrix of zeros inf where it moves, and else 0.
        norms: (matrices,) ‖w‖₂ before the update.
        whole: the ratio over all matrices together.
    """

    ratios: tuple[float, ...]
    norms: tuple[float, ...]
    whole: float


def weights(network: CharRNN) -> dict[str, Tensor]:
    """Copies of the weight matrices, to be taken before an update."""
    return {name: matrix.detach().clone() for name, matrix in network.matrices().items()}


@torch.no_grad()
def update_ratio(before: Mapping[str, Tensor], network: CharRNN) -> UpdateRatio:
    """What has changed since `weights` gave `before`."""
    matrices = network.matrices()
    norms = _norms(list(before.values()))
    moved = _norms([matrices[name] - matrix for name, matrix in before.items()])
    return UpdateRatio(
        tuple(_ratio(change, size) for change, size in zip(moved, norms, strict=True)),
        tuple(norms),
        _ratio(math.hypot(*moved), math.hypot(*norms)),
    )


def _norms(tensors: list[Tensor]) -> list[float]:
    # Summed up in float64: the squares of large weights would leave float32.
    norms = torch.stack([torch.linalg.vector_norm(tensor, dtype=torch.float64) for tensor in tensors])
    found: list[float] = norms.tolist()
    return found


def _ratio(change: float, size: float) -> float:
    if size == 0:
        return math.inf if change > 0 else 0.0
    return change / size
