"""The chapter of a report on a race."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.events import Hypothesis
from engine.numbers import counted
from engine.race.plan import written
from engine.race.result import Comparison, RaceStatus, Verdict
from engine.race.statistics.conditions import confounds
from engine.race.statistics.sentence import primary, sentence, signed
from engine.race.statistics.standing import FIRST, primary_measure
from tui.export.pictures import Picture
from tui.export.race_data import RaceData
from tui.export.race_pictures import race_pictures
from tui.export.run_data import RunData
from tui.export.tables import MOST_ROWS, Row
from tui.words.numbers import UNKNOWN, duration, nats
from tui.words.races import (
    MEASURED_IN,
    Ranked,
    budget_text,
    conditions_text,
    interval_text,
    limits,
    ranked,
    verdict_text,
)
from tui.words.shell_commands import DEFAULT_LAB

STATUSES = {
    RaceStatus.QUEUED: "It has not begun.",
    RaceStatus.RUNNING: "It was still going on when this was written.",
    RaceStatus.INTERRUPTED: "Its process ended before the race did.",
}
"""The sentence on a race that did not reach its end."""


@dataclass(frozen=True, slots=True)
class RaceChapter:
    """The chapter on a race. Its words are not escaped yet; the templates escape them.

    Attributes:
        name: the race's name.
        summary: what was raced, in sentences.
        tiles: the main numbers: name, value, unit.
        hypotheses: the hypotheses that the race tests.
        verdicts: one sentence for each variant but the first.
        pictures: the pictures, each with its path from the Markdown.
        against: the label of the variant with which the others are compared.
        variants: one row each, ordered by loss: label, loss, difference with its interval, verdict, seeds.
        sets: one row for each variant whose label does not name its settings: label, settings.
        comparisons: one row each: label, measure, difference, interval, seeds, verdict.
        confounds: the other differences between variants, one sentence each.
        limits: the limits of the race, one sentence each.
        trainings: one row each: variant, seed, run, characters, time, loss, difference, end.
        left_out: the number of trainings beyond those in the table.
    """

    name: str
    summary: list[str]
    tiles: list[Row]
    hypotheses: Sequence[Hypothesis]
    verdicts: list[str]
    pictures: list[tuple[Picture, PurePosixPath]]
    against: str
    variants: list[Row]
    sets: list[Row]
    comparisons: list[Row]
    confounds: list[str]
    limits: list[str]
    trainings: list[Row]
    left_out: int


def race_chapter(data: RaceData, runs: Sequence[RunData], folder: PurePosixPath) -> RaceChapter:
    """The chapter on a race; `runs` are its runs, and `folder` is the folder of its pictures."""
    plan, stands = data.plan, data.standing
    ranking = ranked(plan, stands)
    trainings = [_training(data, run) for run in runs]
    return RaceChapter(
        name=f"Race {data.race.name}",
        summary=_summary(data, runs),
        tiles=_tiles(data, runs, ranking),
        hypotheses=data.hypotheses,
        verdicts=[f"{sentence(plan, each)}." for each in primary(stands.results)],
        pictures=[(each, folder / f"{each.name}.png") for each in race_pictures(data)],
        against=data.label(FIRST),
        variants=[_variant(each) for each in ranking],
        sets=_sets(data),
        comparisons=[_comparison(data, each) for each in stands.results],
        confounds=[f"{each}." for each in confounds(plan, stands.lanes)],
        limits=list(limits(data.race, stands, DEFAULT_LAB)),
        trainings=trainings[:MOST_ROWS],
        left_out=max(0, len(trainings) - MOST_ROWS),
    )


def _summary(data: RaceData, runs: Sequence[RunData]) -> list[str]:
    plan, race = data.plan, data.race
    networks = dict.fromkeys(run.run.network for run in runs)
    of = f" of {' and '.join(networks)}" if networks else ""
    varied = " and ".join(dict.fromkeys(name.replace("_", " ") for name in plan.varied()))
    said = [
        f"{len(plan.variants)} variants{of} that differ in {varied} alone were trained on {race.text}, "
        f"{conditions_text(plan)}, over at most {counted(plan.seeds, 'seed')}.",
        "A seed gives every variant the same random numbers and the same text, so they are compared seed by seed.",
    ]
    if race.status in STATUSES:
        said.append(STATUSES[race.status])
    if race.says:
        said.append(f"It ended with: {race.says}.")
    if not primary(data.standing.results):
        said.append("No seed is complete for two variants, so nothing can be compared yet.")
    return said


def _tiles(data: RaceData, runs: Sequence[RunData], ranking: Sequence[Ranked]) -> list[Row]:
    found, best = primary(data.standing.results), ranking[0]
    if len(data.plan.variants) == 2:
        verdict = found[0].verdict if found else Verdict.UNDECIDED
        label = data.label(1)
        main = [
            (label, verdict_text(verdict), f"against {data.label(FIRST)}"),
            ("difference", *_difference(found[0])) if found else ("difference", UNKNOWN, "nats per character"),
        ]
    else:
        counts = Counter(each.verdict for each in found)
        words = [f"{counts[word]} {word}" for word in Verdict if counts[word]]
        main = [
            ("lowest loss", best.loss_text, best.label),
            ("variants", f"{len(data.plan.variants)}", ", ".join(words) or "none compared yet"),
        ]
    seeds = max((each.pairs for each in found), default=0)
    seconds = sum(run.run.seconds for run in runs)
    trainings = f"{len(runs)} training{'s' if len(runs) != 1 else ''} of {budget_text(data.plan)}"
    return [
        *main,
        ("seeds", f"{seeds}", f"complete, of at most {data.plan.seeds}"),
        ("trained in total", duration(seconds), trainings),
    ]


def _difference(found: Comparison) -> tuple[str, str]:
    return signed(found.estimate), f"95 % from {signed(found.low)} to {signed(found.high)} nats"


def _variant(each: Ranked) -> Row:
    if each.variant == FIRST:
        return (each.label, each.loss_text, UNKNOWN, "what the others are compared with", each.seeds_text)
    if each.found is None:
        return (each.label, each.loss_text, UNKNOWN, verdict_text(Verdict.UNDECIDED), each.seeds_text)
    word = each.found.verdict
    return (each.label, each.loss_text, interval_text(each.found), verdict_text(word), each.seeds_text)


def _sets(data: RaceData) -> list[Row]:
    rows: list[Row] = []
    for variant in data.plan.variants:
        words = ", ".join(f"{name} {written(name, value)}" for name, value in variant.changes.items())
        if words != variant.label:
            rows.append((variant.label, words))
    return rows


def _comparison(data: RaceData, found: Comparison) -> Row:
    return (
        data.label(found.variant),
        MEASURED_IN[found.measure],
        signed(found.estimate),
        f"{signed(found.low)} to {signed(found.high)}",
        f"{found.pairs}",
        verdict_text(found.verdict),
    )


def _training(data: RaceData, run: RunData) -> Row:
    place = run.run.race
    lane = data.lane(place.variant, place.replicate) if place else None
    if place is None or lane is None:
        raise ValueError(f"{run.run.name} is part of no race")
    value = None if lane.variant == FIRST else data.difference(lane, primary_measure(data.plan))
    return (
        data.label(lane.variant),
        f"{lane.replicate + 1}",
        run.run.name,
        f"{run.run.chars - run.begin:,}",
        duration(run.run.seconds),
        nats(lane.rungs[-1].loss) if lane.rungs else UNKNOWN,
        UNKNOWN if value is None else signed(value),
        f"diverged: {lane.broken}" if lane.broken else run.run.status,
    )
