"""Why does BPTT 40 fail where 10 works? Characters, updates and targets told apart by a factorial race.

With a step on a random character a window of 41 characters instead of 11 means three things at once: the gradient goes
back further, the same text gives fewer updates, and of the same text fewer characters are targets. Two lengths times
two kinds of targets, compared at equal characters and at equal updates, tell the three apart.
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
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.experiment.trial import Look, read
from engine.questions.phrases import between, compared, count, nats, number, percent, row, signed, word
from engine.questions.question import CHARS, NATS, SHARE, TIMES, Answer, Row
from engine.race.plan import MIN_EFFECT, Plan, Variant
from engine.race.result import BETTER, SAME, UNDECIDED, WORSE
from engine.race.statistics.interval import Interval, interval
from engine.race.statistics.standing import difference
from engine.race.store import Races
from engine.settings import Settings

SHORT, LONG = 11, 41
"""Mean lengths: those of a step on a random 1 in 11, and 1 in 41."""

VARIANTS = tuple(
    Variant(f"geom:{length} {targets}", {"bptt": f"geom:{length}", "targets": targets})
    for targets in ("last", "all")
    for length in (SHORT, LONG)
)
SHORT_LAST, LONG_LAST, SHORT_ALL, LONG_ALL = range(4)
SEEDS = 5
BACK = 40
"""Characters over which the gradient of the longer window is followed back."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the race came to; differences are losses with the long window less losses with the short one.

    Attributes:
        race: its name in the lab.
        settings: what all variants share.
        chars: characters of each training.
        losses: the mean validation loss of each variant; None without a training.
        updates: updates of each variant's training.
        last: of the last character alone, at equal characters.
        every: with every character a target, at equal characters.
        removed: `last` less `every`, seed by seed: what making every character a target takes away.
        last_updates: of the last character alone, at equal updates, which are equal targets.
        every_updates: with every character a target, at equal updates.
        reach: the gradient by the state 40 characters before, as a share of that at the character itself.
        decay: its factor per character.
        probed: the run of which these two are.
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
    settings = experiments.settings("random-step", clip=experiments.given.get("clip", "off"))
    (pace,) = experiments.paces(settings)
    seconds = 0.95 * experiments.left
    chars = experiments.chars(pace, seconds, SEEDS * len(VARIANTS))
    plan = Plan(settings=settings, variants=VARIANTS, budget=Budget(chars=chars))
    race = experiments.race(plan, f"windows of {SHORT} and {LONG}, each with both kinds of targets", seconds)
    _probe(experiments, race)
    return answer(evidence(experiments.lab, race))


def _probe(experiments: Experiments, race: str) -> None:
    """Follow the gradient back through the first network of the long window, and write that down with its run."""
    lab = experiments.lab
    number_of = Races(lab).get(race).number
    for run in lab.runs.of_race(number_of):
        if run.race is None or (run.race.variant, run.race.replicate) != (LONG_LAST, 0):
            continue
        try:
            state = checkpoint.load(lab.runs.checkpoint_folder(run) / LATEST).state
        except UserError:
            return  # it had not been written when the time was over
        probes = experiments.computed("how far the gradient reaches", read, (state, Look("gradient_by_lag")))
        lab.events.record(run, [probe for probe in probes if probe is not None])


def evidence(lab: Lab, name: str) -> Evidence:
    """What a race came to, from the lab."""
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
    """From the evidence to words."""
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
        did=(
            f"{network_name(settings)}, {count(settings.streams, 'stream')}, {settings.optimizer} at "
            f"{settings.lr:g}, clipping {settings.write('clip')}: windows of mean {SHORT} and {LONG}, each with "
            "the loss on the last character alone and on every one, raced from fresh networks on the same "
            f"{what.chars:,} characters, {count(seeds, 'seed')}"
        ),
        rows=tuple(rows),
        says=" ".join([_whether(what), _updates(what), _targets(what), _gradient(what)]),
        limits=(
            (
                f"All have the same rate, {settings.lr:g}: with fewer updates a higher one may be better, which "
                "was not tried."
            ),
            f"It is told after {what.chars:,} characters; a text read for longer gives the long window more updates.",
            (
                "At equal updates the long window has read more text; both have learnt from as many targets where "
                "the last character alone is one."
            ),
        ),
        races=(race,),
    )


def _whether(what: Evidence) -> str:
    long, short = f"a window of {LONG}", f"one of {SHORT}"
    return f"With a step on the last character of each window: {compared(long, short, what.last)}"


def _updates(what: Evidence) -> str:
    """What is left of the difference where both have made as many updates."""
    at = what.last_updates
    if not at.pairs:
        return "At equal updates they could not be compared."
    few, many = what.updates[LONG_LAST], what.updates[SHORT_LAST]
    made = f"the same text gives it {few:,.0f} updates instead of {many:,.0f}" if few and many else ""
    harmful = word(what.last) == WORSE
    match word(at):
        case each if each in (SAME, BETTER):
            relation = "no worse" if each == SAME else f"better by {nats(at.estimate)}"
            end = f": what it lacks is updates, and with them targets ({made})" if harmful else f" ({made})"
            return (
                f"At equal updates, which are equal targets here, the long window is {relation} "
                f"({between(at)}), so that its length does no harm by itself{end}."
            )
        case each if each == WORSE:
            rest = f", where it is {signed(what.last.estimate)} at equal characters" if harmful else ""
            return (
                f"Even at equal updates, which are equal targets here, it is worse by {nats(at.estimate)} "
                f"nats ({between(at)}){rest}: the length itself costs something."
            )
    return (
        "Whether its length costs something by itself is undecided: at equal updates the difference is "
        f"{signed(at.estimate)} ({between(at)}){'; ' + made if made else ''}."
    )


def _targets(what: Evidence) -> str:
    """What is left where every character is a target, and what that took away."""
    at, removed = what.every, what.removed
    if not at.pairs:
        return "With every character a target they could not be compared."
    longer = "it is still" if word(what.last) == WORSE else "the long window is"
    found_out = {
        BETTER: f"the long window is better by {nats(at.estimate)} nats",
        WORSE: f"{longer} worse by {nats(at.estimate)} nats",
        SAME: "there is no difference that matters",
        UNDECIDED: f"the difference is {signed(at.estimate)} nats, undecided",
    }
    head = f"With every character a target, so that both learn from as many, {found_out[word(at)]}"
    said = f"{head} ({between(at)})."
    known = word(what.last) == WORSE and math.isfinite(what.last.estimate) and what.last.estimate >= MIN_EFFECT
    if known and removed.pairs and math.isfinite(removed.estimate):
        share = removed.estimate / what.last.estimate
        if removed.low > 0 and share >= 1:
            said += (
                f" So all of it is due to the characters that are no targets: what they cost, {nats(removed.estimate)} "
                f"nats ({between(removed)}), is no less than the {nats(what.last.estimate)} that are missing."
            )
        elif removed.low > 0:
            rest = "the rest to fewer updates and the length" if word(at) == WORSE else "the rest is not established"
            said += (
                f" So {nats(removed.estimate)} of the {nats(what.last.estimate)} nats "
                f"({percent(share)}) are due to the characters that are no targets, {rest} "
                f"({between(removed)})."
            )
        elif removed.high < 0:
            said += f" So targets do not explain it: with all of them it is larger ({between(removed)})."
        else:
            said += f" How much of it is due to targets is undecided: {signed(removed.estimate)} ({between(removed)})."
    return said


def _gradient(what: Evidence) -> str:
    """Whether it explodes or vanishes over the long window."""
    if what.reach is None or what.decay is None:
        return "How far the gradient reaches was not measured in time."
    factor = f"to about {number(what.decay)} times its size per character"
    if what.decay >= 1:
        return (
            f"In the long window's network the gradient grows through time, {factor}: {BACK} characters back "
            f"it is {number(what.reach)} times its size, so that it does explode there."
        )
    return (
        f"The gradient does not explode over the long window: it shrinks {factor} until a ten-thousandth is left, "
        f"and {BACK} characters back "
        f"{percent(what.reach)} of it is left."
    )
