"""Is clipping helping? The same trainings with and without it, also at a learning rate that is too high."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from engine.budget import Budget
from engine.lab import Lab
from engine.network.model import network_name
from engine.numbers import counted, mean
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.phrases import listed, number, percent, row, rule, word
from engine.questions.question import NATS, SHARE, TIMES, Answer, Row
from engine.race.plan import Plan, Variant
from engine.race.result import Verdict
from engine.race.statistics.interval import Interval
from engine.settings import LARGEST, Settings

BOUND = 1.0
"""The clip bound that is tried."""

FASTER = 5
"""The factor on the learning rate in the case where clipping should have something to guard against."""

SEEDS = 6
RULE = ("streams", "bptt", "targets")
OFF, ON = 0, 1
RISEN = 0.05
"""A training has gone wrong where its last validation loss is this many nats above its lowest."""

OFTEN = 0.5
"""Clipping that cuts a larger share of the updates is not a guard against rare spikes."""


@dataclass(frozen=True, slots=True)
class Case:
    """The evidence of one race between clipping off and on.

    Attributes:
        race: the race's name in the lab.
        what: the case in a few words.
        settings: the settings that both variants share.
        chars: the characters of each training.
        difference: the loss with clipping minus the loss without it.
        losses: the mean validation loss without clipping and with it; infinite where a training diverged.
        rises: the mean rise of the last validation loss over the lowest one, without clipping and with it; infinite
            where a training diverged.
        diverged: the number of trainings that diverged, without clipping and with it.
        clipped: the share of the updates that were clipped.
        factor: the median factor on a clipped gradient, the mean over the points; 1 where no update was clipped.
        norm: the mean gradient norm without clipping.
        largest: the largest gradient norm without clipping.
        rate: the effective learning rate with clipping, as a multiple of that without.
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
    """Race clipping on against off by the rules `random-step` and `standard`, and at a higher learning rate."""
    experiments.need(42)
    rules = [(rule_of, experiments.settings(rule_of)) for rule_of in ("random-step", "standard")]
    if any(name in experiments.given for name in RULE):
        rules = [("your rule", rules[-1][1])]
    first, base = rules[0]
    faster = (f"{first}, rate × {FASTER}", replace(base, lr=min(LARGEST, base.lr * FASTER)))
    rules.append(faster)
    paces = experiments.paces(*(settings for _, settings in rules))
    there_is_time = experiments.affordable(paces, 2)
    left_out = [what for what, _ in rules[there_is_time:]]
    rules, paces = rules[:there_is_time], paces[:there_is_time]
    cases = []
    for place, ((what, settings), pace) in enumerate(zip(rules, paces, strict=True)):
        seconds = experiments.left / (len(rules) - place)
        chars = experiments.chars(pace, seconds, 2 * SEEDS)
        variants = (Variant("clip off", {"clip": None}), Variant(f"clip {BOUND:g}", {"clip": BOUND}))
        plan = Plan(settings=settings, variants=variants, budget=Budget(chars=chars))
        race = experiments.race(plan, f"clipping off and at {BOUND:g}, {what}", seconds)
        cases.append(case(experiments.lab, race, what))
    return answer(cases, left_out)


def case(lab: Lab, name: str, what: str) -> Case:
    """The evidence of one race, from the lab; `what` is the case in a few words."""
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
    """The answer that follows from the evidence; `left_out` are the cases for which there was no time."""
    settings = cases[0].settings
    return Answer(
        answer=_verdict(cases),
        reason=" ".join([*_what_it_does(cases), *_when(cases)]),
        rows=tuple(line for each in cases for line in _rows(each)),
        limits=(
            f"No bound but {BOUND:g} was tried: a bound far above the norms in the table cuts nothing.",
            "A rare event of a longer training was not seen.",
            _optimiser(settings),
            *([f"There was no time for {listed(left_out)}."] if left_out else []),
        ),
        did=f"Clipping off was raced against clipping the norm at {BOUND:g}, from fresh networks on the same text.",
        conditions=(
            ("network", network_name(settings)),
            *((each.what, f"{rule(each.settings)}; {_length(each)}") for each in cases),
        ),
        races=tuple(each.race for each in cases),
    )


def _length(each: Case) -> str:
    return f"{each.chars:,} characters, {counted(each.difference.pairs, 'seed')}"


def _rows(each: Case) -> list[Row]:
    seeds, what = each.difference.pairs, each.what
    if not seeds:
        return [row(f"{what}: clip {BOUND:g} less off", each.difference, each.race)]
    return [
        row(f"{what}: clip {BOUND:g} less off", each.difference, each.race),
        Row(f"{what}: validation loss, off", each.losses[OFF], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: validation loss, clip {BOUND:g}", each.losses[ON], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: its rise over the lowest, off", each.rises[OFF], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: its rise over the lowest, clip {BOUND:g}", each.rises[ON], NATS, seeds=seeds, source=each.race),
        Row(f"{what}: updates cut", each.clipped, SHARE, seeds=seeds, source=each.race),
        Row(f"{what}: what a cut gradient is multiplied with", each.factor, TIMES, seeds=seeds, source=each.race),
        Row(f"{what}: mean norm, off", each.norm, seeds=seeds, source=each.race),
        Row(f"{what}: largest norm, off", each.largest, seeds=seeds, source=each.race),
        Row(f"{what}: effective rate, clip {BOUND:g} / off", each.rate, TIMES, seeds=seeds, source=each.race),
        *(
            Row(f"{what}: trainings that diverged, {name}", diverged, seeds=seeds, source=each.race)
            for name, diverged in zip(("off", f"clip {BOUND:g}"), each.diverged, strict=True)
            if any(each.diverged)
        ),
    ]


def _verdict(cases: list[Case]) -> str:
    """The answer at the user's own learning rate; the higher rate belongs to the reason."""
    plain = [each for each in cases if not _is_faster(each)]
    done = [each for each in plain if each.difference.pairs]
    if not done:
        return "Undecided: no pair of trainings was done in time."
    if all(_idle(each) for each in done):
        return "No: no gradient was large enough to be clipped."
    helps, hurts = (
        [each.what for each in done if word(each.difference) == which] for which in (Verdict.BETTER, Verdict.WORSE)
    )
    if helps and hurts:
        return f"Yes with {listed(helps)}: there clipping helps, and it makes {listed(hurts)} worse."
    if helps:
        return f"Yes: clipping helps with {listed(helps)}."
    if hurts:
        return f"No: clipping makes {listed(hurts)} worse."
    if all(_idle(each) or word(each.difference) == Verdict.SAME for each in done):
        return "No: clipping makes no difference that matters."
    return "Undecided: the effect of clipping cannot be told from chance."


def _is_faster(each: Case) -> bool:
    return "×" in each.what


def _idle(each: Case) -> bool:
    """Whether no update was clipped, so that both variants are equal and need no statistics."""
    return bool(each.difference.pairs) and each.clipped == 0


def _what_it_does(cases: list[Case]) -> list[str]:
    """The effect of clipping on the gradients in the first case that has any, at the user's own learning rate."""
    done = [each for each in cases if each.difference.pairs and not _is_faster(each)]
    acting = next((each for each in done if not _idle(each)), None)
    if acting is None:
        return [f"The largest norm was {number(max(each.largest for each in done))}."] if done else []
    cut = f"With {acting.what} it cuts {percent(acting.clipped)} of the updates"
    if acting.clipped > OFTEN:
        return [f"{cut}: it shortens usual gradients, and is no guard against rare spikes."]
    spike = acting.largest / acting.norm if acting.norm else math.nan
    return [f"{cut}; the largest norm is {number(spike)} times the mean norm."]


def _when(cases: list[Case]) -> list[str]:
    """The result at the higher learning rate."""
    fast = next((each for each in cases if _is_faster(each)), None)
    if fast is None or not fast.difference.pairs:
        return []
    wrong = fast.rises[OFF] > RISEN or fast.diverged[OFF]
    head = f"At {FASTER} times the learning rate the training {'goes wrong' if wrong else 'does not go wrong'}, and"
    return [
        {
            Verdict.BETTER: f"{head} clipping helps there.",
            Verdict.WORSE: f"{head} clipping makes it worse there as well.",
            Verdict.SAME: f"{head} clipping changes nothing that matters there.",
            Verdict.UNDECIDED: f"{head} whether clipping helps there is undecided.",
        }[word(fast.difference)]
    ]


def _optimiser(settings: Settings) -> str:
    if settings.optimizer == "sgd":
        return "With sgd a cut gradient is a shorter step; adam and rmsprop undo a cut that is always the same."
    return (
        f"{settings.optimizer} divides by the gradient's recent size, so that the same cut at every update changes "
        "nothing; with sgd it would be a lower learning rate."
    )
