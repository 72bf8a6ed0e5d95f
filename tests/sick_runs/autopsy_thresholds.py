"""`python -m tests.sick_runs.autopsy_thresholds --kept FOLDER`: autopsies with each of their thresholds changed.

Climbs that are not in the folder yet are trained first. To judge the same replays again takes seconds. A threshold that
decides what is replayed, or how a climb is found, has every climb dissected twice, which takes many minutes: `--only`
chooses some of them, and `--climbs` some of the climbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from engine.autopsy import conductor
from engine.autopsy.judgement import Seen, judge, needs_stronger
from engine.errors import UserError
from tests.sick_runs.autopsies import NO_CLIMB, look_at, train_or_find
from tests.sick_runs.climbs import ALL_CLIMBS
from tests.sick_runs.constants import AUTOPSY, Constant, changed, constants
from tests.sick_runs.recipes import Recipe
from tests.sick_runs.thresholds import HALF, TWICE, Effect, Effects, options, report

JUDGEMENT = "engine.autopsy.judgement"
"""The module whose thresholds only say what follows from the replays."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The result of an autopsy, whether the run's numbers broke, and the result before it tried stronger remedies."""

    seen: Seen
    broken: bool
    first: Seen | None

    def tries_stronger(self) -> bool:
        """Whether stronger remedies would be tried by the thresholds as they are now."""
        return self.first is not None and needs_stronger(self.first)


def main() -> None:
    """Print a row for each threshold of the autopsy."""
    parser = options(__doc__)
    parser.add_argument("--climbs", nargs="*", default=[""], help="climbs with one of these in their name or as cause")
    chosen = parser.parse_args()
    thresholds = [each for each in constants(AUTOPSY) if str(each).startswith(tuple(chosen.only))]
    climbs = {
        number: each
        for number, each in enumerate(ALL_CLIMBS)
        if any(word in each.name or word == each.cause for word in chosen.climbs)
    }
    report(climbs, thresholds, effects_on, chosen)


def effects_on(number: int, seed: int, kept: Path, thresholds: Sequence[Constant]) -> Effects:
    """The effects on the autopsy of one climb of each threshold halved and doubled.

    Args:
        number: the recipe's place in `ALL_CLIMBS`; itself it cannot be sent to another process.
        seed: of everything.
        kept: a folder in which the labs are kept.
        thresholds: those to change, one at a time.
    """
    recipe = ALL_CLIMBS[number]
    folder = train_or_find(recipe, seed, kept)
    looked = look_closely(folder)
    stronger = looked is not None and looked.tries_stronger()
    before = judged(looked)
    effects = {}
    for threshold in thresholds:
        for factor in (HALF, TWICE):
            with changed(threshold, threshold.times(factor)):
                same = looked is None or looked.tries_stronger() == stronger
                after = judged(looked if threshold.module == JUDGEMENT and same else look_closely(folder))
            effects[str(threshold), factor] = effect(recipe, before, after)
    return effects


def look_closely(folder: Path) -> Looked | None:
    """An autopsy of the run in a lab; None where nothing has climbed."""
    first: list[Seen] = []

    def noted(seen: Seen) -> bool:
        first.append(seen)
        return needs_stronger(seen)

    with patch.object(conductor, "needs_stronger", noted):
        try:
            return Looked(*look_at(folder), first[0] if first else None)
        except UserError:
            return None


def judged(looked: Looked | None) -> tuple[str, str]:
    """The cause, and the sentences about it; of what has not climbed, that."""
    if looked is None:
        return NO_CLIMB, ""
    found = judge(looked.seen, looked.broken)
    return found.cause, found.says


def effect(recipe: Recipe, before: tuple[str, str], after: tuple[str, str]) -> Effect:
    """The effect that makes of what an autopsy says something else."""
    was, now = before[0] == recipe.cause, after[0] == recipe.cause
    if was != now:
        return Effect.LOST if was else Effect.GAINED
    return Effect.NONE if before == after else Effect.DETAIL


if __name__ == "__main__":
    main()
