"""The streams of a window, shared out over threads: each computes its own gradients over the same parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from engine.network.compute import Compute
from engine.network.model import CharRNN
from engine.settings import Settings
from engine.training.state import COMPILED, Counters
from engine.training.window import Passed, Window
from engine.windows import ALL


class Way(Protocol):
    """A way to make the passes of a window."""

    def begin(self, window: Window, ends: Sequence[int], settings: Settings) -> list[Callable[[], Passed]]:
        """Prepare a window, and return the passes of each shard, of the streams from one end to the next.

        They may run side by side, and each leaves its part of the gradient of the mean loss over all streams.
        """

    def finish(self) -> None:
        """Give the network's parameters their gradients: the sums over the shards, in their order."""


class Shards:
    """Makes the forward and backward passes of a window, one shard of its streams after the other, or side by side.

    The gradients of the shards are added up in their order, so that every bit depends on the number of shards, and none
    on that of threads.

    Args:
        network: the network, whose parameters get the gradients.
        compute: the number type.
        counters: the number of shards, no more than there are streams; and whether the passes are compiled loops.
    """

    def __init__(self, network: CharRNN, compute: Compute, counters: Counters) -> None:
        self.count = counters.shards
        self._way = _way(network, compute, counters)
        self._pool: ThreadPoolExecutor | None = None
        self._workers = 0

    def passes(self, window: Window, settings: Settings, threads: int) -> Passed:
        """The gradient of the mean loss over all streams, in the parameters' `grad`; and what else is left."""
        ends = [settings.streams * place // self.count for place in range(self.count + 1)]
        work = self._way.begin(window, ends, settings)
        if threads > 1 and self.count > 1:
            waiting = [self._threads(threads).submit(each) for each in work[1:]]
            parts = [work[0](), *(each.result() for each in waiting)]
        else:
            parts = [each() for each in work]
        self._way.finish()
        if self.count == 1:
            return parts[0]
        carried = zip(*(part.carried for part in parts), strict=True)
        return Passed(torch.cat([part.losses for part in parts]), tuple(torch.cat(each, dim=1) for each in carried))

    def _threads(self, threads: int) -> ThreadPoolExecutor:
        """Threads that compute beside the one that asks."""
        if self._pool is None or self._workers != threads - 1:
            self._workers = threads - 1
            self._pool = ThreadPoolExecutor(self._workers, "shard", initializer=_begin_thread)
        return self._pool


class AutogradPasses:
    """Makes the passes by torch's automatic differentiation.

    Args:
        network: the network, whose parameters get the gradients.
        compute: the number type.
        shards: into how many parts windows are split.
    """

    def __init__(self, network: CharRNN, compute: Compute, shards: int) -> None:
        self._compute = compute
        self._networks = [network, *(_sharing(network) for _ in range(shards - 1))]
        self._parameters, *self._others = [list(each.parameters()) for each in self._networks]

    def begin(self, window: Window, ends: Sequence[int], settings: Settings) -> list[Callable[[], Passed]]:
        """The passes of each shard."""
        return [
            partial(_by_autograd, network, self._compute, window.part(begin, end), settings)
            for network, (begin, end) in zip(self._networks, pairwise(ends), strict=True)
        ]

    @torch.no_grad()
    def finish(self) -> None:
        """Add the gradients of the other shards to those of the first, in their order."""
        gradients = _gradients(self._parameters)
        for others in self._others:
            torch._foreach_add_(gradients, _gradients(others))
            for each in others:
                each.grad = None


def _way(network: CharRNN, compute: Compute, counters: Counters) -> Way:
    if not counters.compiled:
        return AutogradPasses(network, compute, counters.shards)
    # Numba takes long to load, and the passes by autograd have no need of it.
    from engine.training.building import build
    from engine.training.many_streams import ManyStreams

    build(lambda: None)
    return ManyStreams(network, COMPILED[counters.compiled], counters.shards)


def _by_autograd(network: CharRNN, compute: Compute, window: Window, settings: Settings) -> Passed:
    """The passes by torch's automatic differentiation."""
    with compute.precision():
        outputs, carried = network(window.inputs, window.carried, window.masks)
        if settings.targets == ALL:
            logits, expected = network.head(outputs).flatten(0, 1), window.targets.flatten()
        else:
            logits, expected = network.head(outputs[-1]), window.targets[-1]
        losses = functional.cross_entropy(logits, expected, reduction="none")
    by_stream = losses.view(-1, window.inputs.shape[1]).mean(0)
    (by_stream.sum() / settings.streams).backward()  # type: ignore[no-untyped-call]
    return Passed(by_stream.detach(), tuple(each.detach().float() for each in carried))


def _sharing(network: CharRNN) -> CharRNN:
    """A network of the same parameters with gradients of its own."""
    other = copy.deepcopy(network)
    for mine, its in zip(other.parameters(), network.parameters(), strict=True):
        mine.data, mine.grad = its.data, None
    return other


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [each.grad for each in parameters if each.grad is not None]


def _begin_thread() -> None:
    """Compute on this thread alone, and take subnormal numbers as zeros, as the one that trains does."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
