"""The memory in which a layer computes a window; it is kept from window to window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Room:
    """Memory for T characters of B streams, H hidden units and G gates. In float32 what is rounded is the same memory.

    Attributes:
        sums: (T, B, G·H) what the inputs add to the gates' sums, then the gates, then the gradient by these sums.
        rounded_sums: the last of these in the number type of the products.
        recurrent: (T, B, G·H) what the state adds to the sums, and the gradient by it; of a GRU alone.
        rounded_recurrent: the gradient by it in the number type of the products.
        hidden: (T + 1, B, H) the hidden state before the window and after each character.
        rounded: the same in the number type of the products.
        memory: (T + 1, B, H) the cell state; of an LSTM alone.
    """

    sums: Tensor
    rounded_sums: Tensor
    recurrent: Tensor
    rounded_recurrent: Tensor
    hidden: Tensor
    rounded: Tensor
    memory: Tensor

    @classmethod
    def allocate(cls, cell: str, times: int, streams: int, weight: Tensor, dtype: torch.dtype) -> Room:
        """Memory for a layer whose weight of the state is `weight`, (G·H, H)."""
        gates, size = weight.shape
        sums, hidden = torch.empty(times, streams, gates), torch.empty(times + 1, streams, size)
        recurrent = torch.empty(times if cell == "gru" else 0, streams, gates)
        return cls(
            sums=sums,
            rounded_sums=sums.to(dtype),
            recurrent=recurrent,
            rounded_recurrent=recurrent.to(dtype),
            hidden=hidden,
            rounded=hidden.to(dtype),
            memory=torch.empty(times + 1 if cell == "lstm" else 0, streams, size),
        )

    def holds(self, times: int, streams: int) -> bool:
        """Whether a window of this size can be computed in it."""
        return self.sums.shape[1] == streams and len(self.sums) >= times

    def part(self, times: int) -> Room:
        """The same memory for a window of so many characters, no more than it holds."""
        return Room(
            sums=self.sums[:times],
            rounded_sums=self.rounded_sums[:times],
            recurrent=self.recurrent[:times],
            rounded_recurrent=self.rounded_recurrent[:times],
            hidden=self.hidden[: times + 1],
            rounded=self.rounded[: times + 1],
            memory=self.memory[: times + 1],
        )
