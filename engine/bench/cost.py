"""The cost of an update: its operations and bytes, this machine's peak of both, and the share of each that is reached.

The longer of the two times that the peaks allow is the least that an update can take (the roofline of Williams,
Waterman & Patterson 2009). Where neither is near, the update consists of calls that are small, or wait for each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from engine.network.compute import Compute, use_threads
from engine.network.model import CharRNN
from engine.settings import Settings
from engine.training.optimisers import SLOTS
from engine.windows import ALL

FLOAT = 4
"""The bytes of a number."""

PASSES = 6
"""The multiplications and additions for each weight and character: two in each of the forward product, the product back
to the inputs, and the one for the weight's gradient."""

GATE_VISITS, STATE_VISITS = 4, 4
"""How often each gate and each hidden unit of a character is read or written: by the forward step, by the backward one,
and by the products before and after it."""

PARAMETER_VISITS = 4
"""How often each parameter is read or written: in the forward and in the backward pass, and twice in the step. Its
gradient need never lie in memory."""

PRODUCT = 1024
"""The rows and columns of the matrices whose product shows the peak of the arithmetic."""

SMALLEST_COPY = 2**16
"""The fewest bytes whose copying shows the peak of the memory."""

PEAK_SECONDS = 0.3
"""The seconds for which each peak is measured."""

NEAR = 0.5
"""The share of a peak from which it is what bounds an update."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of an update, and the peaks of this machine.

    Attributes:
        seconds: the time of an update.
        operations: the multiplications and additions that its products of matrices need.
        bytes: the bytes that it must read and write, from memory or from a cache.
        peak_operations: the operations per second of a product of large matrices.
        peak_bytes: the bytes read and written per second in copying as much memory as an update touches.
    """

    seconds: float
    operations: float
    bytes: float
    peak_operations: float
    peak_bytes: float

    @property
    def arithmetic(self) -> float:
        """The share of the arithmetic's peak that is reached."""
        return self.operations / self.seconds / self.peak_operations

    @property
    def memory(self) -> float:
        """The share of the memory's peak that is reached."""
        return self.bytes / self.seconds / self.peak_bytes

    @property
    def bound(self) -> str:
        """The bound of the update: `arithmetic`, `memory`, or `calls` where neither is near its peak."""
        if max(self.arithmetic, self.memory) < NEAR:
            return "calls"
        return "arithmetic" if self.arithmetic >= self.memory else "memory"


def cost(settings: Settings, entries: int, compute: Compute, seconds: float) -> Cost:
    """The cost of an update that takes so many seconds, with the peaks of this machine measured now.

    Args:
        settings: the network and its windows.
        entries: the size of the vocabulary.
        compute: how it is computed.
        seconds: the measured time of an update.
    """
    use_threads(compute.threads)
    peak_bytes = _peak_bytes(_touched(settings, entries), compute.device)
    peaks = peak_operations(compute), peak_bytes
    compute.apply()
    return Cost(seconds, operations(settings, entries), _bytes(settings, entries), *peaks)


def operations(settings: Settings, entries: int) -> float:
    """The multiplications and additions of an update that no way of computing it can leave out.

    The first layer's input product is counted once for each entry that a window can hold: its rows are a table.
    """
    rows = settings.streams * settings.bptt.mean
    told = rows if settings.targets == ALL else settings.streams
    network = _network(settings, entries)
    first, *others = network.rnn
    inputs = first.get_parameter("weight_ih_l0").numel() * min(rows, entries)
    steps = sum(each.get_parameter("weight_hh_l0").numel() for each in network.rnn) * rows
    between = sum(each.get_parameter("weight_ih_l0").numel() for each in others) * rows
    return float(PASSES * (inputs + steps + between + network.head.weight.numel() * told))


def _bytes(settings: Settings, entries: int) -> float:
    """The bytes that an update reads and writes; weights that each step reads are counted once a pass."""
    rows = settings.streams * settings.bptt.mean
    network = _network(settings, entries)
    gates = _gates(network)
    values = GATE_VISITS * gates + STATE_VISITS * settings.hidden * settings.layers + 2 * entries
    visits = PARAMETER_VISITS + 2 * len(SLOTS[settings.optimizer])
    return FLOAT * float(network.size() * visits + values * rows)


def _touched(settings: Settings, entries: int) -> int:
    """The bytes of memory that an update works in: parameters, gradients, slots, and one window's values."""
    network = _network(settings, entries)
    gates = _gates(network)
    values = (gates + settings.hidden * settings.layers) * settings.streams * settings.bptt.mean
    return FLOAT * int(network.size() * (2 + len(SLOTS[settings.optimizer])) + values)


def _network(settings: Settings, entries: int) -> CharRNN:
    """The network without its memory: the shapes of its parameters."""
    with torch.device("meta"):
        return CharRNN(settings, entries)


def _gates(network: CharRNN) -> int:
    """The gates of all units."""
    return sum(len(each.get_parameter("weight_hh_l0")) for each in network.rnn)


def peak_operations(compute: Compute) -> float:
    """The operations per second of a product of two large matrices, with as many threads as torch has now."""
    left, right = (torch.randn(PRODUCT, PRODUCT, device=compute.device).to(compute.dtype) for _ in range(2))
    return 2 * PRODUCT**3 * _rate(lambda: left @ right, compute.device)


def _peak_bytes(touched: int, device: torch.device) -> float:
    source = torch.zeros(max(touched, SMALLEST_COPY) // (2 * FLOAT), device=device)
    to = torch.empty_like(source)
    return 2 * FLOAT * len(source) * _rate(lambda: to.copy_(source), device)


def _rate(call: Callable[[], object], device: torch.device) -> float:
    """How often a call can be made in a second, to its end."""

    def complete() -> None:
        call()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)

    complete()
    count, begun, took = 0, time.perf_counter(), 0.0
    while took < PEAK_SECONDS:
        complete()
        count += 1
        took = time.perf_counter() - begun
    return count / took
