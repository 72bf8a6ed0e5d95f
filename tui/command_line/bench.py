"""`charrnn-tui bench`: the speed of the engine on this machine, beside the loops that people write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.text import made
from tui.words.json_lines import line

if TYPE_CHECKING:
    from engine.bench import Comparison
    from engine.text.corpus import Corpus

CAP = 1024
TITLES = ("what", "ours", "theirs", "ratio", "from … to", "target", "against")


def bench(text: str, *, as_json: bool, with_console: bool) -> int:
    """Print each comparison when it is done, then all in a table; return 0 if all meet their targets, otherwise 1."""
    from tui.command_line.overhead import compare_consoles

    screen = Console(stderr=True)
    screen.print("each side runs in turn, several times; the ratios are most exact if nothing else runs", style="dim")
    found: list[Comparison] = []
    consoles = compare_consoles(text) if with_console and os.name != "nt" else iter(())
    with screen.status("measuring"):
        for comparison in chain(_engine(text), consoles):
            found.append(comparison)
            if as_json:
                print(line({"event": "row", **asdict(comparison)}), flush=True)
            else:
                screen.print(Text(f"{comparison.name}: {comparison.ratio:.2f} ×"))
    if not as_json:
        Console().print(_table(found))
    return 0 if all(each.ratio >= each.target for each in found) else 1


def _engine(text: str) -> Iterator[Comparison]:
    from engine.bench import rows

    return rows(_corpus(text))


def _corpus(text: str) -> Corpus:
    from engine.text.corpus import read_corpus

    found = None if Path(text).exists() else made.find(text)
    return read_corpus(Path(text) if found is None else found, text, CAP)


def _table(found: list[Comparison]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in TITLES:
        table.add_column(title, justify="left" if title in ("what", "against") else "right")
    for each in found:
        met = each.ratio >= each.target
        table.add_row(
            each.name,
            f"{each.ours:,.0f} {each.unit}",
            f"{each.theirs:,.0f} {each.unit}",
            Text(f"{'✓' if met else '✗'} {each.ratio:.2f}", style="green" if met else "red"),
            f"{each.low:.2f} … {each.high:.2f}",
            f"≥ {each.target:g}",
            each.against,
        )
    return table
