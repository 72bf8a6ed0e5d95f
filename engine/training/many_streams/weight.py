"""A weight in the forms in which products take it; all shards share them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from engine.training.compiled.packing import Packing
from engine.training.compiled.rounding import Operand


class Weight:
    """Keeps both packed forms of a weight (outputs, inputs).

    Args:
        parameter: the weight.
        dtype: the number type of the products.

    Attributes:
        ahead: the form of its transpose, for inputs on the left, by the number of their rows.
        back: the form of itself, for gradients by outputs on the left, by the number of their rows.
    """

    def __init__(self, parameter: Tensor, dtype: torch.dtype) -> None:
        self.ahead: dict[int, Operand] = {}
        self.back: dict[int, Operand] = {}
        self._weight = parameter.detach()
        self._dtype = dtype
        self._memory: list[tuple[Packing, Packing]] = []

    def pack(self, widths: Iterable[int], times: int) -> None:
        """Pack what the weight is now, for left sides of `times` rows for each stream of shards of these widths."""
        self.ahead, self.back = {}, {}
        rows = sorted({times * width for width in widths})
        self._memory += [(Packing(), Packing()) for _ in rows[len(self._memory) :]]
        for count, (ahead, back) in zip(rows, self._memory, strict=False):
            self.ahead[count] = ahead.pack(self._weight.t(), count, self._dtype)
            self.back[count] = back.pack(self._weight, count, self._dtype)
