"""Does drawing each window's length at random help? A race between length laws with the same mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.budget import Budget
from engine.lab import Lab
from engine.network.model import network_name
from engine.numbers import counted
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.phrases import listed, percent, row, word
from engine.questions.question import CHARS, NATS, SHARE, Answer, Row
from engine.race.plan import Plan, Variant
from engine.race.result import Verdict
from engine.race.statistics.interval import Interval
from engine.settings import Settings
from engine.windows import LAST, LengthLaw

MEAN = 10
LAWS = (f"{MEAN}", f"geom:{MEAN}", f"1-{2 * MEAN - 1}")
"""The length laws, of which the first is compared with the others; all have the same mean characters per update."""

NAMES = {"all": "every character a target", "last": "the last one alone a target"}
SEEDS = 6
FEWER = 1.1
"""The smallest ratio, random to fixed, of the characters that are ever a target that is mentioned."""


@dataclass(frozen=True, slots=True)
class Case:
    """The evidence of one race.

    Attributes:
        race: the race's name in the lab.
        targets: the targets of its variants, `all` or `last`.
        settings: the settings that its variants share.
        chars: the characters of each training.
        losses: the mean validation loss of each law; None where no training was done in time.
        differences: the loss of each other law minus that of the first.
        fixed: the share of the text's characters that are ever a target with the first law.
        drawn: about the same share with the other laws.
    """

    race: str
    targets: str
    settings: Settings
    chars: int
    losses: tuple[float | None, ...]
    differences: tuple[Interval, ...]
    fixed: float
    drawn: float


def investigate(experiments: Experiments) -> Answer:
    """Race the laws, with every character a target and with the last one alone."""
    experiments.need(4 * MEAN)
    rules = [
        experiments.settings("random-step", targets=targets, clip=experiments.given.get("clip")) for targets in NAMES
    ]
    paces = experiments.paces(*rules)
    rules = rules[: experiments.affordable(paces, len(LAWS))]
    paces = paces[: len(rules)]
    names = []
    for place, (settings, pace) in enumerate(zip(rules, paces, strict=True)):
        seconds = experiments.left / (len(rules) - place)
        chars = experiments.chars(pace, seconds, SEEDS * len(LAWS))
        variants = tuple(Variant(f"bptt {law}", {"bptt": LengthLaw.parse(law)}) for law in LAWS)
        plan = Plan(settings=settings, variants=variants, budget=Budget(chars=chars))
        names.append(experiments.race(plan, f"windows of {', '.join(LAWS)}, {NAMES[settings.targets]}", seconds))
    length = len(experiments.corpus.training)
    return answer([case(experiments.lab, name, length) for name in names])


def case(lab: Lab, name: str, length: int) -> Case:
    """The evidence of one race, from the lab; `length` is that of the text's training split."""
    raced = found.race(lab, name)
    settings = raced.plan.settings
    chars = raced.plan.budget.chars or 0
    fixed, drawn = targets(length, chars / length) if settings.targets == LAST else (1.0, 1.0)
    return Case(
        race=name,
        targets=settings.targets,
        settings=settings,
        chars=chars,
        losses=tuple(raced.mean(variant, lambda each: each.loss) for variant in range(len(LAWS))),
        differences=tuple(raced.difference(variant, 0) for variant in range(1, len(LAWS))),
        fixed=fixed,
        drawn=drawn,
    )


def targets(length: int, passes: float) -> tuple[float, float]:
    """The share of a text's characters that is ever the last one of a window: of fixed windows, and of random ones.

    Fixed windows whose length divides that of the text end at the same places in each pass.
    """
    return min(passes / MEAN, 1 / math.gcd(MEAN, length)), 1 - (1 - 1 / MEAN) ** passes


def answer(cases: list[Case]) -> Answer:
    """The answer that follows from the evidence."""
    settings = cases[0].settings
    return Answer(
        answer=_verdict(cases),
        reason=_reason(cases),
        rows=tuple(line for each in cases for line in _rows(each)),
        limits=(
            "The answer is for one network, one learning rate and one length of training.",
            f"What random lengths do to windows much longer than {MEAN} was not tried.",
            *([f"There was no time for {NAMES['last']}."] if len(cases) < len(NAMES) else []),
        ),
        did=f"Windows of {listed([f'`{law}`' for law in LAWS])} were raced from fresh networks on the same text.",
        conditions=(
            ("network", network_name(settings)),
            ("training", f"{counted(settings.streams, 'stream')}, {settings.optimizer} at {settings.lr:g}"),
            *(
                (NAMES[each.targets], f"{each.chars:,} characters, {counted(each.differences[0].pairs, 'seed')}")
                for each in cases
            ),
        ),
        races=tuple(each.race for each in cases),
    )


def _rows(found: Case) -> list[Row]:
    targets = found.targets
    rows = [
        Row(f"validation loss, {law}, {targets}", loss, NATS, seeds=found.differences[0].pairs, source=found.race)
        for law, loss in zip(LAWS, found.losses, strict=True)
    ]
    rows += [
        row(f"{law} less {LAWS[0]}, {targets}", difference, found.race)
        for law, difference in zip(LAWS[1:], found.differences, strict=True)
    ]
    if targets == LAST:
        rows.append(Row(f"characters that are ever a target, {LAWS[0]}", found.fixed, SHARE))
        rows.append(Row("characters that are ever a target, random lengths", found.drawn, SHARE))
    return [*rows, Row(f"characters of each training, {targets}", found.chars, CHARS, source=found.race)]


def _verdict(cases: list[Case]) -> str:
    words = [word(each) for case in cases for each in case.differences]
    if all(each == Verdict.SAME for each in words):
        return "No: random lengths make no difference that matters."
    better, worse = words.count(Verdict.BETTER), words.count(Verdict.WORSE)
    if better and not worse:
        return f"Yes: random lengths are better in {better} of {len(words)} comparisons."
    if worse and not better:
        return f"No: random lengths are worse in {worse} of {len(words)} comparisons."
    if better and worse:
        return "Undecided: random lengths are better in some comparisons, and worse in others."
    return "Undecided: no comparison shows a difference."


def _reason(cases: list[Case]) -> str:
    said = "All three give as many updates and targets per character, so that only the randomness differs."
    if meeting := next((each for each in cases if each.drawn > FEWER * each.fixed), None):
        said += (
            f" Windows of {LAWS[0]} end at the same places in each pass over this text, so that only "
            f"{percent(meeting.fixed)} of its characters are ever a target."
        )
    return said
