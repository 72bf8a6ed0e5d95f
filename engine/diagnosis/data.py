"""Text that changes, and targets that are few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, pstdev

from engine.diagnosis.climb import change_point
from engine.diagnosis.generalisation import drifted_apart
from engine.diagnosis.record import Record
from engine.diagnosis.signs import LEAST_READINGS, READINGS, REGIME, Signs
from engine.diagnosis.symptom import Symptom, numbers, trial
from engine.diagnosis.thresholds import FEW_POINTS, MANY_STREAMS, RUINED
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

FOREIGN = 1.0
"""The least loss of one stream above that of the others from which its passage is of another kind, in nats per
character. A hard chapter stays below it."""

FOREIGN_POINTS = 20
"""The number of last points in which that stream has to be the worst."""

FOREIGN_MOST = 0.9
"""The share of those points that must agree. In a few, another stream may be worse by chance."""

CHANGE_CLEAR = 1.0
"""The change of a text, as a table of its pairs sees it, that needs no second witness, in nats per character."""

CHANGE_LEAST, CHANGE_SIGMAS = 0.05, 3.0
"""The least rise of the training loss at a smaller change, in nats per character and in standard deviations."""

CHANGE_SPAN = 1 / 8
"""The share of the text before a change, and after it, over which the training loss is compared."""

REMEMBERED = 1.5
"""How far beyond a change, as a multiple of the characters before it, a training is still told of it."""

FORGOTTEN = 1.0
"""The least rise of the loss at places that were read and known before from which the text is of another kind now, in
nats per character. So much better must the text be predicted that is read now."""

LEARNT_ELSEWHERE = 0.9
"""The loss of the other streams, as a share of the letters' entropy, above which they have learnt too little."""

CHARACTERS_PER_TARGET = 3
"""The characters per target from which targets are sparse."""

WASTEFUL = 20
"""The characters per target from which they are sparse however well the network learns."""

LEARNT_FROM_FEW = 0.25
"""The share of the letters' entropy below which few targets have sufficed."""


def data_shift(signs: Signs, record: Record) -> Symptom | None:
    """The training loss has risen, and the loss on text read before has not: the text has changed.

    Silent where both have risen, or many streams have risen together: then the network has changed. Silent too right
    after a knob was turned, and where the loss of one stream varies as it always did.
    """
    strange = _held_out_strange(signs, record)
    if strange is not None and not strange.waits_for:
        return strange
    known = _known_change(signs, record) or _known_held_out(signs, record) or strange
    if known is not None and known is not strange and known.severity is not Severity.NOTE:
        return known
    if (forgotten := _forgotten(signs, record)) is not None:
        return forgotten
    if signs.settings.targets == LAST:  # A point is then the mean of so few characters that it tells no passage.
        return known
    if (foreign := _foreign_passage(signs, record)) is not None:
        return foreign
    jump = _jump(record, signs.seen_course)
    if jump is None or not jump.elsewhere < MOVED_TOO * jump.rise:
        return known
    return Symptom(
        Cause.DATA_SHIFT,
        Severity.WARNING if jump.rise > SHIFT_WARNING else Severity.NOTE,
        jump.since,
        f"At {jump.place:.0%} of the text the training loss rose by {jump.rise:.2g} nats. The loss on text read before "
        + (f"rose by {jump.elsewhere:.2g}" if jump.elsewhere > 0 else "did not rise")
        + ": the text changes there, not the network.",
        numbers(rise=jump.rise, elsewhere=jump.elsewhere, place=jump.place, seen=signs.seen),
    )


def unexplained(signs: Signs, record: Record) -> bool:
    """Whether the training loss has jumped, and no reading since then says if the text has changed or the network."""
    jump = _jump(record, signs.seen_course)
    return jump is not None and math.isnan(jump.elsewhere)


def not_the_network(signs: Signs, record: Record) -> bool:
    """Whether the training loss has jumped, and nothing says so far that the network is to blame."""
    jump = _jump(record, signs.seen_course)
    return jump is not None and not jump.elsewhere >= MOVED_TOO * jump.rise


def sparse_targets(signs: Signs, _record: Record) -> Symptom | None:
    """Only the last character of each window is a target.

    Silent where windows are so short that many characters are targets, and where the text is learnt anyway.
    """
    length = signs.settings.bptt.mean
    if signs.settings.targets != LAST or length < CHARACTERS_PER_TARGET or signs.points < FEW_POINTS:
        return None
    loss = signs.loss if math.isnan(signs.seen) else signs.seen
    if loss < LEARNT_FROM_FEW * signs.letters:
        return None
    return Symptom(
        Cause.SPARSE_TARGETS,
        Severity.WARNING if loss > signs.table or length >= WASTEFUL else Severity.NOTE,
        signs.begin,
        f"Only the last character of each window is a target: an update learns from {signs.settings.streams} of the "
        f"{signs.settings.streams * length:,.0f} characters that it reads.",
        numbers(targets=1 / length, agreement=signs.agreement, seen=signs.seen),
        trial(signs.settings, "targets", "all"),
        by_points=True,
    )


def _known_held_out(signs: Signs, record: Record) -> Symptom | None:
    """The held-out end of the text is of another kind, as a table of the training split's pairs told before any update.

    It is a note: the training does not suffer.
    """
    change = record.reading("text_facts").get("held_out_change")
    if not (isinstance(change, float) and change > CHANGE_CLEAR) or not record.points:
        return None
    return Symptom(
        Cause.DATA_SHIFT,
        Severity.NOTE,
        record.points[0].update,
        "The held-out end of the text is of another kind: a table of the pairs of characters before it loses "
        f"{change:.2g} nats more there. The validation loss says little about what is learnt.",
        numbers(rise=change, held_out=signs.held_out, seen=signs.seen),
        certain=True,
        by_points=True,
    )


def _held_out_strange(signs: Signs, record: Record) -> Symptom | None:
    """The validation loss rises, and memorising cannot be the reason.

    Either little text was read twice so far, or withheld blocks, which are as new, fare as the text around them.
    """
    apart = drifted_apart(signs, record)
    if apart is not None and apart.risen > SHIFT_NOTE and apart.of_another_kind:
        return Symptom(
            Cause.DATA_SHIFT,
            Severity.WARNING,
            apart.since,
            f"The held-out end of the text is of another kind: its loss has risen by {apart.risen:.2g} nats, and "
            + (f"by {apart.withheld:.1g}" if apart.withheld > 0 else "not")
            + " on new text from within the training part. Nothing is memorised.",
            numbers(held_out=apart.best + apart.risen, withheld=apart.withheld, seen=signs.seen, rise=apart.risen),
            waits_for=apart.waits_for,
        )
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


def _foreign_passage(signs: Signs, record: Record) -> Symptom | None:
    """One of several streams predicts its passage far worse than the others theirs, point after point."""
    points, streams = record.points[-FOREIGN_POINTS:], signs.settings.streams
    if streams == 1 or len(points) < FOREIGN_POINTS or points[0].update < signs.begin:
        return None
    worst = [int(point.worst_place * streams) for point in points]
    if worst.count(worst[-1]) < FOREIGN_MOST * len(points):
        return None
    there = median(point.worst_loss for point in points)
    others = median((point.loss * streams - point.worst_loss) / (streams - 1) for point in points)
    if not (there - others > FOREIGN and others < LEARNT_ELSEWHERE * signs.letters):
        return None
    return Symptom(
        Cause.DATA_SHIFT,
        Severity.WARNING,
        points[0].update,
        f"At {points[-1].worst_place:.0%} of the text the loss is {there:.3g} nats, and {others:.3g} where the other "
        "streams read: the text is of another kind there.",
        numbers(loss=there, elsewhere=others, place=points[-1].worst_place),
        by_points=True,
    )


def _known_change(signs: Signs, record: Record) -> Symptom | None:
    """A stream has come to the place at which the text changes, as a table of its pairs told before any training.

    Silent where the change is small and the training loss does not rise there. Several streams read what is before that
    place and what is after it together, which does no harm: there it is a note, and only where the change is clear.
    """
    facts = record.reading("text_facts")
    place, change, length = (facts.get(name) for name in ("change_place", "change", "characters"))
    if not (isinstance(place, float) and isinstance(change, float) and isinstance(length, int | float)):
        return None
    at, clear, alone = place * length, change > CHANGE_CLEAR, signs.settings.streams == 1
    before = [point for point in record.points if at - CHANGE_SPAN * length <= point.chars < at]
    after = [point for point in record.points if at <= point.chars <= at + CHANGE_SPAN * length]
    passed = record.points if not alone else after if record.chars <= REMEMBERED * at else []
    shows = clear or (alone and _rises([point.loss for point in before], [point.loss for point in after]))
    if not (passed and shows):
        return None
    return Symptom(
        Cause.DATA_SHIFT,
        Severity.WARNING if alone else Severity.NOTE,
        passed[0].update,
        f"At {place:.0%} of the text another kind of text begins: a table of the pairs of characters before it loses "
        f"{change:.2g} nats more after it.",
        numbers(rise=change, place=place, loss=signs.loss, seen=signs.seen),
        certain=clear,
        by_points=True,
    )


def _rises(before: list[float], after: list[float]) -> bool:
    """Whether a loss is clearly higher after a place than just before, over as many points on either side as show it.

    What a point varies by is taken from the differences of neighbours: the loss falls meanwhile, as it is learnt.
    """
    most = min(len(before), len(after))
    if most < POINTS_IN_LEVEL:
        return False
    varies = pstdev([late - early for early, late in pairwise(before)]) / math.sqrt(2)
    return any(
        fmean(after[:count]) - fmean(before[-count:]) > max(CHANGE_LEAST, CHANGE_SIGMAS * varies * math.sqrt(2 / count))
        for count in range(POINTS_IN_LEVEL, most + 1)
    )


def _forgotten(signs: Signs, record: Record) -> Symptom | None:
    """The text being read is predicted well, and text that was read and known before far worse than then.

    A network that learns quickly is through with a change of the text before the training loss tells of it. Silent
    where nearly all units are saturated: such a network keeps nothing, whatever it reads. Silent too where many streams
    read all parts of the text together.
    """
    if signs.saturated > RUINED or signs.settings.streams >= MANY_STREAMS:
        return None
    # Nowhere is the loss so high, nearly always: then there is no need to go through the courses.
    last = [loss for _, losses in record.lists("control", "by_region", most=1) for loss in losses if loss is not None]
    if not max(last, default=0.0) - signs.loss > FORGOTTEN:
        return None
    known = [lane for lane in record.seen_by_place() if len(lane) >= LEAST_READINGS]
    lowest = [min(lane[:-1], key=lambda reading: reading[1]) for lane in known]
    rises = [lane[-1][1] - before for lane, (_, before) in zip(known, lowest, strict=True)]
    if not rises or not median(rises) > FORGOTTEN:
        return None
    now = median(lane[-1][1] for lane in known)
    climbed = signs.climb.reading if signs.climb else 0.0
    if not now - signs.loss > FORGOTTEN or climbed > MOVED_TOO * median(rises):
        return None
    return Symptom(
        Cause.DATA_SHIFT,
        Severity.WARNING,
        min(update for update, _ in lowest),
        f"The loss on text read before has risen by {median(rises):.2g} nats to {now:.3g}; that on text being read is "
        f"{signs.loss:.3g}. The text has changed, and the network forgets what came before.",
        numbers(rise=median(rises), seen=now, loss=signs.loss),
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
    # A network that has just begun to learn comes down from high losses: these are no measure of how it varies now.
    first = min(at // 2, max(0, at - POINTS_BEFORE))
    levels = [fmean(losses[place - POINTS_IN_LEVEL : place]) for place in range(first + POINTS_IN_LEVEL, at + 1)]
    if at < POINTS_BEFORE or len(points) - at < POINTS_IN_LEVEL:
        return None
    high = max(levels) + max(SHIFT_NOTE, VARIES * (max(levels) - min(levels)))
    if not (fmean(losses[at:]) > high and fmean(losses[-POINTS_IN_LEVEL:]) > high):
        return None
    rise = fmean(losses[at:]) - fmean(levels)
    of_all = fmean(point.loss for point in points[at:]) - fmean(point.loss for point in points[first:at])
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
