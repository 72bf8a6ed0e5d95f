"""Findings of a training whose loop is not ours: faults of the loop, and what its losses and updates tell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.diagnosis.climb import noise, rise
from engine.diagnosis.diagnosis import Diagnosis
from engine.diagnosis.loops.diagnosis import LoopDiagnosis
from engine.diagnosis.numerics import non_finite
from engine.diagnosis.rate import BLATANT_POINTS, WORSE, clip_too_tight, lower_rate
from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Rule, Symptom, numbers, percent, rate
from engine.diagnosis.thresholds import AS_SET, EXPLODES, LONG_STEP, RATE_FACTOR, STALLED
from engine.diagnosis.through_time import exploding_gradient
from engine.diagnosis.units import saturated_units
from engine.errors import UserError
from engine.events import (
    Cause,
    Change,
    Finding,
    Judged,
    Judgement,
    Note,
    NoteKind,
    Point,
    Probe,
    Severity,
    Stored,
    Suspicion,
    Validation,
)
from engine.settings import Settings
from engine.windows import LengthLaw

PROGRAM, TARGETS = "program", "targets"
"""The instruments whose readings are the program's own settings, and how often each class is a target."""

STALL_UPDATES, STALL_SECONDS = 120, 8.0
"""The updates and seconds after which a loss that rests, while updates are long, says that they are too long."""

LEARNT_WELL = 0.55
"""The share of the entropy of the targets below which there may be nothing left to learn."""

WIPED = 0.5
"""The change by a single update, as a share of the weights, after which nothing is left of how they began. Optimisers
that search along a line, or whose rate falls by itself, may begin so."""

LARGE_INPUTS, SATURATED_BY_INPUTS = 30.0, 0.6
"""The size of inputs, as their root mean square, and the share of saturated units, from which inputs are to blame."""

FEW_UPDATES = 30
"""The updates before which a loss that is high says nothing: a fresh network may begin there."""

RISEN = 0.3
"""The rise of the loss that accuses the steps, in nats: the network has become worse at all that it is given."""

RISEN_ALONE, ALONE = 0.6, 16
"""The same where an update has fewer targets than `ALONE`: those that follow each other may all be hard ones."""

ABOVE_START = 1.05
"""A loss that is so many times as high as at the beginning has not begun to fall, however it falls now."""

DIVERGED = 2.0
"""A loss that is no likelihood has diverged where it is so many times as high as at the beginning."""

MOVES_NOTHING = 1e-4
"""The change by one update, as a share of the weights, below which nothing is learnt in a sensible time."""

PEAK = 4.0
"""How many times as far the longest update of a schedule may have moved the weights."""

UNTRAINED = 0.9
"""The share of the entropy of the targets, and of the first loss, above which nothing was learnt yet."""

TORN, UNTRAINED_UPDATES = 0.2, 300
"""The change by a single update, as a share of the weights, that tears apart what they began with, where nothing is
learnt yet after so many updates."""

PATIENCE = 100
"""The updates after which a training that has learnt nothing is told so."""

LOST_RATE, LOST_FOR, LEAST_UPDATES = 2e-3, 0.5, 50
"""A learning rate is gone that is below this share of its highest, for this share of all updates, and for so many."""

OVERFIT = 0.02
"""How much validation losses must have risen, as a share of the lowest."""

SCATTER = 5.0
"""The same in standard deviations of one of them: of many, some are low by chance, and others high."""


def learning_rate_too_high(signs: Signs, record: Record) -> Symptom | None:
    """Long updates, and a loss that rests, has risen, or is worse than without looking at the input.

    Silent while the learning rate is below what it was, as in a warm-up or at the end of a schedule, and where several
    optimisers work against each other.
    """
    if signs.annealed < AS_SET or not signs.longest > LONG_STEP or signs.update - signs.turned < FEW_UPDATES:
        return None
    first = record.points[0].loss if record.points else math.nan
    early = [
        ratio for at, ratio in record.series("update_ratio", "whole", signs.begin) if at - signs.begin < FEW_UPDATES
    ]
    if max(early, default=0.0) > WIPED and "optimizer" in record.reading(PROGRAM):
        return _wiped(signs)
    patient = signs.update - signs.turned > STALL_UPDATES and _seconds_since(record, signs.turned) > STALL_SECONDS
    untrained = signs.loss > UNTRAINED * signs.letters and signs.update - signs.turned > UNTRAINED_UPDATES
    torn = untrained and signs.longest > TORN
    falls = signs.reading_progress >= STALLED and not signs.loss > ABOVE_START * abs(first) and not torn
    if falls or record.reading(PROGRAM).get("optimizers", 1) != 1:
        return None
    bound = signs.letters * WORSE
    worse = signs.points_turned > BLATANT_POINTS and min(signs.loss, signs.since_begin) > bound
    worse &= patient or signs.loss > ABOVE_START * abs(first)
    per_update = record.reading(PROGRAM).get("targets_per_update")
    least = RISEN if isinstance(per_update, int | float) and per_update >= ALONE else RISEN_ALONE
    rise = signs.climb.reading if signs.climb is not None else 0.0
    climbed = not math.isnan(signs.letters) and rise > least
    diverged = math.isnan(signs.letters) and rise > 0 and signs.loss > DIVERGED * abs(first)
    stalls = signs.ratio > LONG_STEP and signs.loss > LEARNT_WELL * signs.letters
    if not (torn or worse or climbed or diverged or stalls):
        return None
    moved = signs.longest if torn or worse or climbed or diverged else signs.ratio
    how = (
        f"the loss is worse than that of guessing by how often each class occurs ({signs.letters:.3g} nats)"
        if worse
        else f"the loss has risen by {rise:.2g} since its lowest"
        if climbed or diverged
        else f"the loss rests at {signs.loss:.3g}"
    )
    return Symptom(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.PROBLEM if worse or diverged else Severity.WARNING,
        signs.climb.since if signs.climb is not None and (climbed or diverged) else signs.begin,
        f"Each update moves the weights by up to {percent(moved)} of themselves and oversteps: {how}."
        + (" The network may not recover: a lower rate from the start is surer than one from here." if worse else ""),
        numbers(update_ratio=moved, loss=signs.loss, target_entropy=signs.letters, grad_norm=signs.norm),
        rate(signs.settings, lower_rate(signs.settings)),
        waits_for="" if patient or torn or worse or climbed or diverged else "more updates",
        by_points=True,
    )


def _wiped(signs: Signs) -> Symptom:
    """One update has moved the weights by about as much as themselves."""
    return Symptom(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        signs.begin,
        f"A single update has moved the weights by {percent(signs.longest)} of themselves: what they began with is "
        "gone, and what is there instead is of the learning rate's size.",
        numbers(update_ratio=signs.longest, loss=signs.loss, grad_norm=signs.norm),
        rate(signs.settings, lower_rate(signs.settings)),
        by_points=True,
    )


def learning_rate_too_low(signs: Signs, record: Record) -> Symptom | None:
    """Updates so short that nothing was learnt after very many of them.

    Silent at the end of a schedule, unless no update was much longer before.
    """
    ended = signs.annealed < AS_SET and not signs.longest < PEAK * MOVES_NOTHING
    if ended or signs.update - signs.turned < PATIENCE or not record.points:
        return None
    untrained = signs.loss > UNTRAINED * max(record.points[0].loss, signs.letters)
    # Updates that move nothing at all are those of other parameters, or have no gradient.
    if not (0 < signs.full_ratio < MOVES_NOTHING and untrained):
        return None
    return Symptom(
        Cause.LEARNING_RATE_TOO_LOW,
        Severity.WARNING,
        signs.begin,
        f"An update moves the weights by {signs.full_ratio:.1g} of themselves, and the loss is where it began.",
        numbers(update_ratio=signs.full_ratio, loss=signs.loss),
        rate(signs.settings, RATE_FACTOR * signs.settings.lr),
        by_points=True,
    )


def grows_through_time(signs: Signs, record: Record) -> Symptom | None:
    """The gradient grows on its way back. Its size alone says little: a program may add up losses."""
    return exploding_gradient(signs, record) if signs.growth > EXPLODES else None


def born_saturated(signs: Signs, record: Record) -> Symptom | None:
    """Units were saturated before anything was learnt. A program may go on with a network that was trained before."""
    fresh = bool(record.points) and record.points[0].loss > UNTRAINED * signs.letters
    return saturated_units(signs, record) if fresh else None


def inputs_not_scaled(signs: Signs, record: Record) -> Symptom | None:
    """Inputs so large that a recurrent module is at the end of its range from the first update on."""
    sizes = record.series("gates", "inputs")
    if not sizes or not sizes[0][1] > LARGE_INPUTS or not signs.saturated > SATURATED_BY_INPUTS:
        return None
    return Symptom(
        Cause.INPUTS_NOT_SCALED,
        Severity.WARNING,
        signs.begin,
        f"The recurrent module's inputs are of size {sizes[0][1]:,.3g}, so that {signs.saturated:.0%} of its units are "
        "at the end of their range, whatever they are given: no gradient passes there. Inputs of size 1 are what it is "
        "made for: subtract their mean, and divide by their standard deviation.",
        numbers(saturated=signs.saturated, frozen=signs.frozen),
    )


def _seconds_since(record: Record, update: int) -> float:
    """The seconds of training after an update."""
    after = [point.seconds for point in record.points if point.update > update]
    return after[-1] - after[0] if after else 0.0


RULES: Mapping[Cause, Rule] = {
    Cause.NON_FINITE: non_finite,
    Cause.LEARNING_RATE_TOO_HIGH: learning_rate_too_high,
    Cause.INPUTS_NOT_SCALED: inputs_not_scaled,
    Cause.EXPLODING_GRADIENT: grows_through_time,
    Cause.SATURATED_UNITS: born_saturated,
    Cause.CLIP_TOO_TIGHT: clip_too_tight,
    Cause.LEARNING_RATE_TOO_LOW: learning_rate_too_low,
}
"""The rules that need nothing but what any loop and torch's recurrent modules show. A cause explains those after it."""


INSIDE = "no recurrent module of torch was looked into"

NEEDS: Mapping[Cause, tuple[str, str]] = {
    Cause.INPUTS_NOT_SCALED: ("gates", INSIDE),
    Cause.SATURATED_UNITS: ("gates", INSIDE),
    Cause.EXPLODING_GRADIENT: ("gradient_by_lag", INSIDE),
    Cause.LEARNING_RATE_TOO_HIGH: ("update_ratio", "how far updates move the weights was not measured"),
    Cause.LEARNING_RATE_TOO_LOW: ("update_ratio", "how far updates move the weights was not measured"),
}
"""The instrument without which nothing is known of a cause, and why that cannot be judged then."""

UNKNOWN = Settings(clip=None, warmup=0, streams=1)
"""The settings of a program of which nothing is known yet."""


class WatchedDiagnosis:
    """Diagnoses a watched run from its events, in their order.

    Attributes:
        awaited: the instruments whose next reading is waited for; none, since nobody measures at our word.
    """

    awaited: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._loop = LoopDiagnosis()
        self._training = Diagnosis(UNKNOWN, RULES, witness="update_ratio")
        self._validations: list[Validation] = []
        self._own: list[Finding] = []
        self._before: list[Finding] = []
        self._number: object = None
        self._by_hand = False
        self._targets: Probe | None = None
        self._highest = 0.0
        self._longest = 0
        self._lost: Point | None = None
        self._loss = math.nan
        self._update = 0
        self._measured: set[str] = set()

    @property
    def findings(self) -> list[Finding]:
        """The findings in the order in which they were found."""
        every = [*self._loop.findings, *self._before, *self._training.findings, *self._own]
        return sorted(every, key=lambda each: each.found_update)

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """The judgement of each cause that any loop can show and that was not found; others need a training of ours."""
        found = {each.cause for each in self.findings}
        causes = [cause for cause in (*RULES, Cause.OVERFITTING) if cause not in found]
        return tuple(Judgement(cause, *self._judged(cause)) for cause in causes)

    def _judged(self, cause: Cause) -> tuple[Judged, str]:
        """Whether a cause was judged, and what is missing for that."""
        if cause is Cause.OVERFITTING and not self._validations:
            return Judged.CANNOT, "no validation loss was seen"
        if self._update < PATIENCE:
            return Judged.NOT_YET, f"update {PATIENCE}"
        needs, why = NEEDS.get(cause, ("", ""))
        return (Judged.CANNOT, why) if needs and needs not in self._measured else (Judged.ABSENT, "")

    @property
    def suspicions(self) -> tuple[Suspicion, ...]:
        """Signs of causes that do not suffice yet for a finding."""
        return self._training.suspicions

    def take(self, event: Stored) -> list[Finding]:
        """Take an event; return the findings that began, ended or became graver."""
        if isinstance(event, Probe):
            self._measured.add(event.instrument)
        match event:
            case Probe(instrument=instrument) if instrument.startswith("loop_"):
                return list(self._loop.take(event))
            case Probe(instrument="program", values=values):
                if self._number not in (None, values.get("training")):
                    self._begin_another(event)
                self._number, self._by_hand = values.get("training"), bool(values.get("by_hand"))
                self._see_lengths(event)
                settings = _settings(self._training.settings, values)
                # Whoever writes updates by hand writes those of gradient descent, with few exceptions.
                self._training.set(replace(settings, optimizer="sgd") if self._by_hand else settings)
            case Probe(instrument="targets", values=values):
                event = replace(event, instrument="text_facts", values={"letter_entropy": values.get("entropy")})
                self._targets = event
            case Point():
                self._loss, self._update = event.loss, event.update
                if found := self._rate(event):
                    return found + self._training.take(event)
            case Validation():
                self._validations.append(event)
                return self._validated(event)
            case Note(kind=NoteKind.NOT_FINITE):
                return [*self._training.take(event), *self._loop.broken(event.update, event.chars)]
            case Note(kind=NoteKind.UNDO):
                self._validations = [each for each in self._validations if each.update <= event.update]
                self._own = [each for each in self._own if each.found_update <= event.update]
        return self._training.take(event)

    def _see_lengths(self, event: Probe) -> None:
        """Windows that become longer are another task, as in a curriculum: its loss is not that of the one before."""
        try:
            longest = LengthLaw.parse(str(event.values.get("bptt"))).high
        except ValueError:
            return
        settled = all(each.until_update is not None for each in self._training.findings)
        if 0 < self._longest < longest and settled:
            self._start_over(event)
        self._longest = max(self._longest, longest)

    def _rate(self, point: Point) -> list[Finding]:
        """A schedule has taken the learning rate away long before the end."""
        if self._by_hand and not point.lr:
            return []  # It is not known.
        if point.lr > LOST_RATE * self._highest:
            self._highest, self._lost = max(self._highest, point.lr), point
            return self._end(Cause.RATE_GONE, point.update)
        since = self._lost.update if self._lost is not None else 0
        if self._is_open(Cause.RATE_GONE) or point.update - since < max(LEAST_UPDATES, LOST_FOR * point.update):
            return []
        never = self._highest == 0
        says = (
            "The learning rate has been 0 from the start, so that nothing is learnt. Perhaps a warm-up divides whole "
            "numbers by `//`, or multiplies by the number of an epoch that begins at 0."
            if never
            else f"The learning rate is {point.lr:.1g}, and was {self._highest:.2g}: for most of the training so far "
            "hardly anything was learnt. Perhaps a schedule is stepped at each batch that is meant for each epoch."
        )
        instead = "scheduler.step()  # once an epoch; or the number of all updates in the scheduler"
        numbers_of = numbers(lr=point.lr)
        gone = Finding(
            Cause.RATE_GONE,
            Severity.WARNING,
            since,
            None,
            numbers_of,
            says,
            None,
            self._lost.chars if self._lost is not None else point.chars,
            point.update,
            None,
            "min(1, (step + 1) / warm_up)  # as the factor of the learning rate" if never else instead,
        )
        self._own.append(gone)
        return [gone]

    def _validated(self, last: Validation) -> list[Finding]:
        """Overfitting: the validation losses have risen from their lowest, and the training loss is below that."""
        course = [(each.update, each.loss) for each in self._validations if math.isfinite(each.loss)]
        risen = rise(course)
        least = min((loss for _, loss in course), default=math.nan)
        clear = max(OVERFIT * abs(least), SCATTER * noise([loss for _, loss in course])) if risen else 0.0
        same = any(each.cause is Cause.SAME_BATCH for each in self._loop.findings)  # It explains the rise.
        if same or risen is None or risen[1] < clear or not self._loss < least:
            return self._end(Cause.OVERFITTING, last.update) if last.loss <= least else []
        if self._is_open(Cause.OVERFITTING):
            return []
        since = min(self._validations, key=lambda each: each.loss)
        says = (
            f"The validation loss has risen from {least:.4g} to {last.loss:.4g}, and the training loss is "
            f"{self._loss:.4g}: what is learnt now is of this data alone."
        )
        evidence = numbers(held_out=last.loss, best=least, loss=self._loss)
        found = Finding(
            Cause.OVERFITTING,
            Severity.WARNING,
            since.update,
            None,
            evidence,
            says,
            None,
            since.chars,
            last.update,
        )
        self._own.append(found)
        return [found]

    def _is_open(self, cause: Cause) -> bool:
        return any(each.cause is cause and each.until_update is None for each in self._own)

    def _end(self, cause: Cause, update: int) -> list[Finding]:
        """End a finding of ours, if it is open."""
        ended = []
        for place, each in enumerate(self._own):
            if each.cause is cause and each.until_update is None:
                self._own[place] = replace(each, until_update=update)
                ended.append(self._own[place])
        return ended

    def _begin_another(self, event: Probe) -> None:
        """Another training begins in the same program: what was seen of the one before says nothing of it."""
        self._start_over(event)
        self._highest, self._lost, self._longest = 0.0, None, 0
        self._validations.clear()

    def _start_over(self, event: Probe) -> None:
        """Begin a diagnosis anew at an event, which knows nothing of what was before."""
        self._before += self._training.findings
        self._training = Diagnosis(UNKNOWN, RULES, witness="update_ratio")
        # Whatever was measured before the first update is of what was before.
        self._training.take(Change(event.update, event.chars, 0, "lr", "1", "1"))
        if self._targets is not None:
            self._training.take(self._targets)  # Until others are counted; most often they are the same.


def diagnosed(events: Iterable[Stored]) -> WatchedDiagnosis:
    """The diagnosis of a whole watched run at its end, from its events in their order."""
    diagnosis = WatchedDiagnosis()
    for event in events:
        diagnosis.take(event)
    return diagnosis


def _settings(before: Settings, values: Mapping[str, object]) -> Settings:
    """The settings as far as a program's own are of the same names; others are left as they were."""
    for name, value in values.items():
        try:
            before = before.with_text(name, str(value))
        except UserError:
            continue  # An optimiser that we do not have, for one.
    return before
