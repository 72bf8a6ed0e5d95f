"""Products of matrices for compiled functions, in float32, or of bfloat16 with sums in float32.

They are those of the library that torch brings along (MKL) where it can be reached, else SciPy's. A call from a
compiled function needs no interpreter, so that the steps of a whole window can follow each other without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba import types
from numba.extending import get_cython_function_address, overload

from engine.training.compiled import F, Floats, compiled
from engine.training.compiled.brgemm import with_interleaved
from engine.training.compiled.libraries import in_torch, introduce, pointer
from engine.training.compiled.rounding import Operand

SINGLE, HALVED, PREPARED = "charrnn_sgemm", "charrnn_gemm_bf16bf16f32", "charrnn_sgemm_compute"
"""The names by which compiled functions find the products: of float32, of bfloat16, and with a packed right side."""

PLAIN, TRANSPOSED = np.uint8(ord("N")), np.uint8(ord("T"))
"""How BLAS is told whether it shall transpose a matrix."""


if not introduce(SINGLE, in_torch("sgemm_")):
    llvm.add_symbol(SINGLE, get_cython_function_address("scipy.linalg.cython_blas", "sgemm"))

MULTIPLIES_BFLOAT16 = introduce(HALVED, in_torch("gemm_bf16bf16f32_"))
"""Whether there is a product of bfloat16 here."""

MULTIPLIES_PACKED = introduce(PREPARED, in_torch("cblas_sgemm_compute"))
"""Whether there is a product with a packed right side here."""

ROW_BY_ROW, AS_IT_IS, TURNED, PACKED = 101, 111, 112, 151
"""How C's BLAS is told that matrices lie row by row, and in which form a side is."""


def _function(name: str, number: Any) -> Any:
    """BLAS's `gemm` as Fortran has it, where every argument is a pointer, and matrices go down their columns."""
    letter, size, factor = pointer(types.uint8), pointer(types.int32), pointer(types.float32)
    matrix, result = pointer(number), factor
    arguments = (letter, letter, size, size, size, factor, matrix, size, matrix, size, factor, result, size)
    return types.ExternalFunction(name, types.void(*arguments))


def _with_packed() -> Any:
    """MKL's `cblas_sgemm_compute`: the layout, three times a form or a size, both sides, and what they are added to."""
    whole, matrix = types.int32, pointer(types.float32)
    arguments = (*(whole,) * 6, matrix, whole, matrix, whole, types.float32, matrix, whole)
    return types.ExternalFunction(PREPARED, types.void(*arguments))


def _gemm(left: Operand, is_left: np.uint8, right: Operand, to: Floats, kept: F) -> None:
    """`to = kept * to + left @ right`, with `left` as it is or transposed."""
    raise NotImplementedError("compiled functions alone can call it")


@overload(_gemm, strict=False)
def _of_its_type(left: Any, is_left: Any, right: Any, to: Any, kept: Any) -> Callable[..., None]:  # noqa: ARG001
    if right.ndim == 3:
        return with_interleaved()
    if right.ndim == 1:
        return _of_packed()
    gemm = _function(SINGLE, types.float32) if left.dtype == types.float32 else _function(HALVED, types.uint16)

    def call(left: Operand, is_left: np.uint8, right: Operand, to: Floats, kept: F) -> None:
        # Row by row, as arrays lie here, a matrix is the transposed one in Fortran's eyes: to.T = right.T @ left.T.
        sizes = np.array((to.shape[1], to.shape[0], right.shape[0], left.shape[1]), np.int32)
        columns, rows, inner, width = sizes.ctypes, sizes[1:].ctypes, sizes[2:].ctypes, sizes[3:].ctypes
        letters, factors = np.array((PLAIN, is_left)), np.array((F(1), kept))
        one, plus = factors.ctypes, factors[1:].ctypes
        sides = letters.ctypes, letters[1:].ctypes
        gemm(
            sides[0],
            sides[1],
            columns,
            rows,
            inner,
            one,
            right.ctypes,
            columns,
            left.ctypes,
            width,
            plus,
            to.ctypes,
            columns,
        )

    return call


def _of_packed() -> Callable[..., None]:
    gemm = _with_packed()

    def call(left: Operand, is_left: np.uint8, right: Operand, to: Floats, kept: F) -> None:  # noqa: ARG001
        rows, columns, inner = to.shape[0], to.shape[1], left.shape[1]
        gemm(
            ROW_BY_ROW,
            AS_IT_IS,
            PACKED,
            rows,
            columns,
            inner,
            left.ctypes,
            inner,
            right.ctypes,
            columns,
            kept,
            to.ctypes,
            columns,
        )

    return call


@compiled
def product(left: Operand, right: Operand, to: Floats) -> None:
    """`to = left @ right`: (rows, inner), (inner, columns) or that in one of its packed forms, (rows, columns)."""
    _gemm(left, PLAIN, right, to, F(0))


@compiled
def add_product(left: Operand, right: Operand, to: Floats) -> None:
    """`to += left @ right`: (rows, inner), (inner, columns) or that in one of its packed forms, (rows, columns)."""
    _gemm(left, PLAIN, right, to, F(1))


@compiled
def transposed_product(left: Operand, right: Operand, to: Floats) -> None:
    """`to = left.T @ right`: (inner, rows), (inner, columns), (rows, columns)."""
    _gemm(left, TRANSPOSED, right, to, F(0))
