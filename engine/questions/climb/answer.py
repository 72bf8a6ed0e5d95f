"""The answer on a climb: whether there is one, which change removes it, and how it is possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from engine.diagnosis.thresholds import LEAST_RISE
from engine.network.model import network_name
from engine.numbers import mean
from engine.questions.climb.evidence import (
    CHANGED,
    CLIPPED,
    ELSEWHERE,
    LEVEL,
    SHUFFLED,
    SLOWER,
    Course,
    Evidence,
    Group,
    difference,
    lowest,
)
from engine.questions.phrases import listed, nats, number, percent, row, rule
from engine.questions.question import CHARS, NATS, SHARE, TIMES, TOO_LATE, Answer, Row


def answer(what: Evidence) -> Answer:
    """The answer that follows from the evidence."""
    settings = what.settings
    groups = [*what.rates, *(each for each in what.changes if each.what != SLOWER or what.chosen == 0)]
    conditions = [
        ("network", f"{network_name(settings)}, {rule(settings)}, no clipping"),
        ("learning rates", listed([f"{each.rate:g}" for each in what.rates])),
        ("length", f"{what.chars:,} characters"),
        ("seeds", f"{len({seed for each in what.rates for seed in each.courses})}"),
    ]
    if what.chosen is not None:
        conditions.append((f"changed at {what.rates[what.chosen].rate:g}", listed(list(CHANGED.values()))))
    return Answer(
        answer=_verdict(what),
        reason=" ".join(_reason(what)),
        rows=tuple(_rows(what)),
        limits=(
            "A climb that begins later was not seen.",
            f"A climb counts where the loss at fixed places rose by {LEAST_RISE:g} nats, and out of its scatter.",
            "That a change removes the climb shows that it is enough, not that nothing else would remove it.",
        ),
        did=(
            "Networks were trained on the text in its order at ascending learning rates; then, at the lowest rate at "
            "which the loss climbs, with one thing changed at a time."
        ),
        conditions=tuple(conditions),
        runs=tuple(each.run for group in groups for each in group.courses.values()),
    )


def _rows(what: Evidence) -> list[Row]:
    rows: list[Row] = []
    for place, each in enumerate(what.rates):
        rows += _losses(f"rate {each.rate:g}", each)
        if what.chosen is None or place in (what.chosen, what.chosen - 1):
            rows += _steps(f"rate {each.rate:g}", each)
    for each in what.changes:
        usual = what.rates[what.chosen or 0]
        name = f"rate {usual.rate:g}, {each.what}"
        if each.what != SLOWER or what.chosen == 0:
            rows += _losses(name, each)
        if each.what == CLIPPED:
            rows.append(_row(f"{name}: an update moves the weights by", each.mean("ratio"), SHARE, each))
        rows.append(row(f"{name}: loss at the end less as it is", difference(each, usual), _source(each)))
    if courses := _without_climb(what.rates):
        largest = max(course.end - lowest(course.seen) for course in courses)
        runs = ", ".join(course.run for course in courses)
        rows.append(Row("largest rise that is no climb", largest, NATS, seeds=len(courses), source=runs))
    return [*rows, Row("characters of each training", what.chars, CHARS)]


def _losses(name: str, each: Group) -> list[Row]:
    """The rows on whether the loss climbs, and by how much."""
    if not each.courses:
        return [Row(f"{name}: trainings that climb", None, SHARE)]
    courses = list(each.courses.values())
    lows = [lowest(course.seen) for course in courses if course.seen]
    return [
        _row(f"{name}: trainings that climb", each.climbed / len(courses), SHARE, each),
        _row(f"{name}: lowest loss at fixed places", mean(lows), NATS, each),
        _row(f"{name}: the same at the end", fmean(course.end for course in courses), NATS, each),
        _row(f"{name}: held-out text, rise over its lowest", _mean_rise(courses, "held_out"), NATS, each),
        _row(f"{name}: text being read, rise over its lowest", _mean_rise(courses, "reading"), NATS, each),
    ]


def _steps(name: str, each: Group) -> list[Row]:
    """The rows on the updates: their size, their direction and their spikes."""
    return [
        _row(f"{name}: an update moves the weights by", each.mean("ratio"), SHARE, each),
        _row(f"{name}: growth of the weights", each.mean("growth"), TIMES, each),
        _row(f"{name}: rate × curvature / bound", each.mean("curvature"), "", each),
        _row(f"{name}: gradients' agreement from update to update", each.mean("signal"), SHARE, each),
        _row(f"{name}: largest norm / mean norm", each.mean("spike"), TIMES, each),
    ]


def _row(what: str, value: float, unit: str, each: Group) -> Row:
    return Row(what, None if math.isnan(value) else value, unit, seeds=len(each.courses), source=_source(each))


def _verdict(what: Evidence) -> str:
    known = [each for each in what.rates if each.courses]
    if not known:
        return TOO_LATE
    if what.chosen is None:
        return f"No: the loss does not climb on this text within {what.chars:,} characters."
    return _cause(what.changes, what.rates[what.chosen])


def _reason(what: Evidence) -> list[str]:
    """At most two sentences: whether the network or the text got worse, and how an update can do that."""
    known = [each for each in what.rates if each.courses]
    if not known:
        return []
    if what.chosen is None:
        return [*_other(known), *_within(known)][:2]
    usual = what.rates[what.chosen]
    return [_everywhere(usual), *_how(usual)]


def removes(each: Group, usual: Group) -> bool:
    """Whether a change removes the climb: at most a third of the share of trainings climbs, and they end lower."""
    at = difference(each, usual)
    if not at.pairs:
        return False
    share, before = each.climbed / len(each.courses), usual.climbed / len(usual.courses)
    return share <= before / 3 and at.estimate < 0


def _cause(changes: Sequence[Group], usual: Group) -> str:
    """The cause of the climb, told by the changes that remove it."""
    done = [each for each in changes if each.courses]
    removing = [each for each in done if removes(each, usual)]
    lower = [CHANGED[each.what] for each in done if difference(each, usual).high < 0]
    if not removing and lower:
        return f"Undecided: no change takes the climb away, but the loss ends lower with {listed(lower)}."
    if not removing:
        return "Undecided: no change that was done in time takes the climb away."
    names = {each.what for each in removing}
    cure = listed([CHANGED[each.what] for each in removing])
    takes = "take" if len(removing) > 1 else "takes"
    sure = any(difference(each, usual).high < 0 for each in removing)
    chance = "" if sure else "; with so few seeds that may be chance"
    if names == {SLOWER}:
        return f"Because the steps are too long: {cure} takes the climb away{chance}."
    if names == {CLIPPED}:
        return f"Because of the largest gradients: {cure} takes the climb away{chance}."
    if names <= {ELSEWHERE, SHUFFLED}:
        return f"Because of the order in which the text is read: {cure} {takes} the climb away{chance}."
    return f"Because of more than one thing: {cure} each take the climb away{chance}."


def _everywhere(usual: Group) -> str:
    """Whether the network got worse, or the text that it read got harder."""
    climbing = [course for course in usual.courses.values() if course.climbed and not course.broken]
    if not climbing:
        return "The numbers break before the places at which the loss is measured can tell more."
    seen = fmean(course.end - lowest(course.seen) for course in climbing)
    if _mean_rise(climbing, "held_out") > seen / 2:
        return "The network itself gets worse: the loss rises at places that it has read, and on held-out text as well."
    return "The loss rises at places that it has read, and hardly on held-out text."


def _how(usual: Group) -> list[str]:
    """How an update can raise the loss: by its size, or by following its own window alone."""
    curvature, signal, ratio = (usual.mean(name) for name in ("curvature", "signal", "ratio"))
    if curvature >= 1:
        return [f"Each step overshoots: rate times curvature is {number(curvature)} times what the optimiser bears."]
    if not math.isnan(signal):
        return [f"An update follows its own window alone: {percent(1 - signal)} of its gradient's square is noise."]
    if not math.isnan(ratio):
        return [f"An update follows its own window alone, and moves the weights by {percent(ratio)}."]
    return []


def _within(groups: Sequence[Group]) -> list[str]:
    """How far the loss at fixed places ends above its lowest level."""
    rises = [course.end - lowest(course.seen) for course in _without_climb(groups)]
    if not rises:
        return []
    highest = max(rises)
    if highest <= 0:
        return ["At fixed places it ends at its lowest level."]
    if highest < LEAST_RISE:
        return [f"At fixed places it ends at most {nats(highest)} nats above its lowest level."]
    return [f"Rises of up to {nats(highest)} nats are no larger than what the readings vary by."]


def _without_climb(groups: Sequence[Group]) -> list[Course]:
    return [course for each in groups for course in each.courses.values() if course.seen and not course.climbed]


def _other(groups: Sequence[Group]) -> list[str]:
    """Losses that rose without the network getting worse on what it had read."""
    courses = [course for each in groups for course in each.courses.values()]
    said = []
    if harder := sum(course.met_harder for course in courses):
        said.append(
            f"In {harder} of {len(courses)} trainings the text gets harder: the loss of what is being read rises, "
            "and at fixed places it does not."
        )
    if forgot := sum(course.forgot for course in courses):
        said.append(
            f"In {forgot} of {len(courses)} trainings only held-out text gets worse: the network memorises its "
            "training text."
        )
    return said


def _mean_rise(courses: Sequence[Course], name: str) -> float:
    """The rise of a loss at the end over its lowest level, the mean over trainings; nan without any."""
    series = [getattr(course, name) for course in courses]
    rises = [fmean(values[-LEVEL:]) - lowest(values) for values in series if values]
    return mean(rises)


def _source(each: Group) -> str:
    return ", ".join(course.run for course in each.courses.values())
