"""The streams of a window, shared out over threads: each computes its own gradients over the same parameters."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.network.compute import Compute
from engine.network.model import CarriedState, CharRNN
from engine.settings import Settings
from engine.windows import ALL


@dataclass(frozen=True, slots=True)
class Window:
    """A window of all streams, or of some that lie beside each other.

    Attributes:
        inputs: (time, streams) int64.
        targets: (time, streams) int64, those of the next characters.
        carried: the state before it.
        masks: the dropout of each layer, (time, streams, hidden); none without dropout.
    """

    inputs: Tensor
    targets: Tensor
    carried: CarriedState
    masks: tuple[Tensor, ...] = ()

    def part(self, begin: int, end: int) -> Window:
        """The window of the streams from `begin` to `end`."""
        return Window(
            self.inputs[:, begin:end],
            self.targets[:, begin:end],
            tuple(each[:, begin:end] for each in self.carried),
            tuple(each[:, begin:end] for each in self.masks),
        )


@dataclass(frozen=True, slots=True)
class Passed:
    """The results of a window's passes besides gradients.

    Attributes:
        losses: (streams,) the mean loss of each stream.
        carried: the state after the window, float32.
    """

    losses: Tensor
    carried: CarriedState


class Shards:
    """Makes the forward and backward passes of a window, one shard of its streams after the other, or side by side.

    The gradients of the shards are added up in their order, so that every bit depends on the number of shards, and none
    on that of threads.

    Args:
        network: the network, whose parameters get the gradients.
        count: the number of shards; no more than there are streams.
    """

    def __init__(self, network: CharRNN, count: int) -> None:
        self.count = count
        self._parameters = list(network.parameters())
        self._networks = [network, *(_sharing(network) for _ in range(count - 1))]
        self._others = [list(each.parameters()) for each in self._networks[1:]]
        self._pool: ThreadPoolExecutor | None = None
        self._workers = 0

    def passes(self, window: Window, settings: Settings, compute: Compute) -> Passed:
        """The gradient of the mean loss over all streams, in the parameters' `grad`; and what else is left."""
        if self.count == 1:
            return _passes(self._networks[0], window, settings, compute, settings.streams)
        ends = [settings.streams * place // self.count for place in range(self.count + 1)]
        work = [
            (network, window.part(begin, end), settings, compute, settings.streams)
            for network, begin, end in zip(self._networks, ends, ends[1:], strict=False)
        ]
        if compute.threads > 1:
            waiting = [self._threads(compute.threads).submit(_passes, *each) for each in work[1:]]
            parts = [_passes(*work[0]), *(each.result() for each in waiting)]
        else:
            parts = [_passes(*each) for each in work]
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


def _passes(network: CharRNN, window: Window, settings: Settings, compute: Compute, streams: int) -> Passed:
    """The passes of one shard: its part of the gradient of a mean over so many streams."""
    with compute.precision():
        outputs, carried = network(window.inputs, window.carried, window.masks)
        if settings.targets == ALL:
            logits, expected = network.head(outputs).flatten(0, 1), window.targets.flatten()
        else:
            logits, expected = network.head(outputs[-1]), window.targets[-1]
        losses = functional.cross_entropy(logits, expected, reduction="none")
    by_stream = losses.view(-1, window.inputs.shape[1]).mean(0)
    (by_stream.sum() / streams).backward()  # type: ignore[no-untyped-call]
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
