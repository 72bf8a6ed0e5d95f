"""Is clipping helping? The same trainings with it and without it, also where the rate is too high."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from engine.budget import Budget
from engine.lab import Lab
from engine.mean import mean
from engine.network.model import network_name
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.phrases import between, compared, count, listed, nats, number, percent, row, rule, word
from engine.questions.question import NATS, SHARE, TIMES, Answer, Row
from engine.race.plan import Plan, Variant
from engine.race.result import BETTER, SAME, UNDECIDED, WORSE
from engine.race.statistics.interval import Interval
from engine.settings import Settings

BOUND = "1"
"""The bound that is tried."""

FASTER = 5
"""How many times the rate is raised for the case in which clipping should have something to guard against."""

SEEDS = 6
RULE = ("streams", "bptt", "targets")
OFF, ON = 0, 1
RISEN = 0.05
"""By so many nats is a training said to have climbed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One race of clipping off against on.

    Attributes:
        race: its name in the lab.
        what: the case in a few words.
        settings: what both share.
        chars: characters of each training.
        difference: loss with clipping less loss without it.
        losses: the mean validation loss without it and with it; infinite where a training diverged.
        rises: the mean of what the last validation loss is above the lowest one, likewise.
        diverged: how many trainings diverged, likewise.
        clipped: share of the updates that were cut.
        factor: the median of what these were multiplied with, the mean over the points; 1 where none was cut.
        norm: the mean norm without clipping.
        largest: the largest norm without clipping.
        rate: the effective rate with clipping, as a multiple of that without.
    """

    race: str
    what: str
    settings: Settings
    chars: int
    difference: Interval
    losses: tuple[float, float]
    rises: tuple[float, float]
    diverged: tuple[int, int]
    clipped: float
    factor: float
    norm: float
    largest: float
    rate: float


def investigate(experiments: Experiments) -> Answer:
    """Race clipping on against off under the blog's rule, at a higher rate, and under the standard one."""
    experiments.need(42)
    rules = [(rule_of, experiments.settings(rule_of)) for rule_of in ("random-step", "standard")]
    if any(name in experiments.given for name in RULE):
        rules = [("your rule", rules[-1][1])]
    first, base = rules[0]
    faster = (f"{first}, rate × {FASTER}", base.with_text("lr", f"{min(1_000.0, base.lr * FASTER):g}"))
    rules.append(faster)
    paces = experiments.paces(*(settings for _, settings in rules))
    there_is_time = experiments.affordable(paces, 2)
    left_out = [what for what, _ in rules[there_is_time:]]
    rules, paces = rules[:there_is_time], paces[:there_is_time]
    cases = []
    for place, ((what, settings), pace) in enumerate(zip(rules, paces, strict=True)):
        seconds = experiments.left / (len(rules) - place)
        chars = experiments.chars(pace, seconds, 2 * SEEDS)
        variants = (Variant("clip off", {"clip": "off"}), Variant(f"clip {BOUND}", {"clip": BOUND}))
        plan = Plan(settings=settings, variants=variants, budget=Budget(chars=chars))
        race = experiments.race(plan, f"clipping off and at {BOUND}, {what}", seconds)
        cases.append(case(experiments.lab, race, what))
    return answer(cases, left_out)


def case(lab: Lab, name: str, what: str) -> Case:
    """What a race came to, from the lab."""
    raced = found.race(lab, name)
    pairs = raced.pairs(OFF, ON)
    off, on = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    cut = [point for each in on for point in each.points]
    uncut = [point for each in off for point in each.points]
    factors = [point.clip_factor for point in cut if point.clipped]
    rates = [each.lane.rate for each in on], [each.lane.rate for each in off]
    return Case(
        race=name,
        what=what,
        settings=raced.plan.settings,
        chars=raced.plan.budget.chars or 0,
        difference=raced.difference(ON, OFF),
        losses=(mean([each.loss for each in off]), mean([each.loss for each in on])),
        rises=(mean([each.rise for each in off]), mean([each.rise for each in on])),
        diverged=(sum(bool(each.lane.broken) for each in off), sum(bool(each.lane.broken) for each in on)),
        clipped=found.share_clipped(cut),
        factor=fmean(factors) if factors else 1.0,
        norm=found.typical_norm(uncut),
        largest=found.largest_norm(uncut),
        rate=mean(rates[0]) / mean(rates[1]) if pairs and mean(rates[1]) else math.nan,
    )


def answer(cases: list[Case], left_out: Sequence[str] = ()) -> Answer:
    """From the evidence to words."""
    settings = cases[0].settings
    return Answer(
        did=(
            f"{network_name(settings)}: clipping off raced against clipping the norm at {BOUND}, from fresh "
            "networks on the same text; "
        )
        + "; ".join(
            f"{each.what} ({rule(each.settings)}), {each.chars:,} characters, {count(each.difference.pairs, 'seed')}"
            for each in cases
        ),
        rows=tuple(line for each in cases for line in _rows(each)),
        says=" ".join([_verdict(cases), *(_sentence(each) for each in cases), *_when(cases)]),
        limits=(
            f"Other bounds than {BOUND} were not tried: at a bound far above the norms that are listed nothing is cut.",
            (
                f"Trainings of at most {max(each.chars for each in cases):,} characters: what happens once in a "
                "longer one was not seen."
            ),
            *_optimiser(settings),
            *([f"There was no time for {listed(left_out)}."] if left_out else []),
        ),
        races=tuple(each.race for each in cases),
    )


def _rows(each: Case) -> list[Row]:
    seeds, what = each.difference.pairs, each.what
    if not seeds:
        return [row(f"{what}: clip {BOUND} less off", each.difference, each.race)]
    return [
        row(f"{what}: clip {BOUND} less off", each.difference, each.race),
        Row(f"{what}: validation loss, off", each.losses[OFF], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: validation loss, clip {BOUND}", each.losses[ON], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: its rise over the lowest, off", each.rises[OFF], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: its rise over the lowest, clip {BOUND}", each.rises[ON], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: updates cut", each.clipped, SHARE, seeds=seeds, source=each.race),
        Row(f"{what}: what a cut gradient is multiplied with", each.factor, TIMES, seeds=seeds, source=each.race),
        Row(f"{what}: mean norm, off", each.norm, seeds=seeds, source=each.race),
        Row(f"{what}: largest norm, off", each.largest, seeds=seeds, source=each.race),
        Row(f"{what}: effective rate, clip {BOUND} / off", each.rate, TIMES, seeds=seeds, source=each.race),
    ]


def _verdict(cases: list[Case]) -> str:
    """The case of the user's own rate first."""
    plain = [each for each in cases if "×" not in each.what]
    words = {
        BETTER: "helps",
        WORSE: "hurts",
        SAME: "makes no difference that matters",
        UNDECIDED: "has an effect that cannot be told from chance",
    }
    said = [
        "never acts"
        if _idle(each)
        else words[word(each.difference)]
        if each.difference.pairs
        else "was not tried in time"
        for each in plain
    ]
    return "Clipping: " + listed([f"with {each.what} it {what}" for each, what in zip(plain, said, strict=True)]) + "."


def _idle(each: Case) -> bool:
    """Whether not one update was cut, so that both trainings are the same without any statistics."""
    return bool(each.difference.pairs) and each.clipped == 0


def _sentence(each: Case) -> str:
    head = f"{each.what[0].upper()}{each.what[1:]}: "
    if not each.difference.pairs:
        return f"{head}no pair of trainings was done in time."
    if _idle(each):
        return (
            f"{head}not one update had a norm above {BOUND} (the largest {number(each.largest)}), so that "
            "clipping never acted and both trainings are the same."
        )
    said = head + compared("clipping", "no clipping", each.difference) + " " + _what_it_does(each)
    if any(each.diverged):
        of = count(each.difference.pairs, "training")
        said += f" Of {of} each, {each.diverged[OFF]} diverged without it and {each.diverged[ON]} with it."
    return said


def _what_it_does(each: Case) -> str:
    cut = f"It cuts {percent(each.clipped)} of the updates"
    spike = each.largest / each.norm if each.norm else math.nan
    if each.clipped > 0.5:
        return (
            f"{cut}, to {number(each.factor)} of their length (the mean norm is {number(each.norm)}), so that "
            "it is no guard against rare spikes but makes most gradients equally long, whatever they say."
        )
    return (
        f"{cut}, to {number(each.factor)} of their length; the largest norm is {number(spike)} times the mean "
        f"of {number(each.norm)}."
    )


def _when(cases: list[Case]) -> list[str]:
    """What the higher rate shows."""
    fast = next((each for each in cases if "×" in each.what), None)
    if fast is None or not fast.difference.pairs:
        return []
    climbed = fast.rises[OFF] > RISEN or fast.diverged[OFF]
    risen = (
        f"its validation loss ends {nats(fast.rises[OFF])} above its lowest"
        if math.isfinite(fast.rises[OFF])
        else f"{fast.diverged[OFF]} of {fast.difference.pairs} diverge"
    )
    harm = f"At {FASTER} times the rate the training {'goes wrong' if climbed else 'does not go wrong'} ({risen})"
    now = word(fast.difference)
    if now == BETTER:
        return [(f"{harm}, and there clipping is a help ({between(fast.difference)}): it is worth having where "
"the rate is too high.")]  # fmt: skip
    if now == WORSE:
        return [f"{harm}, and clipping is worse there as well: it does not mend a rate that is too high on this text."]
    if now == SAME:
        return [f"{harm}, and clipping changes nothing that matters there."]
    return [f"{harm}; whether clipping helps there is undecided."]


def _optimiser(settings: Settings) -> tuple[str, ...]:
    if settings.optimizer == "sgd":
        return ("With sgd a cut gradient is a shorter step; adam and rmsprop undo a cut that is always the same.",)
    return (
        (
            f"{settings.optimizer} divides by the gradient's recent size, so that a cut which is the same at every "
            "update changes nothing; with sgd it would be a lower rate."
        ),
    )
