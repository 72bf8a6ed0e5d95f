"""What the command line tells about the lab, and the text it lets a network write."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.errors import UserError
from engine.lab import Lab, Run, names_a_run
from engine.settings import Settings, settings
from tui.command_line.json_lines import event_line, line
from tui.terminal import complain, write_text
from tui.words.log import describe
from tui.words.numbers import nats
from tui.words.safe_text import visible

if TYPE_CHECKING:
    from engine.checkpoints.checkpoint import Checkpoint

TITLES = ("run", "text", "network", "status", "updates", "characters", "val", "best")
NUMBERS = ("updates", "characters", "val", "best")
"""The columns of the list of runs, and those at the right of which the figures stand."""

GIVING_WAY = ("text", "network", "characters", "updates", "best", "val", "status")
"""Which columns make room for a run's name, first to last: those of words are cut, the others left out."""

CUT = ("text", "network")
SHORTEST, GAP = 8, 2
"""Characters of a column that is cut, and between two columns."""


def list_runs(folder: Path, *, as_json: bool) -> int:
    """The lab's runs, oldest first."""
    with Lab.open_existing(folder) as lab:
        found = lab.runs()
    if as_json:
        for run in found:
            print(line(asdict(run)))
        return 0
    console = _console()
    rows = [_columns(run) for run in found]
    widths = _widths([dict(zip(TITLES, TITLES, strict=True)), *rows], console.width)
    console.width = max(console.width, _line_length(widths))
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title, width in widths.items():
        justify: Literal["left", "right"] = "right" if title in NUMBERS else "left"
        table.add_column(title, justify=justify, no_wrap=True, width=width)
    for row in rows:
        table.add_row(*(_cell(row[title]) for title in widths))
    console.print(table)
    return 0


def list_hypotheses(folder: Path, words: Sequence[str], *, as_json: bool) -> int:
    """The lab's hypotheses that have all the words, oldest first."""
    with Lab.open_existing(folder) as lab:
        found = lab.hypotheses()
    wanted = [word.lower() for word in words]
    console = _console()
    told = 0
    for each in found:
        texts = (f"H{each.number}", each.status, each.claim, each.prediction, each.vary, each.evidence, each.conclusion)
        if not all(word in " ".join(texts).lower() for word in wanted):
            continue
        told += 1
        if as_json:
            print(line({"event": "hypothesis", **asdict(each)}))
            continue
        console.print(Text(f"H{each.number}  {each.status} ", style="bold"), _cell(each.claim), soft_wrap=True)
        about = {
            "predicts": each.prediction,
            "varies": f"{each.vary}  the second is expected to be: {each.expected}" if each.expected else each.vary,
            "evidence": f"R{each.race}: {each.evidence}" if each.evidence else "",
            "concluded": each.conclusion,
            "written": f"beside {each.run} at update {each.update:,}",
        }
        for title, text in about.items():
            if text:
                console.print(Text(f"    {title:<9}", style="dim"), _cell(text), soft_wrap=True)
    if not told:
        complain(f"no hypothesis has the words {' '.join(words)}" if found else "there is no hypothesis yet")
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
    chosen = Settings.from_plain(run.settings)
    about = {
        **{title: _columns(run)[title] for title in ("run", "text", "network", "status")},
        "trained": f"{run.update:,} updates, {run.chars:,} characters on {run.compute}",
        "parameters": f"{run.parameters:,}",
        "begun": run.created,
        "validation": f"{nats(run.val_loss)} nats/char, best {nats(run.best)}",
        **({"began from": f"{run.parent[0]} at update {run.parent[1]:,}"} if run.parent else {}),
        "settings": "  ".join(f"{each.option} {chosen.write(each.name)}" for each in settings()),
    }
    console = _console()
    for title, text in about.items():
        console.print(Text(f"{title:<12}", style="dim"), _cell(text), soft_wrap=True)
    for entry in log:
        console.print(Text(f"{entry.update:>12,}  "), _cell(describe(entry)), soft_wrap=True)
    return 0


def sample(target: str, folder: Path, *, chars: int, temperature: float, prime: str, seed: int) -> int:
    """Write text from a checkpoint's file or a run's newest one, as it comes."""
    from engine.checkpoints.sample import write_from

    found = _checkpoint(target, folder)
    for text in write_from(found, chars=chars, temperature=temperature, prime=prime, seed=seed):
        write_text(text, sys.stdout)
    write_text("\n", sys.stdout)
    return 0


def _checkpoint(target: str, folder: Path) -> Checkpoint:
    """A file's checkpoint, or a run's newest one that is whole; what is wrong with a newer one is said."""
    from engine.checkpoints import checkpoint
    from engine.checkpoints.saver import LATEST

    if not names_a_run(target):
        return checkpoint.load(Path(target))
    with Lab.open_existing(folder) as lab:
        run = lab.run(target)
        path = lab.checkpoint_folder(run) / LATEST
    try:
        return checkpoint.load(path)
    except UserError as error:
        other = next(checkpoint.whole_in(path.parent), None)
        if other is None:
            raise UserError(f"{error}; run {run.name} has no other checkpoint") from error
        complain(f"{error}; taken instead: {other}")
        return checkpoint.load(other)


def _console() -> Console:
    """Standard output; elsewhere than in a terminal a line is as long as it needs to be."""
    console = Console()
    if not console.is_terminal:
        console.width = sys.maxsize
    return console


def _columns(run: Run) -> dict[str, str]:
    values = (
        f"{run.number}  {run.name}",
        run.text,
        run.network,
        run.status,
        f"{run.update:,}",
        f"{run.chars:,}",
        nats(run.val_loss),
        nats(run.best),
    )
    return dict(zip(TITLES, values, strict=True))


def _widths(rows: Sequence[Mapping[str, str]], room: int) -> dict[str, int]:
    """The columns that a line has room for, and their widths; a run's name is never cut."""
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


def _cell(text: str) -> Text:
    return Text(visible(text, lines=False))
