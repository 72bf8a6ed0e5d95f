"""How can I tell whether it is numerics? Rounding is compared with the text's noise, and number types are raced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from engine.budget import Budget
from engine.lab import Lab
from engine.network.compute import has_bfloat16
from engine.network.model import network_name
from engine.numbers import counted
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.experiment.trial import Look, Stage, Trial
from engine.questions.phrases import row, rule, word
from engine.questions.question import CHARS, NATS, SHARE, TOO_LATE, Answer, Row
from engine.race.plan import Plan, Variant, seeded
from engine.race.result import Verdict
from engine.race.statistics.interval import Interval, interval
from engine.settings import Settings

FLOAT32, BFLOAT16 = "float32", "bfloat16"
TYPES = (FLOAT32, BFLOAT16)
SEEDS, RACE_SEEDS = 3, 6

SHIFT = 3e7
"""A shift of all logits, which changes no probability but leaves float32 no digits for them: a planted fault."""

PLANTED = f"{FLOAT32}, logits + {SHIFT:g}"
DROWNED = 0.1
"""A rounding error smaller than this share of the noise counts as far below it."""

CLEARER = 10
"""A planted fault counts as visible where the gradient's error is this many times the usual one."""


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of a number type, each the worst over all networks; see the instrument `numerics`.

    Attributes:
        kind: the number type, or the planted fault.
        loss: the error of the loss, as a share of the loss.
        gradient: the error of the gradient, as a share of its norm; infinite where it is not finite.
        non_finite: the share of the numbers that are not finite.
        subnormal: the share of the gradient's numbers that are subnormal.
        lost: the share of the gradient's numbers that are zero although they are not zero in float64.
    """

    kind: str
    loss: float
    gradient: float
    non_finite: float
    subnormal: float
    lost: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence on numerics.

    Attributes:
        settings: the settings of the first network.
        runs: the names of the measured runs.
        chars: the characters of each measured training.
        types: the errors of each number type that this machine has.
        planted: the errors of the planted fault; None where they were not measured.
        noise: the part of one update's gradient that differs from update to update, as a share of it; None where it is
            not known.
        race: the name of the race between the number types; empty where there was none.
        race_chars: the characters of each of its trainings.
        difference: the loss in bfloat16 minus the loss in float32.
        losses: the mean validation losses in float32 and in bfloat16; None without a training.
    """

    settings: Settings
    runs: tuple[str, ...]
    chars: int
    types: tuple[Errors, ...]
    planted: Errors | None
    noise: float | None
    race: str
    race_chars: int
    difference: Interval
    losses: tuple[float | None, float | None]


def investigate(experiments: Experiments) -> Answer:
    """Measure rounding in networks that have learnt something, and race the number types."""
    experiments.need(8)
    settings = experiments.settings("standard", dtype=FLOAT32)
    types = TYPES if has_bfloat16(settings.cell, torch.device("cpu")) else (FLOAT32,)
    (pace,) = experiments.paces(settings)
    seeds = min(SEEDS, experiments.scale.most_seeds)
    seconds = 0.3 * experiments.left
    chars = experiments.chars(pace, seconds, seeds, validations=2)
    looks = [Look("numerics", f"numerics, {kind}", {"dtype": kind}) for kind in types]
    looks += [Look("numerics", f"numerics, {PLANTED}", plus={"head.bias": SHIFT}), Look("agreement")]
    trials = [
        Trial(seeded(settings, seed), (Stage((Budget(chars=chars),), looks=tuple(looks)),)) for seed in range(seeds)
    ]
    done = experiments.trials("ask-numerics", f"rounding after {chars:,} characters", trials, seconds)
    race = ""
    if len(types) > 1:
        seconds = experiments.left
        variants = tuple(Variant(f"dtype {kind}", {"dtype": kind}) for kind in types)
        raced = experiments.chars(pace, seconds, RACE_SEEDS * len(types))
        plan = Plan(settings=settings, variants=variants, budget=Budget(chars=raced))
        race = experiments.race(plan, "float32 and bfloat16", seconds)
    runs = [each.run for each in done if each is not None]
    return answer(evidence(experiments.lab, settings, runs, chars, types, race))


def evidence(
    lab: Lab, settings: Settings, runs: Sequence[str], chars: int, types: Sequence[str], race: str
) -> Evidence:
    """The evidence on numerics, from the lab."""
    measured = [found.run(lab, name) for name in runs]
    raced = found.race(lab, race) if race else None
    shares = [each.number("agreement", "share") for each in measured]
    known = [math.sqrt(1 - share) for share in shares if share is not None]
    return Evidence(
        settings=settings,
        runs=tuple(runs),
        chars=chars,
        types=tuple(each for kind in types if (each := _errors(measured, kind)) is not None),
        planted=_errors(measured, PLANTED),
        noise=fmean(known) if known else None,
        race=race,
        race_chars=(raced.plan.budget.chars or 0) if raced else 0,
        difference=raced.difference(1, 0) if raced else interval([]),
        losses=(raced.mean(0, lambda each: each.loss), raced.mean(1, lambda each: each.loss))
        if raced
        else (None, None),
    )


def _errors(measured: Sequence[found.Measured], kind: str) -> Errors | None:
    instrument = f"numerics, {kind}"
    if not any(each.readings(instrument) for each in measured):
        return None

    def worst(name: str) -> float:
        values = [reading.get(name) for each in measured for reading in each.readings(instrument)]
        # A number that is not finite was stored as None or as ±1e300.
        return max(float(value) if isinstance(value, int | float) and value < 1e299 else math.inf for value in values)

    return Errors(kind, *(worst(name) for name in ("loss_error", "gradient_error", "non_finite", "subnormal", "lost")))


def answer(what: Evidence) -> Answer:
    """The answer that follows from the evidence."""
    settings = what.settings
    raced = f"none: this machine has no {settings.cell} in {BFLOAT16}"
    if what.race:
        raced = f"{what.race_chars:,} characters, {counted(what.difference.pairs, 'seed')}"
    return Answer(
        answer=_verdict(what),
        reason=" ".join(_reason(what)),
        rows=tuple(_rows(what)),
        limits=(
            "Rounding was measured at one place of each training: numbers can go wrong later, which `train` watches.",
            f"In {BFLOAT16} only the products are rounded so; weights, sums and the loss stay in {FLOAT32}.",
        ),
        did=(
            f"Networks were trained in {FLOAT32}, and the gradient of one window of each was computed again in other "
            "number types."
        ),
        conditions=(
            ("networks", f"{len(what.runs)} × {network_name(settings)}, {what.chars:,} characters each"),
            ("training", rule(settings)),
            ("race of number types", raced),
        ),
        races=(what.race,) if what.race else (),
        runs=what.runs,
    )


def _rows(what: Evidence) -> list[Row]:
    source, seeds = ", ".join(what.runs), len(what.runs)
    rows = []
    for each in (*what.types, *((what.planted,) if what.planted else ())):
        rows += [
            Row(f"{each.kind}: error of the loss, largest", each.loss, seeds=seeds, source=source),
            Row(f"{each.kind}: error of the gradient, largest", each.gradient, seeds=seeds, source=source),
            Row(f"{each.kind}: not finite", each.non_finite, SHARE, seeds=seeds, source=source),
            Row(
                f"{each.kind}: gradient's numbers that are subnormal", each.subnormal, SHARE, seeds=seeds, source=source
            ),
            Row(f"{each.kind}: gradient's numbers lost to zero", each.lost, SHARE, seeds=seeds, source=source),
        ]
    rows.append(Row("noise of one update's gradient", what.noise, SHARE, seeds=seeds, source=source))
    if what.race:
        rows.append(row(f"{BFLOAT16} less {FLOAT32}", what.difference, what.race))
        for kind, loss in zip(TYPES, what.losses, strict=True):
            rows.append(Row(f"validation loss, {kind}", loss, NATS, seeds=what.difference.pairs, source=what.race))
        rows.append(Row("characters of each training", what.race_chars, CHARS, source=what.race))
    return rows


def _verdict(what: Evidence) -> str:
    """Whether rounding matters in float32."""
    if not what.types:
        return "Undecided: rounding was not measured in time." if what.difference.pairs else TOO_LATE
    first = what.types[0]
    if first.non_finite or not math.isfinite(first.gradient):
        return f"Yes: here numbers are not finite already in {FLOAT32}."
    if what.noise is None:
        return "Undecided: the noise of the text, beside which rounding is small or not, is not known."
    if first.gradient < DROWNED * what.noise:
        return f"No: here rounding in {FLOAT32} is far below the noise of the text."
    return f"Undecided: rounding in {FLOAT32} is not far below the noise of the text, so that it can be numerics."


def _reason(what: Evidence) -> list[str]:
    """How rounding can be told, and the cost of a coarser number type."""
    said = []
    if what.types and what.planted is not None:
        if what.planted.gradient > CLEARER * what.types[0].gradient:
            said.append("Computing a window again in float64 tells: it shows a fault of rounding that was planted.")
        else:
            said.append("Beware: the same measurement does not show a fault of rounding that was planted.")
    elif what.types:
        said.append("Computing the same window again in float64 tells.")
    return [*said, *_race(what)]


def _race(what: Evidence) -> list[str]:
    if not what.race:
        return []
    if not what.difference.pairs:
        return ["The race of the number types was not done in time."]
    match word(what.difference):
        case each if each == Verdict.WORSE:
            return [f"{BFLOAT16} costs something: train in {FLOAT32}."]
        case each if each == Verdict.BETTER:
            return [f"Trained in {BFLOAT16} it ends better."]
        case each if each == Verdict.SAME:
            return [f"Training in {BFLOAT16} makes no difference that matters."]
    return [f"Whether training in {BFLOAT16} costs anything is undecided."]
