"""Why does the loss climb, how is that possible? A training in which it does, and the same with one thing changed.

One stream reads the text in its order, with a step on the last character of each window and no clipping, at the rate
of the preset and above it. The losses of what is read, at fixed places of the text and of held-out text are told apart:
a harder chapter raises the first alone, learning by heart the last alone, a network that gets worse all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from engine.diagnosis.climb import RISE, rise
from engine.lab import Lab
from engine.opening import network_name
from engine.questions import found
from engine.questions.experiments import Experiments, Recorded, seeded
from engine.questions.phrases import between, count, listed, nats, number, percent, row, rule
from engine.questions.question import CHARS, NATS, SHARE, TIMES, Answer, Row
from engine.questions.trial import AROUND, Look, Stage, Trial
from engine.race.interval import Interval, interval
from engine.schedule import Budget
from engine.settings import Settings

FACTORS = (1, 3, 9, 27)
"""Rates that are tried, as multiples of the preset's: the next lower one is a third."""

STAGES = 12
"""Readings of each training."""

LEVEL = 3
"""Readings that are averaged where a training has ended, and where it was lowest."""

FIRST_SEEDS, SEEDS = 2, 5
LONGER = 2
"""How many times as long the next trainings are where the loss has not climbed yet and there is time."""

ALONE = 0.3
"""A loss has risen alone where that at fixed places rose by less than such a share of it."""

PIECE, PIECES = 1_000, 20
"""Characters of a piece of the shuffled text, and the fewest pieces: of a short text they are shorter."""

CLIP = "1"
AS_IS, SLOWER, CLIPPED, ELSEWHERE, SHUFFLED = (
    "as it is",
    "rate ÷ 3",
    "clipping at 1",
    "from the text's middle",
    "shuffled",
)
CHANGED = {
    SLOWER: "a third of the rate",
    CLIPPED: f"clipping at {CLIP}",
    ELSEWHERE: "a start in the middle of the text",
    SHUFFLED: "the pieces of the text in another order",
}
"""What is changed, one at a time."""


@dataclass(frozen=True, slots=True)
class Course:
    """One training.

    Attributes:
        run: its name in the lab.
        reading: the loss of what was read between two readings, in nats per character.
        seen: the loss at fixed places of the training split, at each reading.
        held_out: the loss at fixed places of the validation split.
        ratio: how far an update moves the weights, as a share of them; the mean over the readings but the first.
        growth: the weights' norm at the last reading, as a multiple of that at the first.
        curvature: rate times curvature as a share of what the optimiser bears, at the last reading; nan if unknown.
        signal: the share of a gradient that the next updates' gradients agree about, at the last reading.
        spike: the largest gradient norm, as a multiple of the mean one.
        broken: what was not finite.
    """

    run: str
    reading: tuple[float, ...]
    seen: tuple[float, ...]
    held_out: tuple[float, ...]
    ratio: float
    growth: float
    curvature: float
    signal: float
    spike: float
    broken: str

    @property
    def climbed(self) -> bool:
        """Whether the loss at fixed places of the training split has risen by more than readings vary, or broke."""
        return bool(self.broken) or rise(list(enumerate(self.seen))) is not None

    @property
    def forgot(self) -> bool:
        """Whether the loss of held-out text alone has risen."""
        return self._alone(self.held_out)

    @property
    def met_harder(self) -> bool:
        """Whether the loss of what was read alone has risen."""
        return self._alone(self.reading)

    def _alone(self, losses: Sequence[float]) -> bool:
        """Whether a loss has risen, and that at fixed places of the training split by much less, if at all."""
        risen = rise(list(enumerate(losses)))
        return risen is not None and not self.climbed and self.end - _lowest(self.seen) < ALONE * risen[1]

    @property
    def end(self) -> float:
        """The loss at fixed places at the end; infinite where it broke."""
        return math.inf if self.broken or not self.seen else fmean(self.seen[-LEVEL:])


@dataclass(frozen=True, slots=True)
class Group:
    """The same training over the seeds.

    Attributes:
        what: what is changed, a key of `CHANGED`, or `AS_IS`.
        rate: the learning rate.
        courses: by seed; a seed that was not done in time is not there.
    """

    what: str
    rate: float
    courses: dict[int, Course]

    @property
    def climbed(self) -> int:
        """In how many it climbs."""
        return sum(each.climbed for each in self.courses.values())

    def mean(self, name: str) -> float:
        """The mean of one of the courses' numbers; nan without any."""
        values = [value for each in self.courses.values() if math.isfinite(value := getattr(each, name))]
        return fmean(values) if values else math.nan


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured.

    Attributes:
        settings: at the lowest rate.
        chars: characters of each training.
        rates: the text in its order, at each rate, ascending.
        chosen: the place in `rates` of the one at which things were changed: the lowest at which the loss climbed in
            the first trainings; None where it climbed at none.
        changes: the same with one thing changed.
    """

    settings: Settings
    chars: int
    rates: tuple[Group, ...]
    chosen: int | None
    changes: tuple[Group, ...]


Runs = dict[tuple[str, float], dict[int, str]]
"""Names of runs, by what is changed and the rate, and by seed."""


def investigate(experiments: Experiments) -> Answer:
    """Look for a rate at which the loss climbs, and then for what takes the climb away."""
    experiments.need(24)
    settings = experiments.settings("random-step", clip="off")
    rates = [min(1_000.0, settings.lr * factor) for factor in FACTORS]
    (pace,) = experiments.paces(settings)
    # Of the second part the first seeds are those of the first part, at the rate and at a third of it.
    trainings = FIRST_SEEDS * len(rates) + SEEDS * (len(CHANGED) + 1) - 2 * FIRST_SEEDS
    chars = experiments.chars(pace, experiments.left, trainings, validations=STAGES)
    first_seeds = min(FIRST_SEEDS, experiments.scale.most_seeds)
    wanted = [(AS_IS, rate, seed) for seed in range(first_seeds) for rate in reversed(rates)]
    while True:
        runs: Runs = {}
        before = experiments.left
        _train(experiments, settings, chars, wanted, runs, f"rates of {listed([f'{rate:g}' for rate in rates])}")
        place = chosen([group(experiments.lab, AS_IS, rate, runs) for rate in rates])
        took = before - experiments.left
        if place is not None or LONGER * took > experiments.left or LONGER * chars > experiments.most_chars:
            break
        chars *= LONGER
    if place is not None:
        rate, seeds = rates[place], min(SEEDS, experiments.scale.most_seeds)
        wanted = [(what, rate, seed) for seed in range(seeds) for what in (AS_IS, *CHANGED)]
        if place:
            wanted = [
                (AS_IS, rates[place - 1], seed) if what == SLOWER else (what, rate, seed) for what, rate, seed in wanted
            ]
        wanted = [each for each in wanted if each[2] not in runs.get(each[:2], {})]
        _train(experiments, settings, chars, wanted, runs, f"the climb at a rate of {rate:g} with one thing changed")
    return answer(evidence(experiments.lab, settings, chars, rates, runs, place))


def _train(
    experiments: Experiments,
    settings: Settings,
    chars: int,
    wanted: Sequence[tuple[str, float, int]],
    runs: Runs,
    say: str,
) -> None:
    piece = max(1, min(PIECE, len(experiments.corpus.training) // PIECES))
    trials = [_trial(seeded(settings, seed), what, rate, chars, piece) for what, rate, seed in wanted]
    done: list[Recorded | None] = experiments.trials(
        "ask-climb", f"{say}, {chars:,} characters each", trials, experiments.left
    )
    for (what, rate, seed), recorded in zip(wanted, done, strict=True):
        if recorded is not None:
            runs.setdefault((what, rate), {})[seed] = recorded.run


def _trial(settings: Settings, what: str, rate: float, chars: int, piece: int) -> Trial:
    used = rate / 3 if what == SLOWER else rate
    settings = settings.with_text("lr", repr(used)).with_text("clip", CLIP if what == CLIPPED else "off")
    ends = [Budget(chars=-(-chars * stage // STAGES)) for stage in range(1, STAGES + 1)]
    looks = (Look("control"), Look(AROUND))
    last = (*looks, Look("sharpness"), Look("agreement"))
    return Trial(
        settings,
        tuple(Stage((end,), validated=False, looks=last if end is ends[-1] else looks) for end in ends),
        begin=0.5 if what == ELSEWHERE else 0.0,
        pieces=piece if what == SHUFFLED else 0,
    )


def evidence(
    lab: Lab, settings: Settings, chars: int, rates: Sequence[float], runs: Runs, place: int | None
) -> Evidence:
    """What was measured, from the lab."""
    groups = [group(lab, AS_IS, rate, runs) for rate in rates]
    changes: list[Group] = []
    if place is not None:
        for what in CHANGED:
            if what == SLOWER and place:
                changes.append(Group(SLOWER, rates[place - 1], groups[place - 1].courses))
            else:
                changes.append(group(lab, what, rates[place], runs))
    return Evidence(settings, chars, tuple(groups), place, tuple(changes))


def group(lab: Lab, what: str, rate: float, runs: Runs) -> Group:
    """The trainings with one thing changed, from the lab."""
    return Group(what, rate, {seed: course(lab, name) for seed, name in sorted(runs.get((what, rate), {}).items())})


def course(lab: Lab, name: str) -> Course:
    """One training, from the lab."""
    measured = found.run(lab, name)
    sizes = [math.hypot(*norms) for norms in _tuples(measured, AROUND, "norms")]
    ratios = measured.series(AROUND, "whole")[1:]
    norm = found.typical_norm(measured.points)
    run = lab.run(name)
    return Course(
        run=name,
        reading=tuple(point.loss for point in measured.points),
        seen=tuple(measured.series("control", "seen")),
        held_out=tuple(measured.series("control", "held_out")),
        ratio=fmean(ratios) if ratios else math.nan,
        growth=sizes[-1] / sizes[0] if sizes and sizes[0] else math.nan,
        curvature=_known(measured.number("sharpness", "ratio")),
        signal=_known(measured.number("agreement", "share")),
        spike=found.largest_norm(measured.points) / norm if norm else math.nan,
        broken="" if run.status != "not-finite" else "not finite",
    )


def chosen(groups: Sequence[Group]) -> int | None:
    """The lowest rate at which the loss climbs in most trainings, or if none in any; None where it never does."""
    for enough in (0.5, 0.0):
        for place, each in enumerate(groups):
            if each.courses and each.climbed > enough * len(each.courses):
                return place
    return None


def _tuples(measured: found.Measured, instrument: str, name: str) -> list[list[float]]:
    values = [reading.get(name) for reading in measured.readings(instrument)]
    return [
        [float(number) for number in value if isinstance(number, int | float)]
        for value in values
        if isinstance(value, tuple | list)
    ]


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def difference(changed: Group, usual: Group) -> Interval:
    """The loss at the end of one less that of the other, paired by seed."""
    pairs = []
    for seed in sorted(changed.courses.keys() & usual.courses.keys()):
        one, other = changed.courses[seed].end, usual.courses[seed].end
        pairs.append(0.0 if math.isinf(one) and math.isinf(other) else one - other)
    return interval(pairs)


# --- words -----------------------------------------------------------------------------------------------------------


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
    return [*rows, Row("characters of each training", what.chars, CHARS)]


def _losses(name: str, each: Group) -> list[Row]:
    """Whether it climbs, and by how much."""
    if not each.courses:
        return [Row(f"{name}: trainings that climb", None, SHARE)]
    courses = list(each.courses.values())
    lowest = [_lowest(course.seen) for course in courses if course.seen]
    return [
        _row(f"{name}: trainings that climb", each.climbed / len(courses), SHARE, each),
        _row(f"{name}: lowest loss at fixed places", fmean(lowest) if lowest else math.nan, NATS, each),
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
    lowest = [_lowest(course.seen) for course in each.courses.values() if course.seen and not course.broken]
    level = f": from {fmean(lowest):.3f} at the lowest to {fmean(ends):.3f}" if ends and lowest else ""
    broken = f", {broke} of them to numbers that are not finite" if broke else ""
    return f"At {each.rate:g} it climbs in {each.climbed} of {count(of, 'training')}{level}{broken}."


def _everywhere(usual: Group) -> str:
    """Whether it is the network that got worse, or what it read."""
    climbing = [course for course in usual.courses.values() if course.climbed and not course.broken]
    if not climbing:
        return "The numbers break before the places at which it is measured can tell more."
    seen = fmean(course.end - _lowest(course.seen) for course in climbing)
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
    """Rises that are no larger than what the readings vary by."""
    rises = [
        course.end - _lowest(course.seen)
        for each in groups
        for course in each.courses.values()
        if course.seen and not course.climbed
    ]
    largest = max(rises, default=0.0)
    if largest < RISE:
        return []
    return [f"Rises of up to {nats(largest)} are no larger than what the readings vary by, and do not count."]


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


def _lowest(values: Sequence[float]) -> float:
    """The lowest level of so many neighbouring readings."""
    width = min(LEVEL, len(values))
    return min(fmean(values[place : place + width]) for place in range(len(values) - width + 1))


def _mean_rise(courses: Sequence[Course], name: str) -> float:
    """By how much a loss is above its lowest level at the end, the mean over trainings; nan without any."""
    series = [getattr(course, name) for course in courses]
    rises = [fmean(values[-LEVEL:]) - _lowest(values) for values in series if values]
    return fmean(rises) if rises else math.nan


def _source(each: Group) -> str:
    return ", ".join(course.run for course in each.courses.values())
