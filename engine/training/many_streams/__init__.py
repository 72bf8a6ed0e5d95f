"""The passes of a window of several streams by compiled loops, on the processor.

They give the same gradients as torch's automatic differentiation, to rounding, and take less time: the first layer's
product is made once for each distinct id, weights are packed and gradients by them computed once for the window, memory
is kept, and the steps of a window run without the interpreter. In bfloat16 the products of the recurrent layers and of
the head take rounded numbers; their sums, and all else, stay float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import cast

import torch
from torch import nn

from engine.network.model import CharRNN
from engine.settings import Settings
from engine.training.many_streams.layer import Weights
from engine.training.many_streams.shard import Shard
from engine.training.many_streams.weight import Weight
from engine.training.window import Passed, Window
from engine.windows import ALL


class ManyStreams:
    """Makes the passes of one network.

    Args:
        network: the network, whose parameters get the gradients.
        dtype: the number type of the products, float32 or bfloat16.
        shards: into how many parts windows are split.
    """

    def __init__(self, network: CharRNN, dtype: torch.dtype, shards: int) -> None:
        self._embedding = network.embedding
        self._weights = [Weights(cast(nn.RNNBase, module), dtype) for module in network.rnn]
        self._head = Weight(network.head.weight, dtype)
        self._shards = [Shard(self._weights, network.head, self._head, dtype) for _ in range(shards)]
        self._first = cast(nn.RNNBase, network.rnn[0]).all_weights[0][0]
        apart = (self._embedding.weight, self._first)
        self._others = [each for each in network.parameters() if all(each is not other for other in apart)]
        self._ids = torch.empty(0, dtype=torch.int64)

    @torch.no_grad()
    def begin(self, window: Window, ends: Sequence[int], settings: Settings) -> list[Callable[[], Passed]]:
        """Prepare a window for all shards, and return the passes of each: of the streams from one end to the next."""
        times = len(window.inputs)
        counted = times if settings.targets == ALL else 1
        parts = list(pairwise(ends))
        widths = [end - begin for begin, end in parts]
        self._ids, places = torch.unique(window.inputs, return_inverse=True)
        first, *others = self._weights
        table = torch.addmm(first.input_bias(), self._embedding.weight[self._ids], first.weight_ih.t())
        for each in self._weights:
            each.of_state.pack(widths, 1)
        for each in others:
            each.of_inputs.pack(widths, times)
        self._head.pack(widths, counted)
        # Each stream's loss is a mean over its targets, and the whole loss one over all streams.
        share = 1 / (counted * settings.streams)
        return [
            partial(shard.passes, window.part(begin, end), table, places[:, begin:end].contiguous(), counted, share)
            for shard, (begin, end) in zip(self._shards, parts, strict=True)
        ]

    @torch.no_grad()
    def finish(self) -> None:
        """Give the parameters their gradients: the sums over the shards, in their order."""
        gradients, *others = (shard.gradients() for shard in self._shards)
        for each in others:
            torch._foreach_add_(gradients, each)
        by_row, *rest = gradients
        ids, embedding = self._ids, self._embedding.weight
        self._first.grad = by_row.t() @ embedding[ids]
        embedding.grad = torch.zeros_like(embedding).index_copy_(0, ids, by_row @ self._first)
        for parameter, gradient in zip(self._others, rest, strict=True):
            parameter.grad = gradient
