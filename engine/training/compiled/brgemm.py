"""Products of bfloat16 with a weight whose rows are interleaved, by oneDNN's kernels for small matrices.

Torch brings them along (`at::native::cpublas::brgemm`). With tiles (AMX) they take a third of the time of BLAS, which
arranges the weight anew at each product.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

import torch
from numba import types
from numba.extending import overload

from engine.training.compiled import BOUNDS, compiled
from engine.training.compiled.libraries import in_torch, introduce, pointer
from engine.training.compiled.rounding import Operand

KERNEL, RELEASE = "charrnn_brgemm", "charrnn_brgemm_release"
"""The names by which compiled functions find the product, and what gives up the tiles."""

BFLOAT16 = ctypes.c_int8(15)
"""Torch's own number for the type."""


def _runs_here() -> bool:
    """Whether the kernels can be called: where they cannot, calling one would end the process."""
    tiles = in_torch("_ZN2at6native7cpublas10could_packEN3c1010ScalarTypeE")
    if tiles is None:
        return False
    tiles.restype = ctypes.c_bool
    bounded = any(os.environ.get(name) for name in BOUNDS)
    return bool(tiles(BFLOAT16)) or (torch.cpu._is_avx512_bf16_supported() and not bounded)


INTERLEAVES = (
    _runs_here()
    and introduce(RELEASE, in_torch("_ZN2at6native7cpublas14brgemm_releaseEb"))
    and introduce(KERNEL, in_torch("_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb"))
)
"""Whether there are such products here."""


def with_interleaved() -> Callable[..., None]:
    """The product for compiled functions: `to = kept * to + left @ right`, where `kept` is 0 or 1.

    `right` is (inner / 2, columns, 2).
    """
    size, flag, matrix, result = types.int64, types.uint8, pointer(types.uint16), pointer(types.float32)
    arguments = (*(size,) * 6, flag, matrix, matrix, result, flag)
    kernel: Any = types.ExternalFunction(KERNEL, types.void(*arguments))

    def call(left: Any, is_left: Any, right: Any, to: Any, kept: Any) -> None:  # noqa: ARG001
        adds = 1 if kept else 0
        rows, columns, inner = to.shape[0], to.shape[1], left.shape[1]
        kernel(rows, columns, inner, inner, columns, columns, adds, left.ctypes, right.ctypes, to.ctypes, 1)

    return call


def _release(weight: Operand) -> None:
    raise NotImplementedError("compiled functions alone can call it")


@overload(_release, strict=False)
def _by_form(weight: Any) -> Callable[..., None]:
    if weight.ndim != 3:
        return lambda weight: None  # noqa: ARG005 - no tiles
    of_tiles: Any = types.ExternalFunction(RELEASE, types.void(*(types.uint8,)))

    def call(weight: Operand) -> None:  # noqa: ARG001
        of_tiles(1)

    return call


@compiled
def release(weight: Operand) -> None:
    """Give up this thread's tiles after the last product with this weight: others set up their own."""
    _release(weight)
