"""`charrnn-tui doctor`: what this machine and terminal offer, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.errors import UserError
from engine.lab import Lab, check_place
from engine.network.compute import describe
from engine.numbers import counted
from tui.terminal import is_utf8
from tui.words.safe_text import visible

PACKAGES = ("torch", "textual", "plotext", "safetensors", "sqlalchemy")
SMALLEST = (80, 24)


def examine(lab: Path, wrong: Sequence[str]) -> int:
    """Print a table, with what is `wrong` in the settings files.

    Returns 0 if everything that is needed is there, 1 if something is missing.
    """
    console = Console()
    table = Table("", "what", "found", box=None, header_style="dim", pad_edge=False)
    missing = 0
    for good, what, found in [*_terminal(console), *_machine(), *_storage(lab), *_settings(wrong)]:
        missing += not good
        mark = Text("ok", style="green") if good else Text("missing", style="bold red")
        table.add_row(mark, what, Text(visible(found, lines=False)))
    console.print(table)
    return 1 if missing else 0


Row = tuple[bool, str, str]


def _terminal(console: Console) -> list[Row]:
    columns, rows = shutil.get_terminal_size()
    fits = columns >= SMALLEST[0] and rows >= SMALLEST[1]
    needed = "" if fits else f"; the console needs {SMALLEST[0]}×{SMALLEST[1]}"
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    encoding = sys.stdout.encoding
    return [
        (is_terminal, "terminal", os.environ.get("TERM", "unknown") if is_terminal else "none: the console needs one"),
        (fits, "size", f"{columns}×{rows}{needed}"),
        (True, "colours", console.color_system or "none"),
        (is_utf8(encoding), "encoding", encoding),
    ]


def _machine() -> list[Row]:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    found: list[Row] = [(True, "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    found.append((True, "packages", packages))
    return found + [(True, what, text) for what, text in describe().items()]


def _settings(wrong: Sequence[str]) -> list[Row]:
    return [(False, "settings", each) for each in wrong] or [(True, "settings", "`charrnn-tui config` lists them")]


def _storage(lab: Path) -> list[Row]:
    try:
        if Lab.is_in(lab):
            with Lab.open_existing(lab) as found:
                state = counted(len(found.runs.standalone()), "run")
        else:
            check_place(lab)
            state = "will be made on first use"
        folder = next(each for each in (lab.absolute(), *lab.absolute().parents) if each.exists())
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
        free = shutil.disk_usage(folder).free / 2**30
    except UserError as error:
        return [(False, "lab", str(error))]
    except OSError as error:
        return [(False, "lab", f"{lab}: cannot be written: {error.strerror}")]
    return [(True, "lab", f"{lab}: {state}, {free:,.1f} GiB free")]
