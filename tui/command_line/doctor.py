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
from tui.terminal import has_few_colours, is_utf8, only_prints_lines, wants_no_colours
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
    kind = os.environ.get("TERM", "unknown")
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not is_terminal:
        kind = "none: the console needs one"
    elif only_prints_lines():
        kind = f"{kind}: the console needs one that moves its cursor; set TERM to its name, such as xterm-256color"
    encoding = sys.stdout.encoding
    return [
        (is_terminal and not only_prints_lines(), "terminal", kind),
        (fits, "size", f"{columns}×{rows}{needed}"),
        (True, "colours", _colours(console)),
        (is_utf8(encoding), "encoding", encoding if is_utf8(encoding) else f"{encoding}: the console needs UTF-8"),
    ]


def _colours(console: Console) -> str:
    if wants_no_colours():
        return "none: NO_COLOR is set"
    system = console.color_system or "none"
    return f"{system}: the console leaves them to the terminal" if has_few_colours(console.color_system) else system


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
