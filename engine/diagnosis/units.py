"""Units that are saturated, and pass no gradient."""

from __future__ import annotations

from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Symptom, numbers, rate
from engine.diagnosis.thresholds import LONG_STEP, SATURATED_AT_START, SMALL_RATE_FACTOR
from engine.events import Cause, Severity

SATURATED = 0.75
"""The share of saturated units from which a network hardly passes a gradient. A healthy one has up to 0.6."""


def saturated_units(signs: Signs, record: Record) -> Symptom | None:
    """Most units are at the end of their range, and were from the beginning.

    Silent where they came there by learning: an LSTM works by gates that open and close. Silent too where long steps
    have driven them there: then the learning rate is to blame.
    """
    series = record.series("gates", "share")
    if not signs.saturated > SATURATED or not series:
        return None
    ratios = record.series("update_ratio", "whole")
    if series[0][1] < SATURATED_AT_START or not ratios or ratios[0][1] > LONG_STEP:
        return None
    return Symptom(
        Cause.SATURATED_UNITS,
        Severity.WARNING,
        series[0][0],
        f"{signs.saturated:.0%} of the units are saturated, {signs.frozen:.0%} always on the same side: no gradient "
        "passes there. They began so, because the initial weights were too large.",
        numbers(saturated=signs.saturated, frozen=signs.frozen, first=series[0][1], update_ratio=signs.ratio),
        rate(signs.settings, signs.settings.lr * SMALL_RATE_FACTOR),
    )
