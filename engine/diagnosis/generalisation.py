"""Memorising: the training loss falls while the loss on new text rises."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median

from engine.diagnosis.record import Record
from engine.diagnosis.signs import READINGS, Signs
from engine.diagnosis.symptom import Symptom, numbers, trial
from engine.diagnosis.thresholds import LEAST_RISE, MUCH_DROPOUT
from engine.events import Cause, Severity
from engine.numbers import mean

RISE_SHARE = 0.02
"""The least rise of the validation loss, as a share of its lowest level. A high loss varies by more nats than a low
one."""

PASSES_READ_TWICE = 1.5
"""Passes through the text up to which less than half of it was read twice, so that little can be memorised."""

FALL_PER_RISE = 0.25
"""The least fall of the loss on text read before, as a share of the rise of the validation loss. With less, the network
itself has become worse."""

LATER_READINGS = 2
"""The readings after the lowest validation loss that suffice where the two losses are far apart."""

CLEAR_FALL, SLIGHT_FALL = 0.3, 0.1
"""The fall of the loss on text read before from which they are, in nats per character; and that from which they are
where the loss on withheld blocks has risen too, which was not chosen for its lowest reading."""

ALIKE = 0.5
"""The share of the drift of the validation loss from the loss on text read before that the loss on withheld blocks
shows too where the network memorises. With less, the validation split is of another kind."""

GRAVE_RISE = 0.5
"""The rise of the validation loss from which it is a problem, in nats per character. An earlier state is far better."""

DROPOUT_STEP = 0.3
"""The increase of dropout that is proposed."""


def overfitting(signs: Signs, record: Record) -> Symptom | None:
    """The validation loss rises while the loss on text read before falls.

    Silent where both rise, where the rise is within the scatter, where nothing is held out, and before half of the text
    was read twice. Silent too while both fall, even at different speeds: a network may know the text that it has read
    better than other text. Silent where the withheld blocks of the training part fare as the text around them: then the
    end of the text is of another kind, and `data_shift` says so.
    """
    apart = drifted_apart(signs, record)
    if apart is None or apart.of_another_kind:
        return None
    since, best, risen, fallen = apart.since, apart.best, apart.risen, apart.fallen
    dropout = signs.settings.dropout
    return Symptom(
        Cause.OVERFITTING,
        Severity.PROBLEM if risen > GRAVE_RISE else Severity.WARNING,
        since,
        f"Since update {since:,} the network memorises its training text. The validation loss has risen by "
        f"{risen:.2g} nats, while the loss on text read before fell by {fallen:.2g}.",
        numbers(held_out=best + risen, held_out_best=best, seen=signs.seen),
        trial(signs.settings, "dropout", max(dropout, min(MUCH_DROPOUT, dropout + DROPOUT_STEP))),
        waits_for=apart.waits_for,
    )


@dataclass(frozen=True, slots=True)
class Apart:
    """How the losses have drifted apart, in nats per character.

    Attributes:
        since: the update of the lowest validation loss.
        best: that loss.
        risen: how far the validation loss has risen since.
        fallen: how far the loss on text read before has fallen since.
        withheld: how far the loss on the withheld blocks has risen since; nan where it is not known.
        waits_for: what is missing before it counts; empty where nothing is.
    """

    since: int
    best: float
    risen: float
    fallen: float
    withheld: float = math.nan
    waits_for: str = ""

    @property
    def of_another_kind(self) -> bool:
        """Whether the withheld blocks, which are as new as the validation split, have hardly drifted with it."""
        return self.withheld + self.fallen < ALIKE * (self.risen + self.fallen)


def drifted_apart(signs: Signs, record: Record) -> Apart | None:
    """The drift of the validation loss from the loss on text read before; None while they are together.

    None too before half of the text was read twice.
    """
    if not signs.passes > PASSES_READ_TWICE:
        return None
    held_out, withheld = (record.series("control", name) for name in ("held_out", "withheld"))
    if not held_out:
        return None
    if (found := _levels_apart(signs, held_out)) is not None:
        return replace(found, withheld=_last(withheld, READINGS) - _level_at(withheld, found.since))
    if (found := _readings_apart(signs, held_out)) is not None:
        rise = _last(withheld, LATER_READINGS) - dict(withheld).get(found.since, math.nan)
        return replace(found, withheld=rise) if found.fallen > CLEAR_FALL or rise > LEAST_RISE else None
    return None


def _levels_apart(signs: Signs, held_out: list[tuple[int, float]]) -> Apart | None:
    """The drift of the levels of both losses."""
    if len(held_out) < 2 * READINGS or signs.climb is None or not signs.climb.held_out:
        return None
    levels = [
        median(value for _, value in held_out[place - READINGS : place]) for place in range(READINGS, len(held_out) + 1)
    ]
    lowest = min(range(len(levels)), key=levels.__getitem__)
    since, best = min(held_out[lowest : lowest + READINGS], key=lambda reading: reading[1])
    risen = levels[-1] - levels[lowest]
    fallen = _level_at(signs.seen_course, since) - signs.seen
    clear = risen > max(LEAST_RISE, RISE_SHARE * levels[lowest]) and fallen > FALL_PER_RISE * risen
    return Apart(since, best, risen, fallen) if clear else None


def _readings_apart(signs: Signs, held_out: list[tuple[int, float]]) -> Apart | None:
    """The drift of single readings, where it is so large that there is no need to wait for levels of them.

    Every reading is of the same places, so that two differ by what was learnt in between.
    """
    lowest = min(range(len(held_out)), key=lambda place: held_out[place][1])
    since, best = held_out[lowest]
    later = [loss for _, loss in held_out[lowest + 1 :]]
    seen = dict(signs.seen_course)
    if not later or min(later) <= best or since not in seen:
        return None
    fallen = seen[since] - signs.seen_course[-1][1]
    if not fallen > SLIGHT_FALL:
        return None
    least = max(LEAST_RISE, RISE_SHARE * best)
    risen = min(later[-LATER_READINGS:]) - best
    if len(later) >= LATER_READINGS and risen > least:
        return Apart(since, best, risen, fallen)
    # One reading may be off by chance, but tells that the next one is worth taking at once.
    risen = later[-1] - best
    return Apart(since, best, risen, fallen, waits_for="another control sample") if risen > least else None


def _last(series: list[tuple[int, float]], readings: int) -> float:
    """The mean of the last readings; nan where there are none."""
    return mean([value for _, value in series[-readings:]])


def _level_at(series: list[tuple[int, float]], update: int) -> float:
    """The mean of the last readings up to an update; nan where there are none."""
    before = [value for place, value in series if place <= update][-READINGS:]
    return mean(before)
