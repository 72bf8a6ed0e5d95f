"""The device, the number type and the threads that the network computes with."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

import torch

from engine.errors import UserError
from engine.network.model import CELLS
from engine.settings import Settings

ENOUGH_ROWS = 32
"""The fewest characters per update at which the products gain more from bfloat16 than casting the weights costs."""


@dataclass(frozen=True, slots=True)
class Compute:
    """The device, number type and threads that the network computes with.

    Attributes:
        device: torch's device.
        dtype: the number type of the matrix products.
        threads: the number of threads, torch's own or those that share out the streams.
        compiled: whether compiled loops may be used: for one stream in float32, or for the passes of several.
        trouble: the reason why a quicker way cannot be used; empty where there is no quicker way.
        shards: the number of parts that the streams are shared out in. Every bit depends on it.
    """

    device: torch.device
    dtype: torch.dtype
    threads: int
    compiled: bool = False
    trouble: str = ""
    shards: int = 1

    def __str__(self) -> str:
        kind = "bf16" if self.dtype is torch.bfloat16 else "fp32"
        if self.device.type != "cpu":
            return f"{self.device.type} {kind}"
        at_work = self.shards if self.compiled else self.threads
        return f"cpu {kind} ×{at_work}{' compiled' * self.compiled}"

    def apply(self) -> None:
        """Have torch use as many threads of its own as this asks for.

        That is one where others share out the streams; and in compiled loops, whose products would otherwise be added
        up in another order.
        """
        use_threads(1 if self.shards > 1 or self.compiled else self.threads)

    def precision(self) -> AbstractContextManager[object]:
        """Within it, matrix products are computed in `dtype`; weights, sums and the loss stay float32."""
        # Threads share the rounded weights that autocast keeps, and the first that ends clears them: where others still
        # compute, a weight is rounded twice, and its gradient added up in another order.
        kept = self.shards == 1
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16, cache_enabled=kept
        )


def choose(settings: Settings) -> Compute:
    """The device, number type and threads that `settings` ask for, with `auto` resolved.

    On the CPU `auto` means one thread, which loses nothing when another program takes a core. Whether more threads are
    quicker on this machine is measured in `session.compute_choice`.

    Raises UserError where the machine lacks the device, or the cell in bfloat16.
    """
    device = torch.device(_device(settings.device))
    if settings.dtype == "bfloat16" and not has_bfloat16(settings.cell, device):
        raise UserError(f"--dtype bfloat16: this machine has no {settings.cell} in it; use --dtype float32 or auto")
    threads = settings.threads or 1
    use_threads(threads)
    if device.type == "cpu" and settings.streams == 1 and settings.dtype != "bfloat16":
        return Compute(device, torch.float32, threads, compiled=True)
    dtype = torch.bfloat16 if settings.dtype == "bfloat16" or gains(settings, device) else torch.float32
    return Compute(device, dtype, threads)


def use_threads(threads: int) -> None:
    """Compute with `threads` threads from now on."""
    torch.set_num_threads(threads)


def native_bfloat16() -> bool:
    """Whether the processor has instructions for products in bfloat16."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@cache
def has_bfloat16(cell: str, device: torch.device) -> bool:
    """Whether torch has a cell in bfloat16 here; it lacks the LSTM's on a processor without products in bfloat16."""
    layer = CELLS[cell](1, 1).to(device)
    try:
        with torch.autocast(device.type, torch.bfloat16):
            outputs, _ = layer(torch.zeros(1, 1, 1, device=device))
        torch.autograd.grad(outputs.sum(), list(layer.parameters()))
    except RuntimeError:
        return False
    return True


def usable_processors() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def there_are() -> list[str]:
    """The names of this machine's devices, as torch writes them."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [name for name, is_there in there.items() if is_there]


def _device(asked: str) -> str:
    found = there_are()
    if asked == "auto":
        return "cuda" if "cuda" in found else "cpu"
    if asked not in found:
        raise UserError(f"--device {asked}: there is none here; available: {', '.join(found)}")
    return asked


def gains(settings: Settings, device: torch.device) -> bool:
    """Whether bfloat16 is left open by `settings` and makes the products of their updates quicker here."""
    if settings.dtype != "auto" or settings.streams * settings.bptt.mean < ENOUGH_ROWS:
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and native_bfloat16() and has_bfloat16(settings.cell, device)


def describe() -> dict[str, str]:
    """Descriptions of the processors, number types and devices of this machine, and of what `auto` chooses."""
    return {
        "processors": f"{usable_processors()} usable",
        "bfloat16": "native" if native_bfloat16() else "emulated: auto uses float32",
        "devices": ", ".join(there_are()),
        "auto": str(choose(Settings())),
    }
