"""What the command line tells about the lab, and the text it lets a network write."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.events import Change, LogEntry, Note, Saved
from engine.lab import Lab, Run
from engine.settings import Settings, settings
from tui.json_lines import event_line, line
from tui.safe_text import visible
from tui.terminal import write_text


def list_runs(folder: Path, *, as_json: bool) -> int:
    """The lab's runs, oldest first."""
    with Lab.open_existing(folder) as lab:
        found = lab.runs()
    if as_json:
        for run in found:
            print(line(asdict(run)))
        return 0
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("run", "text", "network", "status", "updates", "characters", "val", "best"):
        number, name = title in ("updates", "characters", "val", "best"), title in ("run", "text")
        table.add_column(title, justify="right" if number else "left", no_wrap=not name)
    for run in found:
        table.add_row(*map(_cell, _columns(run)))
    Console().print(table)
    return 0


def show_run(folder: Path, key: str, *, as_json: bool) -> int:
    """One run: how it was trained, and everything that happened to it."""
    with Lab.open_existing(folder) as lab:
        run = lab.run(key)
        log = lab.log(run)
        validations = lab.validations(run)
    if as_json:
        print(line({"event": "run", **asdict(run)}))
        for event in sorted([*validations, *log], key=lambda event: event.update):
            print(event_line(event))
        return 0
    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in zip(("run", "text", "network", "status"), _columns(run), strict=False):
        table.add_row(Text(name, style="dim"), _cell(text))
    table.add_row(Text("trained", style="dim"), f"{run.update:,} updates, {run.chars:,} characters on {run.compute}")
    table.add_row(Text("parameters", style="dim"), f"{run.parameters:,}")
    table.add_row(Text("begun", style="dim"), run.created)
    table.add_row(Text("validation", style="dim"), f"{_loss(run.val_loss)} nats/char, best {_loss(run.best)}")
    if run.parent:
        table.add_row(Text("began from", style="dim"), _cell(f"{run.parent[0]} at update {run.parent[1]:,}"))
    chosen = Settings.from_plain(run.settings)
    values = "  ".join(f"{each.option} {chosen.write(each.name)}" for each in settings())
    table.add_row(Text("settings", style="dim"), _cell(values))
    console.print(table)
    for entry in log:
        console.print(Text(f"{entry.update:>12,}  "), _cell(describe(entry)), soft_wrap=True)
    return 0


def sample(target: str, folder: Path, *, chars: int, temperature: float, prime: str, seed: int) -> int:
    """Write text from a checkpoint's file or a run's newest one, as it comes."""
    from engine.sampling import write_from

    path = _checkpoint_path(target, folder)
    write_text(prime, sys.stdout)
    for text in write_from(path, chars=chars, temperature=temperature, prime=prime, seed=seed):
        write_text(text, sys.stdout)
    write_text("\n", sys.stdout)
    return 0


def describe(entry: LogEntry) -> str:
    """One line for an entry of a run's log."""
    match entry:
        case Change(knob=knob, old=old, new=new):
            return f"{knob} {old} → {new}"
        case Saved(kind=kind, path=path):
            return f"checkpoint ({kind}) {Path(path).name}"
        case Note(kind=kind, text=text):
            return f"{kind}: {text}"


def _checkpoint_path(target: str, folder: Path) -> Path:
    from engine.saving import LATEST

    path = Path(target)
    if path.exists() or path.suffix == ".safetensors":
        return path
    with Lab.open_existing(folder) as lab:
        return lab.checkpoint_folder(lab.run(target)) / LATEST


def _columns(run: Run) -> tuple[str, ...]:
    return (
        f"{run.number}  {run.name}",
        run.text,
        run.network,
        run.status,
        f"{run.update:,}",
        f"{run.chars:,}",
        _loss(run.val_loss),
        _loss(run.best),
    )


def _loss(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.4f}"


def _cell(text: str) -> Text:
    return Text(visible(text, lines=False))
