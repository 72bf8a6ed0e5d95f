"""`charrnn-tui sample`: text that a network writes."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.checkpoints.sample import write_from
from engine.network.sampling import Taste
from tui.command_line.newest import newest
from tui.terminal import write_text


def sample(target: str, folder: Path, *, chars: int, taste: Taste, prime: str, seed: int) -> int:
    """Print text from a checkpoint file, or from a run's newest checkpoint, as the network writes it."""
    found = newest(target, folder)
    for text in write_from(found, chars=chars, taste=taste, prime=prime, seed=seed):
        write_text(text, sys.stdout)
    write_text("\n", sys.stdout)
    return 0
