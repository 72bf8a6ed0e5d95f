"""`charrnn-tui runs`: the lab's runs, or one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from engine.events import RunStatus
from engine.lab import Lab, Run
from engine.numbers import counted
from engine.recording.copying import copy_all
from engine.settings import Settings, settings
from tui.command_line.diagnose import diagnosis_of, in_words
from tui.command_line.output import one_line, standard_output
from tui.words.json_lines import event_line, line
from tui.words.log import describe
from tui.words.numbers import nats
from tui.words.safe_text import visible

TITLES = ("run", "text", "network", "status", "updates", "characters", "val", "best")
NUMBERS = ("updates", "characters", "val", "best")
"""The columns of the list of runs, and those that are aligned to the right."""

GIVING_WAY = ("text", "network", "characters", "updates", "best", "val", "status")
"""The columns that give way to a run's name, in this order: those in `CUT` are shortened, the others left out."""

CUT = ("text", "network")
SHORTEST, GAP = 8, 2
"""The fewest characters of a shortened column, and the characters between two columns."""


def list_runs(folder: Path, *, as_json: bool, every: bool = False) -> int:
    """Print the lab's runs, oldest first; return the exit code.

    Those that were made for a question are only counted, unless `every` run is asked for, or JSON.
    """
    copy_all(folder)
    with Lab.open_existing(folder) as lab:
        all_of_them = lab.runs.outside_races()
    if as_json:
        for run in all_of_them:
            print(line(asdict(run)))
        return 0
    found = all_of_them if every else [run for run in all_of_them if run.question is None]
    console = standard_output()
    rows = [_columns(run) for run in found]
    widths = _widths([dict(zip(TITLES, TITLES, strict=True)), *rows], console.width)
    console.width = max(console.width, _line_length(widths))
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title, width in widths.items():
        justify: Literal["left", "right"] = "right" if title in NUMBERS else "left"
        table.add_column(title, justify=justify, no_wrap=True, width=width)
    for row in rows:
        table.add_row(*(one_line(row[title]) for title in widths))
    console.print(table)
    folded = Counter(run.question for run in all_of_them if run.question is not None)
    for question, count in folded.items() if not every else ():
        words = f"and {counted(count, 'run')} for the question {question}: --all lists them"
        console.print(one_line(words), style="dim")
    return 0


def show_run(folder: Path, key: str, *, as_json: bool) -> int:
    """Print one run: how it was trained, and its log; return the exit code."""
    copy_all(folder)
    with Lab.open_existing(folder) as lab:
        run = lab.runs.get(key)
        log = lab.events.log(run)
        validations = lab.events.validations(run)
        events = lab.events.all(run)
    if as_json:
        print(line({"event": "run", **asdict(run)}))
        for event in sorted([*validations, *log], key=lambda event: event.update):
            print(event_line(event))
        return 0
    chosen = Settings.from_plain(run.settings)
    about = {
        "run": _columns(run)["run"],
        "text" if run.journal is None else "program": run.text,
        "network": run.network,
        "status": run.status,
        "how it went" if run.status != RunStatus.RUNNING else "how it goes": in_words(
            run, events, diagnosis_of(run, events)
        ),
        "trained": f"{_trained(run)} on {run.compute}",
        "parameters": f"{run.parameters:,}",
        "begun": run.created,
        "validation": f"{nats(run.val_loss)} nats/char, best {nats(run.best)}",
        **({"began from": f"{run.parent[0]} at update {run.parent[1]:,}"} if run.parent else {}),
        "settings": "  ".join(
            f"{each.option} {chosen.write(each.name)}"
            for each in settings()
            if run.journal is None or each.name in run.settings
        ),
    }
    console = standard_output()
    for title, text in about.items():
        console.print(Text(f"{title:<12}", style="dim"), one_line(text), soft_wrap=True)
    for entry in log:
        console.print(Text(f"{entry.update:>12,}  "), one_line(describe(entry)), soft_wrap=True)
    return 0


def _knows_targets(run: Run) -> bool:
    """Whether characters were counted: of a watched program whose targets are unknown, updates are counted instead."""
    return run.journal is None or run.chars != run.update


def _trained(run: Run) -> str:
    """How long a run was trained."""
    updates = counted(run.update, "update")
    return f"{updates}, {counted(run.chars, 'character')}" if _knows_targets(run) else updates


def _columns(run: Run) -> dict[str, str]:
    values = (
        f"{run.number}  {run.name}",
        run.text,
        run.network,
        run.status,
        f"{run.update:,}",
        f"{run.chars:,}" if _knows_targets(run) else "–",
        nats(run.val_loss),
        nats(run.best),
    )
    return dict(zip(TITLES, values, strict=True))


def _widths(rows: Sequence[Mapping[str, str]], room: int) -> dict[str, int]:
    """The widths of the columns that a line of `room` characters can hold; a run's name is never shortened."""
    widths = {title: max(cell_len(visible(row[title], lines=False)) for row in rows) for title in TITLES}
    for title in GIVING_WAY:
        excess = _line_length(widths) - room
        if excess <= 0:
            break
        left = widths[title] - excess
        if title in CUT and left >= SHORTEST:
            widths[title] = left
        else:
            del widths[title]
    return widths


def _line_length(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)
