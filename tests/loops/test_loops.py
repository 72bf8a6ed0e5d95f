"""Loops as people write them: what is wrong is named first, what is right is left in peace, and no bit changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.events import Finding, Severity
from tests.engine.watching.watched import findings
from tui.words.severity import gravest_first

pytestmark = [pytest.mark.soak, pytest.mark.xdist_group("loops")]  # they share what takes minutes

LOOPS = Path(__file__).parent
BROKEN, HEALTHY = "broken", "healthy"

FOLDERS = (LOOPS, *sorted(LOOPS.glob("blind*")))
"""The loops whose author knew the names of the faults, and those of authors who knew nothing."""

NAMED, WARNED = 0.9, 0.07
"""The least share of the broken loops whose fault is named first, and the largest of the healthy ones that are warned.
Beyond them something has become worse. What was measured, and when, is in docs/watching.md."""


PLAIN = 3
"""One loop of so many is also run with nobody who watches: all of them would take half an hour."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of the rig.

    Attributes:
        script: its file.
        fault: what is wrong with it; empty where nothing is.
        line: the line that is at fault; None where no single one is.
    """

    script: Path
    fault: str
    line: int | None

    @property
    def name(self) -> str:
        """Its name, with that of its folder: two may be called alike."""
        return f"{self.script.parent.parent.name}-{self.script.parent.name}-{self.script.stem}"


def loops(kind: str) -> list[Loop]:
    """All broken or all healthy loops."""
    return [_loop(each) for folder in FOLDERS for each in sorted((folder / kind).glob("*.py"))]


def _loop(script: Path) -> Loop:
    lines = script.read_text().splitlines()
    fault = lines[0].removeprefix("# FAULT: ") if lines[0].startswith("# FAULT: ") else ""
    marked = [number for number, line in enumerate(lines, 1) if line.rstrip().endswith("# HERE")]
    return Loop(script, fault.strip(), marked[0] if len(marked) == 1 else None)


def run(folder: Path, some: list[Loop], *, plain: bool = False) -> dict[str, Mapping[str, str]]:
    """Run loops, watched or not; how each has ended, by its name."""
    command = [sys.executable, "-m", "tests.loops.runner", str(folder), *(str(each.script) for each in some)]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (LOOPS.parents[1], LOOPS.parents[1] / "engine/watching"))),
    }
    done = subprocess.run(
        [*command, *(["--plain"] if plain else [])], env=env, capture_output=True, text=True, check=True
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["script"]: each for each in told}


def found_in(folder: Path, loop: Loop) -> list[Finding]:
    """The findings about a loop, the gravest first."""
    journals = sorted((folder / loop.name / "lab" / "journals").glob("*"))
    return gravest_first(each for journal in journals for each in findings(journal))


@dataclass(frozen=True, slots=True)
class Ended:
    """All loops at their end.

    Attributes:
        folder: where the watched ones have left their journals.
        watched, plain: how each has ended by its name; some of them with nobody who watches.
    """

    folder: Path
    watched: dict[str, Mapping[str, str]]
    plain: dict[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """All loops, run at the same time as some of them for whom nobody watches."""
    every = [*loops(BROKEN), *loops(HEALTHY)]
    folder, other = (tmp_path_factory.mktemp(name) for name in ("watched", "plain"))
    with ThreadPoolExecutor() as both:
        watched, plain = both.submit(run, folder, every), both.submit(run, other, every[::PLAIN], plain=True)
    return Ended(folder, watched.result(), plain.result())


def test_what_is_wrong_is_named_first(ended: Ended) -> None:
    some = loops(BROKEN)
    missed = {}
    for each in some:
        found = found_in(ended.folder, each)
        if not found or found[0].cause != each.fault:
            missed[each.name] = (each.fault, [str(one.cause) for one in found])
    assert len(missed) <= (1 - NAMED) * len(some), missed


def test_what_is_right_is_left_in_peace(ended: Ended) -> None:
    some = loops(HEALTHY)
    assert {each.name: ending for each in some if (ending := ended.watched[each.name]["ended"])} == {}
    warned = {
        each.name: [str(one.cause) for one in found]
        for each in some
        if (found := [one for one in found_in(ended.folder, each) if one.severity is not Severity.NOTE])
    }
    assert len(warned) <= WARNED * len(some), warned


def test_no_bit_of_a_loop_changes(ended: Ended) -> None:
    assert len(ended.plain) >= len(ended.watched) // PLAIN
    differ = {name: (each, ended.watched[name]) for name, each in ended.plain.items() if each != ended.watched[name]}
    assert differ == {}
