"""`python -m tests.sick_runs.autopsies`: train climbing recipes in sessions, dissect them, and print the causes found.

Some minutes on two cores; with `--kept FOLDER` the trainings are kept, and an autopsy alone takes seconds.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import track
from rich.table import Table

from engine.autopsy.case import open_case
from engine.autopsy.conductor import Autopsy
from engine.autopsy.judgement import Seen, judge
from engine.errors import UserError
from engine.network.compute import usable_processors
from engine.workers.place import Place
from tests.sick_runs.climbs import ALL_CLIMBS, UNSEEN
from tests.sick_runs.recipes import Recipe
from tests.sick_runs.sessions import run_recipe

NO_CLIMB = "has not climbed"

RUN = "run"
"""The file of a lab in which the name of its run is kept."""


def main() -> None:
    """Print a row for each recipe, and how many causes were named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--only", default="", help="recipes with this in their name or cause")
    parser.add_argument("--kept", type=Path, help="a folder for the trainings, which are not trained again")
    chosen = parser.parse_args()
    recipes = [recipe for recipe in ALL_CLIMBS if chosen.only in recipe.name or chosen.only == recipe.cause]
    with TemporaryDirectory() as scratch:
        tasks = [(recipe, seed) for seed in range(chosen.seeds) for recipe in recipes]
        places = [(ALL_CLIMBS.index(recipe), seed, chosen.kept or Path(scratch)) for recipe, seed in tasks]
        with ProcessPoolExecutor(usable_processors(), mp_context=get_context("spawn")) as pool:
            found = pool.map(dissect, *zip(*places, strict=True))
            verdicts = list(track(found, total=len(places), console=Console(stderr=True)))
    console = Console()
    console.width = max(console.width, 150)
    table = Table("planted", "recipe", "seed", "autopsy", "says")
    for (recipe, seed), (cause, says) in zip(tasks, verdicts, strict=True):
        mark = "" if cause == recipe.cause else "– " if cause == NO_CLIMB else "✗ "
        table.add_row(recipe.cause, recipe.name, str(seed), f"{mark}{cause}", says)
    console.print(table)
    for title, part in (("all", recipes), ("never tuned on", [each for each in recipes if each in UNSEEN])):
        climbed = [
            (recipe, cause)
            for (recipe, _), (cause, _) in zip(tasks, verdicts, strict=True)
            if recipe in part and cause != NO_CLIMB
        ]
        right = sum(cause == recipe.cause for recipe, cause in climbed)
        console.print(f"{title}: {right} of {len(climbed)} causes named")


def dissect(number: int, seed: int, kept: Path) -> tuple[str, str]:
    """The cause that an autopsy of a recipe names, and what it says.

    Args:
        number: the recipe's place in `ALL_CLIMBS`; the recipe itself cannot be sent to another process.
        seed: the seed of everything.
        kept: a folder in which a lab for each training is kept.
    """
    folder = train_or_find(ALL_CLIMBS[number], seed, kept)
    try:
        report = judge(*look_at(folder))
    except UserError as error:
        return NO_CLIMB, str(error)
    return report.cause, report.says


def train_or_find(recipe: Recipe, seed: int, kept: Path) -> Path:
    """The lab of a recipe's training, which is trained where it is not there yet."""
    folder = kept / folder_name(recipe, seed)
    if not (folder / RUN).exists():
        (folder / RUN).write_text(run_recipe(recipe, seed, folder))
    return folder


def look_at(folder: Path) -> tuple[Seen, bool]:
    """The result of an autopsy of the run in a lab, and whether its numbers broke; raises UserError without a climb."""
    place = Place("here", 1, lambda: ThreadPoolExecutor(1), lambda corpus: corpus)
    case = open_case(folder, (folder / RUN).read_text(), None, lambda _what, _share: None)
    return Autopsy(case, place, lambda _what, _share: None).run(), bool(case.trouble.broken)


def folder_name(recipe: Recipe, seed: int) -> str:
    """The folder of a recipe's lab."""
    return f"{recipe.name.replace(' ', '-').replace(',', '')}-{seed}"


if __name__ == "__main__":
    main()
