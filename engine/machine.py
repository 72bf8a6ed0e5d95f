"""What the machine offers to the engine, in words."""

from __future__ import annotations

from engine.compute import choose, native_bfloat16, there_are, usable_processors
from engine.settings import Settings


def describe() -> dict[str, str]:
    """Processors, number types, devices, and what `auto` makes of them."""
    return {
        "processors": f"{usable_processors()} usable",
        "bfloat16": "native" if native_bfloat16() else "emulated: auto uses float32",
        "devices": ", ".join(there_are()),
        "auto": str(choose(Settings())),
    }
