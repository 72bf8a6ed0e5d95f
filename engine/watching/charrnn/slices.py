"""Windows that are cut out of one tensor: whether each begins where the one before has ended, whatever they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LARGER = 4
"""How many times as large as a window the memory must be that it lies in."""


@dataclass(slots=True)
class Slices:
    """Compares the places of windows in the memory that they are cut out of.

    Attributes:
        windows: the pairs of windows that were compared with the one before.
        continued: how many of them continued it.
    """

    windows: int = 0
    continued: int = 0
    _before: tuple[tuple[object, ...], int] | None = None

    def window(self, given: Tensor, time: int, *, follows: bool) -> None:
        """A recurrent module was given a window, along whose dimension `time` it steps.

        Args:
            given: the window.
            time: the dimension.
            follows: whether the one before was looked at too.
        """
        import torch

        before, self._before = self._before, None
        if type(given) is not torch.Tensor or given.layout is not torch.strided:
            return
        memory = given.untyped_storage()
        if memory.nbytes() < LARGER * given.numel() * given.element_size():
            return
        sizes = tuple(size for axis, size in enumerate(given.shape) if axis != time)
        of = memory.data_ptr(), memory.nbytes(), given.stride(), sizes
        begin = int(given.storage_offset())
        self._before = of, begin + given.shape[time] * given.stride(time)
        if follows and before is not None and before[0] == of:
            self.windows += 1
            self.continued += before[1] == begin
