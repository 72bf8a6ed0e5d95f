"""What is read: text that changes, and targets that are few."""

from __future__ import annotations

from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Symptom, numbers, trial
from engine.events import NOTE, WARNING
from engine.windows import LAST

STRANGE = 0.7
"""By so many nats per character is strange text harder than what was read before."""

NOTABLE = 0.3
"""From here on it is worth a note."""

ONCE = 1.2
"""Passes through the text up to which hardly anything was read twice."""

FEW = 3
"""With one target in so many characters, targets are sparse."""


def data_shift(signs: Signs, record: Record) -> Symptom | None:
    """The loss of what is read has risen, and that of text read before has not: the text has changed.

    Silent where both have risen, since then the network has changed, and where the loss of one stream varies as it
    always did.
    """
    if (strange := _held_out_strange(signs, record)) is not None:
        return strange
    found = _worst_rise(record, signs)
    if found is None:
        return None
    since, rise, place = found
    elsewhere = signs.climb.seen if signs.climb else 0.0
    if rise < NOTABLE or elsewhere > 0.5 * rise:
        return None
    return Symptom(
        "data-shift",
        WARNING if rise > STRANGE else NOTE,
        since,
        f"At {place:.0%} of the text the loss rose by {rise:.2g} nats, and elsewhere by {elsewhere:.2g}: the text "
        "changes there, not the network.",
        numbers(rise=rise, elsewhere=elsewhere, place=place, seen=signs.seen),
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
        f"Only one character in {length:.3g} is a target: an update learns from {signs.settings.streams} of the "
        f"{signs.settings.streams * length:,.0f} characters that it reads.",
        numbers(targets=1 / length, agreement=signs.agreement, seen=signs.seen),
        trial("targets", "all"),
    )


def _held_out_strange(signs: Signs, record: Record) -> Symptom | None:
    """Held-out text becomes harder before any text was read twice, which no learning by heart can do."""
    risen = signs.climb.held_out if signs.climb else 0.0
    if not (signs.passes < ONCE and risen > NOTABLE and signs.held_out > signs.loss + STRANGE):
        return None
    if signs.climb is None or signs.climb.reading > 0.5 * risen:
        return None
    return Symptom(
        "data-shift",
        WARNING,
        signs.climb.since,
        f"The loss of held-out text has risen by {risen:.2g} nats to {signs.held_out:.3g}, while that of the text read is "
        f"{signs.loss:.3g} and none of it was read twice: the held-out text is of another kind.",
        numbers(held_out=signs.held_out, loss=signs.loss, rise=risen),
    )


def _worst_rise(record: Record, signs: Signs) -> tuple[int, float, float] | None:
    """Since when, by how much and where the loss of one stream is higher than that of any was before."""
    points = record.points
    if len(points) < 30:
        return None
    count = max(5, len(points) // 20)
    now = points[-3:]
    before = sorted(point.worst_loss for point in points[-6 * count : -3])
    usual, high = before[len(before) // 2], before[int(len(before) * 0.9)]
    worst = min(now, key=lambda point: point.worst_loss)
    rise = worst.worst_loss - usual
    if worst.worst_loss < high + 0.5 * (high - usual) + 0.1:
        return None
    return now[0].update, rise, worst.worst_place
