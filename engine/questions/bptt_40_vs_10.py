"""Why does BPTT 40 fail where 10 works? A factorial race separates the effects of length, updates and targets.

With an update at a random character, windows of 41 characters instead of 11 change three things at once: the gradient
reaches further back, the same text gives fewer updates, and fewer characters of the text are targets. Two lengths times
two kinds of targets, compared at equal characters and at equal updates, separate the three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.budget import Budget
from engine.checkpoints import checkpoint
from engine.checkpoints.saver import LATEST
from engine.errors import UserError
from engine.lab import Lab
from engine.network.model import network_name
from engine.numbers import counted
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.experiment.trial import Look, read
from engine.questions.phrases import nats, number, percent, row, word
from engine.questions.question import CHARS, NATS, SHARE, TIMES, Answer, Row
from engine.race.plan import Plan, Variant
from engine.race.result import Verdict
from engine.race.statistics.interval import Interval, interval
from engine.race.statistics.standing import difference
from engine.race.store import Races
from engine.settings import Settings
from engine.windows import LengthLaw

SHORT, LONG = 11, 41
"""The mean window lengths of an update at a random 1 in 11 characters, and at 1 in 41."""

VARIANTS = tuple(
    Variant(f"geom:{length} {targets}", {"bptt": LengthLaw("geom", length, length), "targets": targets})
    for targets in ("last", "all")
    for length in (SHORT, LONG)
)
SHORT_LAST, LONG_LAST, SHORT_ALL, LONG_ALL = range(4)
SEEDS = 5
BACK = 40
"""The lag, in characters, at which the gradient of the longer window is read."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of the race. Each difference is the loss with the long window minus the loss with the short one.

    Attributes:
        race: the race's name in the lab.
        settings: the settings that all variants share.
        chars: the characters of each training.
        losses: the mean validation loss of each variant; None without a training.
        updates: the mean number of updates of each variant; None without a training.
        last: the difference with the last character alone a target, at equal characters.
        every: the difference with every character a target, at equal characters.
        removed: `last` minus `every`, seed by seed: the part that making every character a target removes.
        last_updates: the difference with the last character alone a target, at equal updates, which are equal targets.
        every_updates: the difference with every character a target, at equal updates.
        reach: the gradient with respect to the state 40 characters back, as a share of that at lag 0.
        decay: the factor of that gradient per character back.
        probed: the name of the run in which `reach` and `decay` were measured.
    """

    race: str
    settings: Settings
    chars: int
    losses: tuple[float | None, ...]
    updates: tuple[float | None, ...]
    last: Interval
    every: Interval
    removed: Interval
    last_updates: Interval
    every_updates: Interval
    reach: float | None
    decay: float | None
    probed: str


def investigate(experiments: Experiments) -> Answer:
    """Race both lengths with both kinds of targets."""
    experiments.need(LONG + 2)
    settings = experiments.settings("random-step", clip=experiments.given.get("clip"))
    (pace,) = experiments.paces(settings)
    seconds = 0.95 * experiments.left
    chars = experiments.chars(pace, seconds, SEEDS * len(VARIANTS))
    plan = Plan(settings=settings, variants=VARIANTS, budget=Budget(chars=chars))
    race = experiments.race(plan, f"windows of {SHORT} and {LONG}, each with both kinds of targets", seconds)
    _probe(experiments, race)
    return answer(evidence(experiments.lab, race))


def _probe(experiments: Experiments, race: str) -> None:
    """Measure the gradient by lag in the first network with the long window, and store the reading in its run."""
    lab = experiments.lab
    number_of = Races(lab).get(race).number
    for run in lab.runs.of_race(number_of):
        if run.race is None or (run.race.variant, run.race.replicate) != (LONG_LAST, 0):
            continue
        try:
            state = checkpoint.load(lab.runs.checkpoint_folder(run) / LATEST).state
        except UserError:
            return  # the time was over before it was written
        probes = experiments.computed("how far the gradient reaches", read, (state, Look("gradient_by_lag")))
        lab.events.record(run, [probe for probe in probes if probe is not None])


def evidence(lab: Lab, name: str) -> Evidence:
    """The evidence of a race, from the lab."""
    raced = found.race(lab, name)
    probed = next((seed[LONG_LAST].lane.run for seed in raced.seeds[:1] if LONG_LAST in seed), "")
    measured = found.run(lab, probed) if probed else None
    by_lag = measured.readings("gradient_by_lag") if measured else []
    relative = by_lag[-1]["relative"] if by_lag else ()
    shares = relative if isinstance(relative, tuple | list) else ()
    share = shares[BACK] if len(shares) > BACK else None
    removed = [
        difference(pair[1].lane, pair[0].lane, "chars") - difference(pair[3].lane, pair[2].lane, "chars")  # type: ignore[operator]
        for pair in raced.pairs(SHORT_LAST, LONG_LAST, SHORT_ALL, LONG_ALL)
    ]
    return Evidence(
        race=name,
        settings=raced.plan.settings,
        chars=raced.plan.budget.chars or 0,
        losses=tuple(raced.mean(variant, lambda each: each.loss) for variant in range(len(VARIANTS))),
        updates=tuple(
            raced.mean(variant, lambda each: each.lane.rungs[-1].updates if each.lane.rungs else 0)
            for variant in range(len(VARIANTS))
        ),
        last=raced.difference(LONG_LAST, SHORT_LAST),
        every=raced.difference(LONG_ALL, SHORT_ALL),
        removed=interval([each for each in removed if not math.isnan(each)]),
        last_updates=raced.difference(LONG_LAST, SHORT_LAST, "updates"),
        every_updates=raced.difference(LONG_ALL, SHORT_ALL, "updates"),
        reach=float(share) if isinstance(share, int | float) else None,
        decay=measured.number("gradient_by_lag", "decay") if measured else None,
        probed=probed,
    )


def answer(what: Evidence) -> Answer:
    """The answer that follows from the evidence."""
    settings, race = what.settings, what.race
    seeds = what.last.pairs
    rows = [
        row(f"geom:{LONG} less geom:{SHORT}, last target, equal characters", what.last, race),
        row(f"geom:{LONG} less geom:{SHORT}, all targets, equal characters", what.every, race),
        row("the first less the second: what all targets take away", what.removed, race),
        row(f"geom:{LONG} less geom:{SHORT}, last target, equal updates", what.last_updates, race),
        row(f"geom:{LONG} less geom:{SHORT}, all targets, equal updates", what.every_updates, race),
    ]
    for variant, loss, updates in zip(VARIANTS, what.losses, what.updates, strict=True):
        rows.append(Row(f"validation loss, {variant.label}", loss, NATS, seeds=seeds, source=race))
        rows.append(Row(f"updates, {variant.label}", updates, seeds=seeds, source=race))
    rows.append(Row("characters of each training", what.chars, CHARS, source=race))
    rows.append(Row(f"gradient {BACK} characters back, geom:{LONG}", what.reach, SHARE, source=what.probed))
    rows.append(Row(f"its factor per character, geom:{LONG}", what.decay, TIMES, source=what.probed))
    return Answer(
        answer=_verdict(what),
        reason=" ".join([*_targets(what), *_gradient(what)]),
        rows=tuple(rows),
        limits=(
            "All have the same learning rate: with fewer updates a higher one may be better.",
            "A text that is read for longer gives the long window more updates.",
            "At equal updates the long window has read more text.",
        ),
        did=(
            f"Windows of mean {SHORT} and {LONG}, each with the loss on the last character alone and on every one, "
            "were raced from fresh networks on the same text."
        ),
        conditions=(
            ("network", network_name(settings)),
            ("training", f"{counted(settings.streams, 'stream')}, {settings.optimizer} at {settings.lr:g}"),
            ("clipping", settings.write("clip")),
            ("length", f"{what.chars:,} characters, {counted(seeds, 'seed')}"),
        ),
        races=(race,),
    )


def _verdict(what: Evidence) -> str:
    """Whether the long window fails and, if so, whether because of its length or of its fewer updates."""
    match word(what.last):
        case each if each == Verdict.BETTER:
            return f"No: a window of {LONG} does not fail here, it is better than one of {SHORT}."
        case each if each == Verdict.SAME:
            return f"No: windows of {LONG} and {SHORT} make no difference that matters here."
        case each if each == Verdict.UNDECIDED:
            return f"Undecided: whether a window of {LONG} is worse than one of {SHORT} cannot be told from chance."
    match word(what.last_updates):
        case each if each in (Verdict.SAME, Verdict.BETTER):
            return f"Because a window of {LONG} makes fewer updates: at equal updates it is no worse."
        case each if each == Verdict.WORSE:
            return f"Because of its length: a window of {LONG} is worse even at equal updates."
    return f"Undecided: a window of {LONG} is worse here, and at equal updates that cannot be told from chance."


def _targets(what: Evidence) -> list[str]:
    """How much of the difference is due to characters that are not targets."""
    if not what.every.pairs:
        return []
    removed, failing = what.removed, word(what.last) == Verdict.WORSE
    if failing and removed.pairs and math.isfinite(removed.estimate) and math.isfinite(what.last.estimate):
        if removed.low > 0:
            cost, missing = nats(removed.estimate), nats(what.last.estimate)
            return [f"Characters that are no target cost {cost} of the {missing} nats."]
        if removed.high < 0:
            return ["Targets do not explain it: with every character a target the difference is larger."]
        return ["How much of it is due to characters that are no target is undecided."]
    found_out = {
        Verdict.BETTER: "the long window is better",
        Verdict.WORSE: "the long window is worse",
        Verdict.SAME: "there is no difference that matters",
        Verdict.UNDECIDED: "the difference cannot be told from chance",
    }
    return [f"With every character a target {found_out[word(what.every)]}."]


def _gradient(what: Evidence) -> list[str]:
    """Whether the gradient explodes or vanishes over the long window."""
    if what.reach is None or what.decay is None:
        return []
    if what.decay >= 1:
        return [f"The gradient explodes over the long window: it grows by {number(what.decay)} times per character."]
    return [f"The gradient does not explode: {BACK} characters back {percent(what.reach)} of it is left."]
