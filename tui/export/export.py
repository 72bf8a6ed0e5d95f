"""`charrnn-tui export`: write a run or a race out, with a progress bar, and print the paths."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from engine.lab import Lab
from engine.recording.copying import copy_all
from tui.export.folder import Origin, Step, file_name, write_files
from tui.export.lab_reader import find
from tui.export.targets import Target
from tui.terminal import on_signals, write_text


def export(key: str, lab: Path, target: Target, folder: Path | None) -> int:
    """Write a run or a race out and print the paths of the files; return the exit code.

    Args:
        key: the run's name or number, or the race's name.
        lab: the lab's folder.
        target: the form of the export.
        folder: where the files go; None for a folder that is named after the run or race and the target.

    Raises:
        UserError: there is no such run or race, the lab is damaged, the target needs a package that is not installed,
            or the files cannot be written. No file is written then.
    """
    with on_signals(_end, interrupt=False), _bar() as (begin, step):
        copy_all(lab)
        with Lab.open_existing(lab) as opened:
            found = find(opened, key)
        pieces = target.load()(found.runs, found.race)
        begin(sum(piece.steps for piece in pieces))
        origin = Origin("race" if found.race else "run", found.name, target.name, found.identity)
        place = folder or Path(f"{file_name(found.name)}-export", target.name)
        written = write_files(place, origin, pieces, step)
    for path in written:
        write_text(f"{path}\n", sys.stdout)
    return 0


@contextmanager
def _bar() -> Iterator[tuple[Callable[[int], None], Step]]:
    """A progress bar on standard error, if that is a terminal; yields functions that begin and that advance it."""
    console = Console(stderr=True)
    columns = (TextColumn("exporting"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as progress:
        task = progress.add_task("", total=None)
        yield lambda total: progress.update(task, total=total), lambda: progress.advance(task)


def _end(number: int) -> None:
    """End by an exception, so that no draft is left on the disk."""
    raise SystemExit(128 + number)
