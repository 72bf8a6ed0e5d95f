"""How can I tell whether it is numerics? Rounding beside the noise of the text, and number types raced."""

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
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.experiment.trial import Look, Stage, Trial
from engine.questions.phrases import between, count, nats, number, percent, row, rule, signed, word
from engine.questions.question import CHARS, NATS, SHARE, Answer, Row
from engine.race.plan import Plan, Variant, seeded
from engine.race.result import BETTER, SAME, WORSE
from engine.race.statistics.interval import Interval, interval
from engine.settings import Settings

FLOAT32, BFLOAT16 = "float32", "bfloat16"
TYPES = (FLOAT32, BFLOAT16)
SEEDS, RACE_SEEDS = 3, 6

SHIFT = 3e7
"""Added to every logit it changes no probability, but float32 has no digits left for them: numerics gone wrong."""

PLANTED = f"{FLOAT32}, logits + {SHIFT:g}"
DROWNED = 0.1
"""A rounding error is drowned where it is smaller than such a share of the noise."""


@dataclass(frozen=True, slots=True)
class Errors:
    """What a number type costs, the worst of all networks; see the instrument of that name.

    Attributes:
        kind: the number type, or what was planted.
        loss: error of the loss, as a share of it.
        gradient: error of the gradient, as a share of its norm; inf where it is not finite.
        non_finite: share of the numbers that are not finite.
        subnormal: share of the gradient's numbers that are subnormal.
        lost: share of the gradient's numbers that are zero although in float64 they are not.
    """

    kind: str
    loss: float
    gradient: float
    non_finite: float
    subnormal: float
    lost: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured.

    Attributes:
        settings: of the first network.
        runs: the measured trainings.
        chars: characters of each.
        types: the number types that this machine has.
        planted: the known fault.
        noise: what of one update's gradient differs from update to update, as a share of it; None if unknown.
        race: the race's name; empty where there was none.
        race_chars: characters of each of its trainings.
        difference: loss in bfloat16 less loss in float32.
        losses: in float32 and in bfloat16.
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
    """What was measured, from the lab."""
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
        # What is no finite number was stored as None, or as something huge.
        return max(float(value) if isinstance(value, int | float) and value < 1e299 else math.inf for value in values)

    return Errors(kind, *(worst(name) for name in ("loss_error", "gradient_error", "non_finite", "subnormal", "lost")))


def answer(what: Evidence) -> Answer:
    """From the evidence to words."""
    settings = what.settings
    raced = (
        (
            f"; then {FLOAT32} raced against {BFLOAT16}, {what.race_chars:,} characters each, "
            f"{count(what.difference.pairs, 'seed')}"
        )
        if what.race
        else f"; this machine has no {settings.cell} in {BFLOAT16}"
    )
    networks = count(len(what.runs), "network") if what.runs else "no network, in the time that there was,"
    places = (
        f"At one place of {count(len(what.runs), 'training')}, after {what.chars:,} characters: numbers can "
        "go wrong later, which `charrnn-tui train` watches."
    )
    return Answer(
        did=(
            f"{networks} ({network_name(settings)}, {rule(settings)}) trained in "
            f"{FLOAT32} on {what.chars:,} characters; the gradient of one window of each computed in {FLOAT32}, "
            f"{BFLOAT16} and float64{raced}"
        ),
        rows=tuple(_rows(what)),
        says=" ".join(_says(what)),
        limits=(
            *((places,) if what.runs else ()),
            f"In {BFLOAT16} the products alone are rounded so; weights, sums and the loss stay in {FLOAT32}.",
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


def _says(what: Evidence) -> list[str]:
    if not what.types:
        if what.difference.pairs:
            return [_race(what), "Rounding itself was not measured in time."]
        return ["Nothing was measured in time."]
    said = ["By computing the same window once more in float64, beside which rounding shows."]
    said += [_type(each, what.noise) for each in what.types]
    if what.planted is not None:
        said.append(_planted(what.planted, what.types[0]))
    if what.race:
        said.append(_race(what))
    said.append(_verdict(what))
    return said


def _type(each: Errors, noise: float | None) -> str:
    if not math.isfinite(each.gradient):
        return f"In {each.kind} the gradient is not finite."
    said = (
        f"In {each.kind} the gradient is off by {number(each.gradient)} of its size and the loss by {number(each.loss)}"
    )
    if each.non_finite:
        said += f", and {percent(each.non_finite)} of the numbers are not finite"
    if noise and each.gradient:
        said += (
            f"; the text alone makes one update's gradient differ from the next one's by {number(noise)} of "
            f"its size, which is {number(noise / each.gradient)} times as much"
        )
    return f"{said}."


def _planted(each: Errors, usual: Errors) -> str:
    """What the same looks like where it is known to be numerics."""
    wrong = "is not finite" if not math.isfinite(each.gradient) else f"is off by {number(each.gradient)} of its size"
    clearer = each.gradient > 10 * usual.gradient
    verdict = "so that this measurement does show it" if clearer else "so that this measurement would not have shown it"
    return (
        f"With {SHIFT:g} added to every logit, which changes no probability and leaves {FLOAT32} no digits "
        f"for them, the gradient {wrong}: {verdict}."
    )


def _race(what: Evidence) -> str:
    found_word, at = word(what.difference), what.difference
    if not at.pairs:
        return "The race of the number types was not done in time."
    match found_word:
        case each if each == SAME:
            return f"Trained in {BFLOAT16} instead of {FLOAT32} nothing changes that matters ({between(at)})."
        case each if each in (BETTER, WORSE):
            much = f"by {nats(at.estimate)} nats" if math.isfinite(at.estimate) else "since it diverges"
            return f"Trained in {BFLOAT16} it ends {each} than in {FLOAT32}, {much} ({between(at)})."
    return (
        f"Whether training in {BFLOAT16} ends elsewhere than in {FLOAT32} is undecided: {signed(at.estimate)} "
        f"nats ({between(at)})."
    )


def _verdict(what: Evidence) -> str:
    first = what.types[0]
    if first.non_finite or not math.isfinite(first.gradient):
        return f"Here it is numerics already in {FLOAT32}."
    if what.noise is None:
        return "Beside the noise of the text it could not be placed."
    drowned = first.gradient < DROWNED * what.noise
    if drowned:
        said = f"So in {FLOAT32} it is not numerics here: rounding is drowned by the noise of the text."
    else:
        said = f"So in {FLOAT32} rounding is not drowned by the noise of the text: it can be numerics here."
    coarse = next((each for each in what.types if each.kind == BFLOAT16), None)
    if coarse is None or not what.race:
        return said
    if word(what.difference) == WORSE:
        return f"{said} In {BFLOAT16} it costs something: train in {FLOAT32}."
    if not coarse.gradient < DROWNED * what.noise:
        return f"{said} In {BFLOAT16} rounding is not small beside that noise: there it is worth looking again."
    return said
