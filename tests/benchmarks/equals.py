"""Races between equals, which differ only in their seeds: `python -m tests.benchmarks.equals TEXT [RACES]`.

Prints how each ends. At most one in twenty may end with a winner.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from engine.budget import Budget
from engine.network.compute import usable_processors
from engine.race.opening import NewRace, open_race
from engine.race.plan import Plan, grid
from engine.race.race import Racing
from engine.race.result import Verdict
from engine.race.statistics.sentence import sentence
from engine.settings import Settings
from engine.workers.place import Place
from engine.workers.processes import Processes

RACES = 40
CHARS = 60_000
ALLOWED = 0.05


def main(text: str, races: str = str(RACES)) -> int:
    """Run this many races of equals; return the exit code."""
    settings = Settings(hidden=64, embedding=32, streams=8, lr=5e-3)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as lab:
        for race in range(int(races)):
            found[verdict(text, Path(lab), settings, 2 * race)] += 1
    print(dict(found))
    wrong = found[Verdict.BETTER] + found[Verdict.WORSE]
    print(f"{wrong} of {races} with a winner (allowed: {ALLOWED:.0%})")
    return 0 if wrong <= ALLOWED * int(races) else 1


def verdict(text: str, lab: Path, settings: Settings, seed: int) -> str:
    """The verdict of a race between two seeds."""
    plan = Plan(settings=settings, variants=grid([f"seed={seed},{seed + 1}"]), budget=Budget(chars=CHARS))
    size = usable_processors()
    place = Place("here", size, lambda: Processes(size), lambda corpus: corpus)
    with open_race(NewRace(plan, text), lab, lambda _what, _share: None) as opened:
        stands = Racing(opened.lab, opened.race, opened.corpus, opened.origin, place, lambda _stands: None).run()
    result = stands.results[0]
    print(f"seeds {seed} and {seed + 1}: {sentence(plan, result)}", flush=True)
    return result.verdict


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["shakespeare.txt"]))
