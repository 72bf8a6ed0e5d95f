"""Commands as the user would type them, and the program as a process of its own."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

DEFAULT_LAB = Path("charrnn-lab")

COMMAND = (sys.executable, "-P", "-c", "from tui.command_line.program import main; main()")
"""The program, as a process of its own. A module in the working directory may be called like one of ours."""


def command_line(*words: str, lab: Path) -> str:
    """A command as the user would type it, with `--lab` where the lab is not the default one."""
    return shlex.join(["charrnn-tui", *words, *(() if lab == DEFAULT_LAB else ("--lab", str(lab)))])
