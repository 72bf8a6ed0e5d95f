"""A weight that many products of a few rows have as their right side, in the form that they are quickest with."""

from __future__ import annotations

import ctypes

import numpy as np
import torch
from torch import Tensor

from engine.training.compiled.blas import AS_IT_IS, MULTIPLIES_PACKED, ROW_BY_ROW, TURNED
from engine.training.compiled.brgemm import INTERLEAVES
from engine.training.compiled.libraries import in_torch
from engine.training.compiled.rounding import Operand, interleave, operand

RIGHT = 162
"""How MKL is told that the right side is packed."""


class Packing:
    """Keeps the memory of a weight's packed form from update to update.

    In float32 MKL arranges the weight as it would for each product anew. In bfloat16 each two rows of the rounded
    weight are interleaved, as the processor multiplies them. Where there are no such products, it lies row by row.
    """

    def __init__(self) -> None:
        self._memory = self._rounded = torch.empty(0)

    def pack(self, weight: Tensor, rows: int, dtype: torch.dtype) -> Operand:
        """The packed form of a weight, (inner, columns) in float32, for left sides of so many rows.

        Row by row it is (inner, columns), interleaved (inner / 2, columns, 2), and MKL's form is flat.

        Args:
            weight: row by row, or the transposed view of such a one.
            rows: the rows of every left side.
            dtype: the number type of the products.
        """
        if dtype is torch.float32 and MULTIPLIES_PACKED:
            return self._by_mkl(weight, rows)
        if dtype is torch.bfloat16 and INTERLEAVES and len(weight) % 2 == 0:
            return self._interleaved(weight)
        if self._memory.shape != weight.shape:
            self._memory = torch.empty(weight.shape, dtype=dtype)
        # To round while transposing is slow.
        return operand(self._memory.copy_(weight.to(dtype)))

    def _interleaved(self, weight: Tensor) -> Operand:
        inner, columns = weight.shape
        if self._memory.numel() != inner * columns:
            self._memory = torch.empty(inner // 2, columns, 2, dtype=torch.bfloat16)
            self._rounded = torch.empty(columns, inner, dtype=torch.bfloat16)
        pairs = self._memory.view(torch.int32)[..., 0]
        if weight.stride() == (1, inner):
            # The numbers of a pair lie side by side: they are moved as one of twice the bits.
            pairs.copy_(self._rounded.copy_(weight.t()).view(torch.int32).t())
        else:
            interleave(weight.numpy(), pairs.numpy().view(np.uint32))
        return operand(self._memory)

    def _by_mkl(self, weight: Tensor, rows: int) -> Operand:
        inner, columns = weight.shape
        sizes = (ctypes.c_int(rows), ctypes.c_int(columns), ctypes.c_int(inner))
        count = in_torch("cblas_sgemm_pack_get_size")
        count.restype = ctypes.c_size_t
        numbers = -(-count(RIGHT, *sizes) // np.dtype(np.float32).itemsize)
        if len(self._memory) != numbers:
            self._memory = torch.empty(numbers)
        is_turned = weight.stride(0) == 1
        in_torch("cblas_sgemm_pack")(
            ROW_BY_ROW,
            RIGHT,
            TURNED if is_turned else AS_IT_IS,
            *sizes,
            ctypes.c_float(1),
            ctypes.c_void_p(weight.data_ptr()),
            ctypes.c_int(inner if is_turned else columns),
            ctypes.c_void_p(self._memory.data_ptr()),
        )
        return operand(self._memory)
