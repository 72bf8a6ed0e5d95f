"""`python -m tests.sick_runs.thresholds --kept FOLDER`: the sick runs, judged with each threshold halved and doubled.

Recipes that are not in the folder yet are trained first, which takes as long as `python -m tests.sick_runs` does. To
judge them again takes some seconds for each threshold. With `--write docs/diagnosis.md` the tables there are filled in.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.progress import track
from rich.table import Table

from engine.diagnosis import diagnosis
from engine.diagnosis.record import Record
from engine.diagnosis.signs import LEAST_READINGS, Signs, read_signs
from engine.events import Finding
from engine.network.compute import usable_processors
from tests.sick_runs.constants import RULES, Constant, changed, constants
from tests.sick_runs.recipes import HEALTHY, RECIPES, Recipe
from tests.sick_runs.scores import verdict
from tests.sick_runs.training import train_or_load

HALF, TWICE = 0.5, 2.0

SIGNS = frozenset({"engine.diagnosis.signs", "engine.diagnosis.record", "engine.diagnosis.climb"})
"""The modules whose thresholds decide what the signs are; all others decide what the signs mean."""

MOST_NAMED = 4
"""How many recipes a cell names."""

ROW = re.compile(r"\| `(?P<name>[a-z_]+\.[A-Z0-9_]+)` \| (?P<value>[^|]+) \|")
"""A threshold's row in a table of Markdown, up to its value."""

NONE_DECIDES = "no recipe decides this; it stays as"


class Effect(StrEnum):
    """The effect of another value of a threshold on what is said of one recipe."""

    NONE = "nothing is said otherwise"
    LOST = "the true cause was said first, and is not any more"
    GAINED = "the true cause is said first only now"
    WARNED = "a healthy run is warned only now"
    DETAIL = "the first cause is as right as before, and something else is said otherwise or at another time"


Effects = Mapping[tuple[str, float], Effect]
"""The effects on one recipe, by threshold and factor."""


@dataclass(frozen=True, slots=True)
class Row:
    """The effects of one threshold over all recipes: the names of those on which there is each effect."""

    half: Mapping[Effect, Sequence[str]]
    twice: Mapping[Effect, Sequence[str]]

    @classmethod
    def of(cls, threshold: Constant, recipes: Sequence[Recipe], effects: Sequence[Effects]) -> Row:
        """The row of a threshold, from the effects on each of some recipes."""

        def names(factor: float) -> Mapping[Effect, Sequence[str]]:
            found = list(zip(recipes, [each[str(threshold), factor] for each in effects], strict=True))
            return {effect: [recipe.name for recipe, each in found if each is effect] for effect in Effect}

        return cls(names(HALF), names(TWICE))

    def cells(self, why: str) -> tuple[str, str, str]:
        """The recipes that speak for the threshold, and what happens at half and at twice the value.

        Args:
            why: what is said where no recipe speaks for it.
        """
        speak = dict.fromkeys(
            name
            for effects in (self.half, self.twice)
            for effect in (Effect.LOST, Effect.WARNED)
            for name in effects.get(effect, ())
        )
        more = f" and {len(speak) - MOST_NAMED} more" if len(speak) > MOST_NAMED else ""
        return "; ".join(list(speak)[:MOST_NAMED]) + more or why, _in_words(self.half), _in_words(self.twice)


def main() -> None:
    """Print a row for each threshold of the rules."""
    chosen = options(__doc__).parse_args()
    thresholds = [each for each in constants(RULES) if str(each).startswith(tuple(chosen.only))]
    report(dict(enumerate(RECIPES)), thresholds, effects_on, chosen)


def options(says: str | None) -> argparse.ArgumentParser:
    """The options of a command that moves thresholds."""
    parser = argparse.ArgumentParser(description=says)
    parser.add_argument("--kept", type=Path, required=True, help="a folder for the trainings, which are made only once")
    parser.add_argument("--seed", type=int, default=0, help="of the trainings")
    parser.add_argument("--only", nargs="*", default=[""], help="thresholds that begin so, such as rate.")
    parser.add_argument("--write", type=Path, help="a page in Markdown whose tables are filled in")
    parser.add_argument("--processes", type=int, default=usable_processors(), help="how many work at once")
    return parser


def report(
    recipes: Mapping[int, Recipe],
    thresholds: Sequence[Constant],
    effects_on: Callable[[int, int, Path, Sequence[Constant]], Effects],
    chosen: argparse.Namespace,
) -> None:
    """Measure the effects on each recipe in processes, print a row for each threshold, and fill a page in.

    Args:
        recipes: by the number that `effects_on` knows them by.
        thresholds: those to change.
        effects_on: measures them, of a recipe's number, a seed and a folder.
        chosen: the options.
    """
    chosen.kept.mkdir(parents=True, exist_ok=True)
    tasks = [(number, chosen.seed, chosen.kept, thresholds) for number in recipes]
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as pool:
        judged = pool.map(effects_on, *zip(*tasks, strict=True))
        effects = list(track(judged, total=len(tasks), console=Console(stderr=True)))
    rows = {str(threshold): Row.of(threshold, list(recipes.values()), effects) for threshold in thresholds}
    table = Table("threshold", "value", "speak for it", "at half", "at twice")
    for threshold in thresholds:
        table.add_row(str(threshold), f"{threshold.value}", *rows[str(threshold)].cells("–"))
    console = Console()
    console.width = max(console.width, 200)
    console.print(table)
    if chosen.write:
        chosen.write.write_text(filled_in(chosen.write.read_text(), rows))


def effects_on(number: int, seed: int, folder: Path, thresholds: Sequence[Constant]) -> Effects:
    """The effects on one recipe of each threshold halved and doubled.

    Args:
        number: the recipe's place in `RECIPES`; itself it cannot be sent to another process.
        seed: of everything.
        folder: in which the training is kept.
        thresholds: those to change, one at a time.
    """
    recipe = RECIPES[number]
    trained = train_or_load(recipe, seed, folder)
    signs: list[Signs] = []
    with patch.object(diagnosis, "read_signs", _noted(signs)):
        before = diagnosis.diagnose(trained.settings, trained.events)
    effects = {}
    for threshold in thresholds:
        same_signs = SIGNS.isdisjoint(module.__name__ for module in threshold.holders())
        for factor in (HALF, TWICE):
            # To read the signs takes most of the time.
            read = _again(signs) if same_signs else read_signs
            with changed(threshold, threshold.times(factor)), patch.object(diagnosis, "read_signs", read):
                after = diagnosis.diagnose(trained.settings, trained.events)
            effects[str(threshold), factor] = effect(recipe, before, after)
    return effects


def effect(recipe: Recipe, before: Sequence[Finding], after: Sequence[Finding]) -> Effect:
    """The effect that makes of some findings of a recipe others."""
    was, now = verdict(recipe, before).right, verdict(recipe, after).right
    if was and not now:
        return Effect.WARNED if recipe.cause == HEALTHY else Effect.LOST
    if now and not was:
        return Effect.GAINED
    return Effect.NONE if before == after else Effect.DETAIL


def filled_in(page: str, rows: Mapping[str, Row]) -> str:
    """A page in Markdown in whose tables the last three cells of each threshold's row are what was measured.

    A row that gives the reason why a threshold stays that no recipe decides keeps it.
    """

    def line_of(line: str) -> str:
        row = ROW.match(line)
        if row is None or row["name"] not in rows:
            return line
        *own, speak, _half, _twice = line.removeprefix("| ").removesuffix(" |").split(" | ")
        why = speak if speak.startswith(NONE_DECIDES) else f"{NONE_DECIDES} it is"
        return f"| {' | '.join([*own, *rows[row['name']].cells(why)])} |"

    return "".join(f"{line_of(line)}\n" for line in page.splitlines())


def _in_words(effects: Mapping[Effect, Sequence[str]]) -> str:
    words = {
        Effect.LOST: "loses",
        Effect.GAINED: "gains",
        Effect.WARNED: "warns of healthy",
        Effect.DETAIL: "details of",
    }
    return ", ".join(f"{word} {len(effects[each])}" for each, word in words.items() if effects.get(each)) or "nothing"


def _noted(notes: list[Signs]) -> Callable[..., Signs]:
    """Reads signs, and notes them."""

    def note(record: Record, least: int = LEAST_READINGS) -> Signs:
        notes.append(read_signs(record, least))
        return notes[-1]

    return note


def _again(notes: Sequence[Signs]) -> Callable[..., Signs]:
    """Gives the noted signs again, look by look."""
    left = iter(notes)
    return lambda _record, least=LEAST_READINGS: next(left)  # noqa: ARG005 - as `read_signs` has it


if __name__ == "__main__":
    main()
