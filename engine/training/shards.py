"""The streams of a window, shared out over threads: each computes its own gradients over the same parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from engine.network.compute import Compute
from engine.network.model import CharRNN
from engine.settings import Settings
from engine.training.state import COMPILED, Counters
from engine.training.window import Passed, Window
from engine.windows import ALL


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
        self.count = count = counters.shards
        self._parameters = list(network.parameters())
        networks = [network, *(_sharing(network) for _ in range(count - 1))]
        self._others = [list(each.parameters()) for each in networks[1:]]
        self._passes = [_passes_of(each, compute, counters) for each in networks]
        self._pool: ThreadPoolExecutor | None = None
        self._workers = 0

    def passes(self, window: Window, settings: Settings, threads: int) -> Passed:
        """The gradient of the mean loss over all streams, in the parameters' `grad`; and what else is left."""
        if self.count == 1:
            return self._passes[0](window, settings)
        ends = [settings.streams * place // self.count for place in range(self.count + 1)]
        work = [
            partial(passes, window.part(begin, end), settings)
            for passes, begin, end in zip(self._passes, ends, ends[1:], strict=False)
        ]
        if threads > 1:
            waiting = [self._threads(threads).submit(each) for each in work[1:]]
            parts = [work[0](), *(each.result() for each in waiting)]
        else:
            parts = [each() for each in work]
        self._add_up()
        carried = zip(*(part.carried for part in parts), strict=True)
        return Passed(torch.cat([part.losses for part in parts]), tuple(torch.cat(each, dim=1) for each in carried))

    @torch.no_grad()
    def _add_up(self) -> None:
        """Add the gradients of the other shards to those of the first, in their order."""
        gradients = _gradients(self._parameters)
        for others in self._others:
            torch._foreach_add_(gradients, _gradients(others))
            for each in others:
                each.grad = None

    def _threads(self, threads: int) -> ThreadPoolExecutor:
        """Threads that compute beside the one that asks."""
        if self._pool is None or self._workers != threads - 1:
            self._workers = threads - 1
            self._pool = ThreadPoolExecutor(self._workers, "shard", initializer=_begin_thread)
        return self._pool


def _passes_of(network: CharRNN, compute: Compute, counters: Counters) -> Callable[[Window, Settings], Passed]:
    """The passes of one shard: its part of the gradient of the mean over all streams."""
    if not counters.compiled:
        return partial(_by_autograd, network, compute)
    # Numba takes long to load, and the passes by autograd have no need of it.
    from engine.training.building import build
    from engine.training.many_streams import ManyStreams

    build(lambda: None)
    return ManyStreams(network, COMPILED[counters.compiled]).passes


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
