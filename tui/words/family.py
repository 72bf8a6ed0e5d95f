"""The lab's runs as families: forks under the runs that they left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tui.words.safe_text import visible

if TYPE_CHECKING:
    from engine.lab import Run

DEEPEST = 8
"""A fork of more generations is not indented further: there is no room for more."""


def families(runs: Sequence[Run]) -> list[tuple[Run, str]]:
    """Runs in their order, each with its name and, of a fork, from where it begins, as a tree.

    The family with the newest run comes first, in it a run before its forks, and those in the order in which they
    left. A run whose parent is not among these stands at the edge, and its parent is named.
    """
    by_name = {run.name: run for run in runs}
    forks: dict[str, list[Run]] = {}
    edge = []
    for run in runs:
        parent = by_name.get(run.parent[0]) if run.parent else None
        # A fork is younger than its parent: any other of that name is a namesake of one in another lab.
        if parent is not None and parent.number < run.number:
            forks.setdefault(parent.name, []).append(run)
        else:
            edge.append(run)
    branches = [list(_branch(run, forks)) for run in edge]
    branches.sort(key=lambda branch: max(run.number for run, _ in branch), reverse=True)
    return [(run, _label(run, depth)) for branch in branches for run, depth in branch]


def _branch(first: Run, forks: dict[str, list[Run]]) -> Iterator[tuple[Run, int]]:
    """A run and all that stem from it, each with how many it stems from."""
    waiting = [(first, 0)]
    while waiting:
        run, depth = waiting.pop()
        yield run, depth
        waiting += [(fork, depth + 1) for fork in sorted(forks.get(run.name, ()), key=_left_at, reverse=True)]


def _left_at(run: Run) -> tuple[int, int]:
    return run.parent[1] if run.parent else 0, run.number


def _label(run: Run, depth: int) -> str:
    """Such as `└ notes-2  from update 1,240`."""
    name = visible(run.name, lines=False)
    if run.parent is None:
        return name
    parent, update = run.parent
    if depth:
        return f"{'  ' * (min(depth, DEEPEST) - 1)}└ {name}  from update {update:,}"
    return f"{name}  from {visible(parent, lines=False)} at update {update:,}"
