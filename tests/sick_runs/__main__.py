"""`python -m tests.sick_runs`: train every recipe over some seeds, and print who finds what is wrong with it.

Whoever changes a rule trains once with `--kept FOLDER`; from then on the same command takes seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from engine.network.compute import usable_processors
from tests.sick_runs.recipes import RECIPES, Recipe
from tests.sick_runs.rivals import RIVALS
from tests.sick_runs.scores import OURS, Result, judge, score


def main() -> None:
    """Print a row for each run and a summary for each tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--only", default="", help="recipes with this in their name or cause")
    parser.add_argument("--kept", type=Path, help="a folder for the trainings, which are not trained again")
    chosen = parser.parse_args()
    if chosen.kept:
        chosen.kept.mkdir(parents=True, exist_ok=True)
    recipes = [recipe for recipe in RECIPES if chosen.only in recipe.name or chosen.only == recipe.cause]
    tasks = [(recipe, seed) for seed in range(chosen.seeds) for recipe in recipes]
    places = [(RECIPES.index(recipe), seed, chosen.kept) for recipe, seed in tasks]
    with ProcessPoolExecutor(usable_processors(), mp_context=get_context("spawn")) as pool:
        judged = pool.map(judge, *zip(*places, strict=True))
        verdicts = list(track(judged, total=len(places), console=Console(stderr=True)))
    results = [Result(recipe, seed, found) for (recipe, seed), found in zip(tasks, verdicts, strict=True)]
    console = Console()
    console.width = max(console.width, 150)
    console.print(runs_table(recipes, results))
    console.print(summary_table(results))


def runs_table(recipes: Sequence[Recipe], results: Sequence[Result]) -> Table:
    """A row for each recipe: what was said first over the seeds."""
    table = Table("true cause", "recipe", OURS, "delay", "others", *RIVALS)
    for recipe in recipes:
        mine = [result for result in results if result.recipe.name == recipe.name]
        ours = [result.verdicts[OURS] for result in mine]
        table.add_row(
            recipe.cause,
            recipe.name,
            ", ".join(f"{'' if verdict.right else '✗ '}{verdict.first or '–'}" for verdict in ours),
            " ".join(f"{verdict.delay:.2f}" for verdict in ours),
            " ".join(str(verdict.others) for verdict in ours),
            *(
                ", ".join(
                    f"{'' if verdict.right else '✗ '}{verdict.first or '–'}"
                    for verdict in (result.verdicts[name] for result in mine)
                )
                for name in RIVALS
            ),
        )
    return table


def summary_table(results: Sequence[Result]) -> Table:
    """A row for each tool."""
    table = Table("tool", "cause first (recall)", "precision", "healthy runs warned", "median delay")
    for tool in (OURS, *RIVALS):
        found = score(results, tool)
        numbers = (found.recall, found.precision, found.warned, found.delay)
        table.add_row(tool, *(f"{number:.1%}" for number in numbers))
    return table


if __name__ == "__main__":
    main()
