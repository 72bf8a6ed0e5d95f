"""Text that changes, and targets that are few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from engine.diagnosis.climb import change_point
from engine.diagnosis.record import Record
from engine.diagnosis.signs import READINGS, REGIME, Signs
from engine.diagnosis.symptom import Symptom, numbers, trial
from engine.diagnosis.thresholds import MANY_STREAMS
from engine.events import Cause, Severity
from engine.windows import LAST

SHIFT_NOTE = 0.3
"""The least rise of the loss on new text that is worth a note, in nats per character."""

SHIFT_WARNING = 0.7
"""The same from which the text is of another kind, in nats per character. A hard chapter stays below it."""

MOVED_TOO = 0.5
"""The share of a rise from which other losses have risen with it. Then the text has not changed."""

VARIES = 0.5
"""The share of the range of all levels so far by which a jump must exceed the highest. A loss that varies widely
may do so again."""

PASSES_READ_ONCE = 1.2
"""Passes through the text up to which hardly anything was read twice, so that nothing can be memorised."""

JUMP_POINTS = 100
"""The number of last points in which a jump is searched for."""

POINTS_BEFORE = 20
"""The fewest points before a jump, which show how the loss has varied until then."""

POINTS_IN_LEVEL = 3
"""The points that make a level of the loss, and the fewest that a jump lasts for."""

POINTS_AFTER_CHANGE = 20
"""The points after a change of a knob within which a jump is attributed to that change."""

CHARACTERS_PER_TARGET = 3
"""The characters per target from which targets are sparse."""

LEARNT_FROM_FEW = 0.25
"""The share of the letters' entropy below which few targets have sufficed."""


def data_shift(signs: Signs, record: Record) -> Symptom | None:
    """The training loss has risen, and the loss on text read before has not: the text has changed.

    Silent where both have risen, or many streams have risen together: then the network has changed. Silent too right
    after a knob was turned, and where the loss of one stream varies as it always did.
    """
    if (strange := _held_out_strange(signs)) is not None:
        return strange
    jump = _jump(record, signs.seen_course)
    if jump is None or not jump.elsewhere < MOVED_TOO * jump.rise:
        return None
    return Symptom(
        Cause.DATA_SHIFT,
        Severity.WARNING if jump.rise > SHIFT_WARNING else Severity.NOTE,
        jump.since,
        f"At {jump.place:.0%} of the text the training loss rose by {jump.rise:.2g} nats. The loss on text read before "
        f"rose by {max(0.0, jump.elsewhere):.2g}: the text changes there, not the network.",
        numbers(rise=jump.rise, elsewhere=jump.elsewhere, place=jump.place, seen=signs.seen),
    )


def sparse_targets(signs: Signs, _record: Record) -> Symptom | None:
    """Only the last character of each window is a target.

    Silent where windows are so short that many characters are targets, and where the text is learnt anyway.
    """
    length = signs.settings.bptt.mean
    if signs.settings.targets != LAST or length < CHARACTERS_PER_TARGET or signs.readings < READINGS:
        return None
    if signs.seen < LEARNT_FROM_FEW * signs.letters:
        return None
    return Symptom(
        Cause.SPARSE_TARGETS,
        Severity.WARNING if signs.seen > signs.pairs else Severity.NOTE,
        signs.begin,
        f"Only the last character of each window is a target: an update learns from {signs.settings.streams} of the "
        f"{signs.settings.streams * length:,.0f} characters that it reads.",
        numbers(targets=1 / length, agreement=signs.agreement, seen=signs.seen),
        trial(signs.settings, "targets", "all"),
    )


def _held_out_strange(signs: Signs) -> Symptom | None:
    """The validation loss rises before much text was read twice, so that memorising cannot be the reason."""
    risen = signs.climb.held_out if signs.climb else 0.0
    few_passes = signs.passes < PASSES_READ_ONCE
    if not (few_passes and risen > SHIFT_NOTE and signs.held_out > signs.loss + SHIFT_WARNING):
        return None
    if signs.climb is None or max(signs.climb.reading, signs.climb.seen) > MOVED_TOO * risen:
        return None
    return Symptom(
        Cause.DATA_SHIFT,
        Severity.WARNING,
        signs.climb.since,
        f"The held-out text is of another kind: its loss has risen by {risen:.2g} nats to {signs.held_out:.3g}. The "
        f"training loss is {signs.loss:.3g}, and hardly any text was read twice.",
        numbers(held_out=signs.held_out, loss=signs.loss, rise=risen),
    )


@dataclass(frozen=True, slots=True)
class _Jump:
    """A rise of one stream's loss above all earlier losses.

    Attributes:
        since: the update at which it rose.
        rise: the size of the rise, in nats per character.
        elsewhere: the rise of the loss at places read before, just after the jump; nan if not known yet.
        place: the stream's place then, as a share of the text.
    """

    since: int
    rise: float
    elsewhere: float
    place: float


def _jump(record: Record, seen: list[tuple[int, float]]) -> _Jump | None:
    """The jump near the end of a record; None where the highest loss varies as it always did."""
    points = record.points[-JUMP_POINTS:]
    losses = [point.worst_loss for point in points]
    if len(points) < POINTS_BEFORE + POINTS_IN_LEVEL:
        return None
    at = change_point(losses)
    levels = [fmean(losses[place - POINTS_IN_LEVEL : place]) for place in range(POINTS_IN_LEVEL, at + 1)]
    if at < POINTS_BEFORE or len(points) - at < POINTS_IN_LEVEL:
        return None
    high = max(levels) + max(SHIFT_NOTE, VARIES * (max(levels) - min(levels)))
    if not (fmean(losses[at:]) > high and fmean(losses[-POINTS_IN_LEVEL:]) > high):
        return None
    rise = fmean(losses[at:]) - fmean(levels)
    of_all = fmean(point.loss for point in points[at:]) - fmean(point.loss for point in points[:at])
    if of_all > MOVED_TOO * rise and record.settings.streams >= MANY_STREAMS:
        return None
    since = points[at].update
    if any(
        change.knob in REGIME and change.update <= since < change.update + _span(record) for change in record.changes
    ):
        return None
    then = [loss for update, loss in seen if update < since][-READINGS:]
    # The first reading after it: later the network may have forgotten the text read before.
    now = [loss for update, loss in seen if update >= since][:1]
    elsewhere = now[0] - fmean(then) if then and now else math.nan
    return _Jump(since, rise, elsewhere, points[at].worst_place)


def _span(record: Record) -> int:
    """The updates after a change of a knob within which a jump is attributed to it."""
    points = record.points
    return points[-1].update - points[-POINTS_AFTER_CHANGE].update if len(points) > POINTS_AFTER_CHANGE else 0
