"""Numbers as products of matrices take them: float32 as they are, or rounded to bfloat16.

NumPy has no bfloat16: its bits, the upper half of a float32's, are held as uint16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numba import types
from numba.extending import overload
from numpy.typing import NDArray
from torch import Tensor

from engine.training.compiled import Floats, compiled

Operand: TypeAlias = NDArray[np.float32] | NDArray[np.uint16]
"""A side of a product."""

HALF, BEFORE = np.uint32(0x7FFF), np.uint32(16)
"""A little less than half of bfloat16's last digit, and the number of bits that it lacks."""


def operand(tensor: Tensor) -> Operand:
    """A tensor's memory as a side of a product; the tensor is in float32 or bfloat16."""
    return cast(Operand, (tensor.view(torch.uint16) if tensor.dtype is torch.bfloat16 else tensor).numpy())


@compiled
def halve(bits: np.uint32) -> np.uint32:
    """The bits of a float32 rounded to bfloat16: to the nearest, and half way to the even one."""
    return (bits + HALF + ((bits >> BEFORE) & np.uint32(1))) >> BEFORE


def _round(values: Floats, to: Operand) -> None:
    raise NotImplementedError("compiled functions alone can call it")


@overload(_round, strict=False)
def _to_its_type(values: Any, to: Any) -> Callable[..., None]:  # noqa: ARG001
    if to.dtype == types.float32:
        return lambda values, to: None  # noqa: ARG005 - `to` is the memory of `values`

    def halve_all(values: Floats, to: Operand) -> None:
        bits = values.view(np.uint32)
        for place in range(values.size):
            to[place] = np.uint16(halve(bits[place]))

    return halve_all


@compiled
def round_to(values: Floats, to: Operand) -> None:
    """Write each of `values` (n,) into `to` (n,), rounded where that is in bfloat16; else `to` is the same memory."""
    _round(values, to)


@compiled
def interleave(weight: Floats, to: NDArray[np.uint32]) -> None:
    """Round each two rows of a weight (2·n, columns), and write each two numbers of a column side by side into `to`."""
    for pair in range(to.shape[0]):
        first, second = weight[2 * pair].view(np.uint32), weight[2 * pair + 1].view(np.uint32)
        both = to[pair]
        for column in range(both.size):
            both[column] = halve(first[column]) | (halve(second[column]) << BEFORE)
