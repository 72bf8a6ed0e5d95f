"""What the machine offers to the engine, in words."""

from __future__ import annotations

import os

import torch

from engine.compute import choose, there_are
from engine.settings import Settings


def describe() -> dict[str, str]:
    """Processors, number types, devices, and what `auto` makes of them."""
    native = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return {
        "processors": f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} usable",
        "bfloat16": "native" if native else "emulated: auto uses float32",
        "devices": ", ".join(there_are()),
        "auto": str(choose(Settings())),
    }
