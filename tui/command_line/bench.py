"""`charrnn-tui bench`: the speed of the engine on this machine, beside the loops that people write."""

from __future__ import annotations

import os
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from engine.network.model import check_memory, enough_memory, network_name
from engine.settings import Settings
from engine.text import made
from tui.words.json_lines import line

if TYPE_CHECKING:
    from engine.bench import Comparison, Cost
    from engine.network.compute import Compute
    from engine.text.corpus import Corpus

CAP = 1024
TITLES = ("what", "ours", "theirs", "ratio", "from … to", "target", "against")


BOUNDS = {
    "arithmetic": "Arithmetic bounds it: fewer units, or a number type that this processor multiplies faster.",
    "memory": "Memory bounds it: more streams or longer windows use each weight more often.",
    "calls": "Neither bounds it: its steps wait for each other, and are small. More streams fill them.",
}
"""The advice that follows from a cost, by its bound."""


def bench(text: str, settings: Settings, *, as_json: bool, with_rows: bool, with_console: bool) -> int:
    """Print what an update costs, each comparison when it is done, then all in a table.

    Returns 0 if all comparisons meet their targets, otherwise 1.
    """
    from engine.bench import cost_of, rows
    from tui.command_line.overhead import compare_consoles

    screen = Console(stderr=True)
    corpus = _corpus(text)
    check_memory(settings, corpus.vocabulary.size)
    found: list[Comparison] = []
    with screen.status("measuring"):
        with enough_memory(settings, corpus.vocabulary.size):
            compute, cost = cost_of(corpus, settings)
        if as_json:
            print(line(_plain(settings, compute, cost)), flush=True)
        else:
            Console().print(_bounds(settings, compute, cost))
        if with_rows:
            said = "each side runs in turn, several times; the ratios are most exact if nothing else runs"
            screen.print(said, style="dim")
        consoles = compare_consoles(text) if with_console and os.name != "nt" else iter(())
        for comparison in chain(rows(corpus) if with_rows else (), consoles):
            found.append(comparison)
            if as_json:
                print(line({"event": "row", **asdict(comparison)}), flush=True)
            else:
                screen.print(Text(f"{comparison.name}: {comparison.ratio:.2f} ×"))
    if found and not as_json:
        Console().print(_table(found))
    return 0 if all(each.ratio >= each.target for each in found) else 1


def _corpus(text: str) -> Corpus:
    from engine.text.corpus import read_corpus

    found = None if Path(text).exists() else made.find(text)
    return read_corpus(Path(text) if found is None else found, text, CAP)


def _plain(settings: Settings, compute: Compute, cost: Cost) -> dict[str, object]:
    shares = {"arithmetic": cost.arithmetic, "memory": cost.memory, "bound": cost.bound}
    return {"event": "cost", "network": _name(settings), "compute": str(compute), **asdict(cost), **shares}


def _name(settings: Settings) -> str:
    return f"{network_name(settings)}, {settings.streams} × {settings.bptt} characters, {settings.optimizer}"


def _bounds(settings: Settings, compute: Compute, cost: Cost) -> Group:
    """The cost of an update, against the peaks of this machine."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("", "an update", "reached", "peak", "share"):
        table.add_column(title, justify="left" if not title else "right")
    for name, amount, peak, share, unit in (
        ("arithmetic", cost.operations, cost.peak_operations, cost.arithmetic, "FLOP"),
        ("memory", cost.bytes, cost.peak_bytes, cost.memory, "B"),
    ):
        reached = f"{amount / cost.seconds / 1e9:,.1f} G{unit}/s"
        table.add_row(name, f"{amount / 1e6:,.1f} M{unit}", reached, f"{peak / 1e9:,.1f} G{unit}/s", f"{share:.0%}")
    title = f"An update of {_name(settings)}, takes {1000 * cost.seconds:.3g} ms ({compute})."
    return Group(Text(title), table, Text(BOUNDS[cost.bound]), Text())


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
