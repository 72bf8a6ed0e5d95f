"""What is said of a climb: whether there is one, what takes it away, and how it is possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from engine.diagnosis.thresholds import LEAST_RISE
from engine.network.model import network_name
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
from engine.questions.phrases import between, count, listed, nats, number, percent, row, rule
from engine.questions.question import CHARS, NATS, SHARE, TIMES, Answer, Row


def answer(what: Evidence) -> Answer:
    """From the evidence to words."""
    settings = what.settings
    groups = [*what.rates, *(each for each in what.changes if each.what != SLOWER or what.chosen == 0)]
    tried = count(len({seed for each in what.rates for seed in each.courses}), "seed")
    changes = ""
    if what.chosen is not None:
        changes = (
            f"; then at {what.rates[what.chosen].rate:g} the same with one thing changed: "
            f"{listed(list(CHANGED.values()))}"
        )
    return Answer(
        did=(
            f"{network_name(settings)}, {rule(settings)}, no clipping, the text in its order; trained on "
            f"{what.chars:,} characters at rates of {listed([f'{each.rate:g}' for each in what.rates])} "
            f"({tried}){changes}"
        ),
        rows=tuple(_rows(what)),
        says=" ".join(_says(what)),
        limits=(
            f"Trainings of {what.chars:,} characters; a climb that begins later was not seen.",
            (
                "A climb counts where the loss at 32 fixed places of the training split rose by more than its "
                "readings vary, and by 0.05 nats at least."
            ),
            "That a change removes the climb shows that it is needed for it, not that nothing else would remove it.",
        ),
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
    """Whether it climbs, and by how much."""
    if not each.courses:
        return [Row(f"{name}: trainings that climb", None, SHARE)]
    courses = list(each.courses.values())
    lows = [lowest(course.seen) for course in courses if course.seen]
    return [
        _row(f"{name}: trainings that climb", each.climbed / len(courses), SHARE, each),
        _row(f"{name}: lowest loss at fixed places", fmean(lows) if lows else math.nan, NATS, each),
        _row(f"{name}: the same at the end", fmean(course.end for course in courses), NATS, each),
        _row(f"{name}: held-out text, rise over its lowest", _mean_rise(courses, "held_out"), NATS, each),
        _row(f"{name}: text being read, rise over its lowest", _mean_rise(courses, "reading"), NATS, each),
    ]


def _steps(name: str, each: Group) -> list[Row]:
    """What its updates are like."""
    return [
        _row(f"{name}: an update moves the weights by", each.mean("ratio"), SHARE, each),
        _row(f"{name}: growth of the weights", each.mean("growth"), TIMES, each),
        _row(f"{name}: rate × curvature / bound", each.mean("curvature"), "", each),
        _row(f"{name}: gradients' agreement from update to update", each.mean("signal"), SHARE, each),
        _row(f"{name}: largest norm / mean norm", each.mean("spike"), TIMES, each),
    ]


def _row(what: str, value: float, unit: str, each: Group) -> Row:
    return Row(what, None if math.isnan(value) else value, unit, seeds=len(each.courses), source=_source(each))


def _says(what: Evidence) -> list[str]:
    known = [each for each in what.rates if each.courses]
    if not known:
        return ["Nothing was measured in time."]
    said = [_whether(each) for each in known]
    if what.chosen is None:
        return [
            f"On this text it did not climb within {what.chars:,} characters.",
            *said,
            *_within(known),
            *_other(known),
        ]
    usual = what.rates[what.chosen]
    return [
        _head(usual),
        *said,
        _everywhere(usual),
        *(_changed(each, usual) for each in what.changes),
        _cause(what.changes, usual),
        _how(usual, next((each for each in what.changes if each.what == SLOWER), None)),
    ]


def _head(usual: Group) -> str:
    of = len(usual.courses)
    if usual.climbed > of / 2:
        return f"On this text it climbs at a rate of {usual.rate:g}."
    return (
        f"On this text it climbs at times at a rate of {usual.rate:g}: in {usual.climbed} of {count(of, 'training')}."
    )


def _whether(each: Group) -> str:
    of = len(each.courses)
    broke = sum(bool(course.broken) for course in each.courses.values())
    ends = [course.end for course in each.courses.values() if not course.broken]
    lows = [lowest(course.seen) for course in each.courses.values() if course.seen and not course.broken]
    level = f": from {fmean(lows):.3f} at the lowest to {fmean(ends):.3f}" if ends and lows else ""
    broken = f", {broke} of them to numbers that are not finite" if broke else ""
    return f"At {each.rate:g} it climbs in {each.climbed} of {count(of, 'training')}{level}{broken}."


def _everywhere(usual: Group) -> str:
    """Whether it is the network that got worse, or what it read."""
    climbing = [course for course in usual.courses.values() if course.climbed and not course.broken]
    if not climbing:
        return "The numbers break before the places at which it is measured can tell more."
    seen = fmean(course.end - lowest(course.seen) for course in climbing)
    held, reading = _mean_rise(climbing, "held_out"), _mean_rise(climbing, "reading")
    both = "the network itself got worse, and no harder chapter explains it"
    if held > seen / 2:
        where = (
            f"at the same places of the text, read again and again, by {nats(seen)}, and of held-out text by "
            f"{nats(held)}: {both}"
        )
    else:
        where = f"at the same places of the text by {nats(seen)}, but of held-out text by {nats(held)} only"
    return f"The loss rises {where} (that of what is being read rises by {nats(reading)})."


def _changed(each: Group, usual: Group) -> str:
    if not each.courses:
        return f"With {CHANGED[each.what]}: not done in time."
    said = f"With {CHANGED[each.what]} it climbs in {each.climbed} of {count(len(each.courses), 'training')}"
    at = difference(each, usual)
    if at.pairs:
        end = (
            f"{nats(at.estimate)} {'lower' if at.estimate < 0 else 'higher'}" if math.isfinite(at.estimate) else "apart"
        )
        said += f", and the loss ends {end} ({between(at)})"
    moves, moved = each.mean("ratio"), usual.mean("ratio")
    if each.what == CLIPPED and not math.isnan(moves + moved):
        said += f"; an update moves the weights by {percent(moves)} of themselves, and without it by {percent(moved)}"
    return f"{said}."


def removes(each: Group, usual: Group) -> bool:
    """Whether a change takes the climb away: hardly any training climbs, and they end lower."""
    at = difference(each, usual)
    if not at.pairs:
        return False
    share, before = each.climbed / len(each.courses), usual.climbed / len(usual.courses)
    return share <= before / 3 and at.estimate < 0


def _cause(changes: Sequence[Group], usual: Group) -> str:
    done = [each for each in changes if each.courses]
    removing = [each for each in done if removes(each, usual)]
    keeping = [CHANGED[each.what] for each in done if each not in removing and each.climbed]
    lower = [CHANGED[each.what] for each in done if difference(each, usual).high < 0]
    if not removing and lower:
        return (
            "None of the changes takes the climb away in enough trainings to name its cause, but with "
            f"{listed(lower)} the "
            "loss certainly ends lower."
        )
    if not removing:
        return "None of the changes that were done in time takes the climb away, so that its cause was not found."
    said = f"What takes it away is {listed([CHANGED[each.what] for each in removing])}"
    said += f"; it stays with {listed(keeping)}" if keeping else ""
    names = {each.what for each in removing}
    if names == {SLOWER}:
        said += ": the steps are too long"
    elif names == {CLIPPED}:
        said += ": the largest gradients do it"
    elif names <= {ELSEWHERE, SHUFFLED}:
        said += ": it depends on what is read when"
    sure = any(difference(each, usual).high < 0 for each in removing)
    return f"{said}." if sure else f"{said}; with so few seeds that may be chance."


def _how(usual: Group, slower: Group | None) -> str:
    """How an optimiser can raise the loss: the sizes of its steps, and what they follow."""
    ratio, signal, curvature, growth = (usual.mean(name) for name in ("ratio", "signal", "curvature", "growth"))
    parts = []
    if not math.isnan(ratio):
        less = slower.mean("ratio") if slower and slower.courses else math.nan
        beside = "" if math.isnan(less) else f" ({percent(less)} at a third of the rate)"
        parts.append(f"an update moves the weights by {percent(ratio)} of themselves{beside}")
    if not math.isnan(signal):
        parts.append(f"of its gradient's square {percent(1 - signal)} is noise, in which the next updates do not agree")
    if not math.isnan(growth):
        parts.append(f"the weights end {number(growth)} times as large as at the first reading")
    if not parts:
        return "How was not measured."
    how = f"How it is possible: an update follows the loss of its own window alone, and {listed(parts)}."
    if math.isnan(curvature):
        return how
    if curvature >= 1:
        return (
            f"{how} Rate times curvature is {number(curvature)} times what the optimiser bears: each step overshoots."
        )
    return (
        f"{how} Rate times curvature is {number(curvature)} of what the optimiser bears at the end, so that "
        "it is no overshooting along the steepest direction there."
    )


def _within(groups: Sequence[Group]) -> list[str]:
    rises = [course.end - lowest(course.seen) for course in _without_climb(groups)]
    if max(rises, default=0.0) < LEAST_RISE:
        return []
    return [f"Rises of up to {nats(max(rises))} are no larger than what the readings vary by, and do not count."]


def _without_climb(groups: Sequence[Group]) -> list[Course]:
    return [course for each in groups for course in each.courses.values() if course.seen and not course.climbed]


def _other(groups: Sequence[Group]) -> list[str]:
    """Losses that rose without the network getting worse on what it had read."""
    courses = [course for each in groups for course in each.courses.values()]
    said = []
    if harder := [course for course in courses if course.met_harder]:
        said.append(
            f"In {len(harder)} of {len(courses)} the loss of what is being read rises by "
            f"{nats(_mean_rise(harder, 'reading'))} over its lowest while that at fixed places does not: the "
            "text gets harder there, and a chart of the training loss would climb."
        )
    if forgot := [course for course in courses if course.forgot]:
        said.append(
            f"In {len(forgot)} of {len(courses)} the loss of held-out text rises by "
            f"{nats(_mean_rise(forgot, 'held_out'))} while that of the text read does not: it is learnt by heart."
        )
    return said


def _mean_rise(courses: Sequence[Course], name: str) -> float:
    """By how much a loss is above its lowest level at the end, the mean over trainings; nan without any."""
    series = [getattr(course, name) for course in courses]
    rises = [fmean(values[-LEVEL:]) - lowest(values) for values in series if values]
    return fmean(rises) if rises else math.nan


def _source(each: Group) -> str:
    return ", ".join(course.run for course in each.courses.values())
