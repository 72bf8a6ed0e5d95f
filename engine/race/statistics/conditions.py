"""Unintended differences between variants, each of which may be the reason why one is ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from engine.race.plan import Plan
from engine.race.result import Lane
from engine.windows import LAST

COSTS_NOTHING = frozenset({"lr", "clip", "clip_by", "weight_decay", "warmup", "seed"})
"""Settings whose values all take the same time."""

WORTH_SAYING = 1.1
"""The smallest ratio between two variants that is mentioned."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions under which a variant was trained, each the mean over its seeds.

    Attributes:
        updates: updates per character.
        targets: targets per character.
        rate: the effective learning rate times the updates per character.
        speed: characters per second.
    """

    updates: float
    targets: float
    rate: float
    speed: float


def conditions(plan: Plan, lanes: Sequence[Lane]) -> dict[int, Conditions]:
    """The conditions of each variant that has been measured."""
    found: dict[int, Conditions] = {}
    for variant in range(len(plan.variants)):
        settings = plan.chosen(variant)
        ends = [(lane, lane.rungs[-1]) for lane in lanes if lane.variant == variant and lane.rungs]
        if not ends:
            continue
        updates = fmean(end.updates / end.chars for _, end in ends)
        targets = updates * settings.streams if settings.targets == LAST else 1.0
        speed = fmean(end.chars / end.seconds if end.seconds else 0.0 for _, end in ends)
        found[variant] = Conditions(updates, targets, updates * fmean(lane.rate for lane, _ in ends), speed)
    return found


def confounds(plan: Plan, lanes: Sequence[Lane]) -> Iterator[str]:
    """A sentence for each unintended difference from the first variant."""
    found = conditions(plan, lanes)
    first = found.get(0)
    if first is None:
        return
    varied = set(plan.varied())
    for variant in sorted(found.keys() - {0}):
        mine, label = found[variant], plan.variants[variant].label
        yield from _said(f"{label} makes", mine.updates, first.updates, "as many updates per character")
        if "targets" not in varied:
            yield from _said(f"{label} learns from", mine.targets, first.targets, "as many targets per character")
        if "lr" not in varied:
            what = "the learning rate per character (the effective learning rate times the updates)"
            yield from _said(f"{label} has", mine.rate, first.rate, what)
        for words in _said(f"{label} reads", mine.speed, first.speed, "as many characters per second"):
            own = varied <= COSTS_NOTHING
            yield f"{words}, though no value takes more time than another: the machine is the reason" if own else words
    yield from _warming_up(plan, lanes)


def _warming_up(plan: Plan, lanes: Sequence[Lane]) -> Iterator[str]:
    """A sentence for each variant that ended within its warm-up, before its learning rate had risen to its setting."""
    begun = plan.origin.update if plan.origin else 0
    for variant, each in enumerate(plan.variants):
        warmup = plan.chosen(variant).warmup
        ends = [
            begun + lane.rungs[-1].updates for lane in lanes if lane.variant == variant and lane.done and lane.rungs
        ]
        if ends and max(ends) < warmup:
            yield (
                f"{each.label} ended at update {max(ends):,}, within the warm-up of {warmup:,}: "
                "its learning rate was still rising; train on more characters to test the rate itself"
            )


def _said(begin: str, mine: float, first: float, what: str) -> Iterator[str]:
    if mine <= 0 or first <= 0:
        return
    ratio = mine / first
    if max(ratio, 1 / ratio) >= WORTH_SAYING:
        yield f"{begin} {ratio:.3g} times {what}"
