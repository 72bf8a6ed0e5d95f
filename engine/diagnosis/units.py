"""Units that are saturated, and pass no gradient."""

from __future__ import annotations

from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Symptom, numbers, rate
from engine.diagnosis.thresholds import LONG_STEP, SATURATED_AT_START, SMALL_RATE_FACTOR
from engine.events import Cause, Severity

SATURATED = 0.75
"""The share of saturated units from which a network hardly passes a gradient. A healthy one has up to 0.6."""

FRESH, STILL = 0.5, 0.5
"""The same before the first update, when a healthy network has next to none and one of six units a third; and later,
where it began so."""


def saturated_units(signs: Signs, record: Record) -> Symptom | None:
    """Most units are at the end of their range, and were from the beginning.

    Silent where they came there by learning: an LSTM works by gates that open and close. Silent too where long steps
    have driven them there: then the learning rate is to blame. Silent in a network of few units, which all do much.
    """
    series, ratios = record.series("gates", "share"), record.series("update_ratio", "whole")
    if not series or not ratios or signs.few_units:
        return None
    (first_update, first), *_ = series
    fresh = first_update == 0 and first > FRESH and signs.saturated > STILL
    early = signs.saturated > SATURATED and first >= SATURATED_AT_START and not ratios[0][1] > LONG_STEP
    if not (fresh or early):
        return None
    return Symptom(
        Cause.SATURATED_UNITS,
        Severity.WARNING,
        first_update,
        f"{signs.saturated:.0%} of the units are saturated, {signs.frozen:.0%} always on the same side: no gradient "
        "passes there. They began so, because the initial weights, or the inputs, are too large.",
        numbers(saturated=signs.saturated, frozen=signs.frozen, first=first, update_ratio=signs.ratio),
        rate(signs.settings, signs.settings.lr * SMALL_RATE_FACTOR),
    )
