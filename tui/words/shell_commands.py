"""Commands as the user would type them."""

from __future__ import annotations

import shlex
from pathlib import Path

DEFAULT_LAB = Path("charrnn-lab")


def command_line(*words: str, lab: Path) -> str:
    """A command as the user would type it, with `--lab` where the lab is not the default one."""
    return shlex.join(["charrnn-tui", *words, *(() if lab == DEFAULT_LAB else ("--lab", str(lab)))])
