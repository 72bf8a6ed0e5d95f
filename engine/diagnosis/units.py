"""Units that no longer answer."""

from __future__ import annotations

from engine.diagnosis.rate import LONG
from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Symptom, numbers, rate
from engine.events import WARNING

FULL = 0.75
"""With this share of its units saturated a network hardly passes a gradient; a healthy one has up to 0.6."""

FROM_THE_START = 0.6
"""So much of it was there at the first look."""


def saturated_units(signs: Signs, record: Record) -> Symptom | None:
    """Most units are at the end of their range, and were from the beginning.

    Silent where they have come there by learning: gates that open and close are what an LSTM is made of, and where
    long steps have driven them there, it is the rate that is to blame.
    """
    series = record.series("gates", "share")
    if not signs.saturated > FULL or not series:
        return None
    ratios = record.series("update_ratio", "whole")
    if series[0][1] < FROM_THE_START or not ratios or ratios[0][1] > LONG:
        return None
    return Symptom(
        "saturated-units",
        WARNING,
        series[0][0],
        f"{signs.saturated:.0%} of the units are saturated, {signs.frozen:.0%} at the same side always: where they are "
        "flat the gradient does not pass. They began so: the initial weights were too large.",
        numbers(saturated=signs.saturated, frozen=signs.frozen, first=series[0][1], update_ratio=signs.ratio),
        rate(signs.settings, signs.settings.lr * 3),
    )
