"""What is read: text that changes, and targets that are few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from engine.diagnosis.climb import change_point
from engine.diagnosis.rate import MANY
from engine.diagnosis.record import Record
from engine.diagnosis.signs import REGIME, Signs
from engine.diagnosis.symptom import Symptom, numbers, trial
from engine.events import NOTE, WARNING
from engine.windows import LAST

STRANGE = 0.7
"""By so many nats per character is strange text harder than what was read before."""

NOTABLE = 0.3
"""From here on it is worth a note."""

ONCE = 1.2
"""Passes through the text up to which hardly anything was read twice."""

BEFORE, FEWEST, JUST = 100, 20, 3
"""Points that a jump stands out of, the fewest of them, and how many it takes."""

FEW = 3
"""With one target in so many characters, targets are sparse."""


def data_shift(signs: Signs, record: Record) -> Symptom | None:
    """The loss of what is read has risen, and that of text read before has not: the text has changed.

    Silent where both have risen, or many streams' loss together, since then the network has changed; right behind the
    turn of a knob; and where the loss of one stream varies as it always did.
    """
    if (strange := _held_out_strange(signs)) is not None:
        return strange
    jump = _jump(record, signs.seen_course)
    if jump is None or not jump.elsewhere < 0.5 * jump.rise:
        return None
    return Symptom(
        "data-shift",
        WARNING if jump.rise > STRANGE else NOTE,
        jump.since,
        f"At {jump.place:.0%} of the text the loss of what is read rose by {jump.rise:.2g} nats, and that of text read "
        f"before by {max(0.0, jump.elsewhere):.2g}: the text changes there, not the network.",
        numbers(rise=jump.rise, elsewhere=jump.elsewhere, place=jump.place, seen=signs.seen),
    )


def sparse_targets(signs: Signs, _record: Record) -> Symptom | None:
    """The loss is taken over the last character of each window alone.

    Silent where windows are so short that most characters are targets, and where the text is learnt all the same.
    """
    length = signs.settings.bptt.mean
    if signs.settings.targets != LAST or length < FEW or signs.readings < 3:
        return None
    if signs.seen < 0.25 * signs.letters:
        return None
    return Symptom(
        "sparse-targets",
        WARNING if signs.seen > signs.pairs else NOTE,
        signs.begin,
        f"Only one character in {length:g} is a target: an update learns from {signs.settings.streams} of the "
        f"{signs.settings.streams * length:,.0f} characters that it reads.",
        numbers(targets=1 / length, agreement=signs.agreement, seen=signs.seen),
        trial(signs.settings, "targets", "all"),
    )


def _held_out_strange(signs: Signs) -> Symptom | None:
    """Held-out text becomes harder before any text was read twice, which no learning by heart can do."""
    risen = signs.climb.held_out if signs.climb else 0.0
    if not (signs.passes < ONCE and risen > NOTABLE and signs.held_out > signs.loss + STRANGE):
        return None
    if signs.climb is None or max(signs.climb.reading, signs.climb.seen) > 0.5 * risen:
        return None
    return Symptom(
        "data-shift",
        WARNING,
        signs.climb.since,
        f"The loss of held-out text has risen by {risen:.2g} nats to {signs.held_out:.3g}, while that of the text read "
        f"is {signs.loss:.3g} and hardly any was read twice: the held-out text is of another kind.",
        numbers(held_out=signs.held_out, loss=signs.loss, rise=risen),
    )


@dataclass(frozen=True, slots=True)
class _Jump:
    """A stream whose loss is higher than that of any was before.

    Attributes:
        since: the update at which it rose.
        rise: by how much.
        elsewhere: by how much the loss at places that were read before has risen by then; nan if not known yet.
        place: where the stream was then, as a share of the text.
    """

    since: int
    rise: float
    elsewhere: float
    place: float


def _jump(record: Record, seen: list[tuple[int, float]]) -> _Jump | None:
    """The last of it; None where the highest loss varies as it always did."""
    points = record.points[-BEFORE:]
    losses = [point.worst_loss for point in points]
    if len(points) < FEWEST + JUST:
        return None
    at = change_point(losses)
    levels = [fmean(losses[place - JUST : place]) for place in range(JUST, at + 1)]
    if at < FEWEST or len(points) - at < JUST:
        return None
    # What varies by much may do so again.
    high = max(levels) + max(NOTABLE, (max(levels) - min(levels)) / 2)
    if not (fmean(losses[at:]) > high and fmean(losses[-JUST:]) > high):
        return None
    rise = fmean(losses[at:]) - fmean(levels)
    everywhere = fmean(point.loss for point in points[at:]) - fmean(point.loss for point in points[:at]) > rise / 2
    if everywhere and record.settings.streams >= MANY:
        return None
    since = points[at].update
    if any(
        change.knob in REGIME and change.update <= since < change.update + _span(record) for change in record.changes
    ):
        return None
    then = [loss for update, loss in seen if update < since][-JUST:]
    # The first reading behind it: what was read before may be forgotten later.
    now = [loss for update, loss in seen if update >= since][:1]
    elsewhere = now[0] - fmean(then) if then and now else math.nan
    return _Jump(since, rise, elsewhere, points[at].worst_place)


def _span(record: Record) -> int:
    """The updates behind a change of a knob in which a jump is put down to that."""
    return record.points[-1].update - record.points[-BEFORE // 5].update if len(record.points) > BEFORE // 5 else 0
