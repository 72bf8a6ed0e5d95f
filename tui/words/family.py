"""The lab's runs as families: each fork stands below the run that it began from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tui.words.safe_text import visible

if TYPE_CHECKING:
    from engine.lab import Run

DEEPEST = 8
"""The most generations by which a fork is indented: there is no room for more."""


def families(runs: Sequence[Run]) -> list[tuple[Run, str]]:
    """The runs in the order of a tree, each with its label: its name and, for a fork, where it began.

    The family with the newest run comes first. Within a family, a run comes before its forks, and these are in the
    order of the updates at which they began. A run whose parent is not among `runs` is not indented, and its label
    names the parent.
    """
    by_name = {run.name: run for run in runs}
    forks: dict[str, list[Run]] = {}
    edge = []
    for run in runs:
        parent = by_name.get(run.parent[0]) if run.parent else None
        # A fork is younger than its parent. An older fork's parent is in another lab, and this run is a namesake.
        if parent is not None and parent.number < run.number:
            forks.setdefault(parent.name, []).append(run)
        else:
            edge.append(run)
    branches = [list(_branch(run, forks)) for run in edge]
    branches.sort(key=lambda branch: max(run.number for run, _ in branch), reverse=True)
    return [(run, _label(run, depth)) for branch in branches for run, depth in branch]


def _branch(first: Run, forks: dict[str, list[Run]]) -> Iterator[tuple[Run, int]]:
    """A run and all its descendants, each with its depth in the tree."""
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
