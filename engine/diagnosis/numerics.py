"""Numbers that are not finite, and number types that are too coarse."""

from __future__ import annotations

import math
from statistics import median

from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Symptom, numbers, percent, rate, trial
from engine.diagnosis.thresholds import (
    DRIVEN,
    GRADIENT_ERROR,
    GRADIENT_ERROR_FLOAT32,
    LONG_STEP,
    RATE_FACTOR,
    USUAL_CLIP,
)
from engine.events import Cause, Change, Severity, Trial
from engine.numbers import counted
from engine.settings import Settings

GRADIENT_WRONG = 1.0
"""The relative error of a gradient from which hardly any of it is right: the finding is a problem."""

MEMORISED = 0.02
"""The share of the letters' entropy below which the text is learnt. The gradient of the rest is a difference of nearly
equal numbers, and its error does no harm."""

SUSPECT_SHARE = 0.1
"""The last share of a run's updates in which a raised learning rate or clipping bound is the suspect."""


def non_finite(signs: Signs, record: Record) -> Symptom | None:
    """An update was not finite. Silent while every update is finite, however large."""
    if record.broken is None:
        return None
    suspect = next(
        (
            change
            for change in reversed(record.changes)
            if change.update >= record.update * (1 - SUSPECT_SHARE) and _raised(change)
        ),
        None,
    )
    why, how, test = "", "", _smaller_steps(signs.settings)
    if suspect is not None:
        why = f" {counted(record.update - suspect.update, 'update')} after {suspect.knob} was raised"
        how = f" The change was {suspect.knob} {suspect.old} → {suspect.new}."
        if _height(suspect.old) < _height(signs.settings.write(suspect.knob)):
            test = Trial(suspect.knob, suspect.old)
    return Symptom(
        Cause.NON_FINITE,
        Severity.PROBLEM,
        record.broken.update,
        f"Numbers broke{why}: {record.broken.text}.{how}",
        numbers(update=record.broken.update + 1, grad_norm=signs.norm, loss=signs.loss),
        test,
        certain=True,
    )


def _smaller_steps(settings: Settings) -> Trial | None:
    if settings.clip is None:
        return trial(settings, "clip", USUAL_CLIP)
    return rate(settings, settings.lr / RATE_FACTOR)


def _raised(change: Change) -> bool:
    """Whether a change allows longer steps."""
    return change.knob in ("lr", "clip") and _height(change.new) > _height(change.old)


def _height(text: str) -> float:
    """The value of a learning rate or clipping bound, from its text; infinity for a bound that is off."""
    return math.inf if text == "off" else float(text)


def numerical_instability(signs: Signs, record: Record) -> Symptom | None:
    """The gradient differs from that in float64 by more than a fifth, or a twentieth where float32 was asked for.

    Silent where the text is learnt: the gradient of a tiny loss is a difference of nearly equal numbers, and its error
    does no harm. Silent too where long steps drive the units into saturation, unless float32 was asked for: 1 − h² of
    an h near 1 has few digits in a short number type, so that the error is a consequence.
    """
    fine = signs.settings.dtype == "float32"
    if not (signs.error > (GRADIENT_ERROR_FLOAT32 if fine else GRADIENT_ERROR)):
        return None
    steps = [ratio for _, ratio in record.series("update_ratio", "whole", signs.turned)]
    driven = signs.saturated > DRIVEN or (bool(steps) and median(steps) > LONG_STEP)
    if not signs.seen > MEMORISED * signs.letters or (driven and not fine):
        return None
    return Symptom(
        Cause.NUMERICAL_INSTABILITY,
        Severity.PROBLEM if signs.error > GRADIENT_WRONG else Severity.WARNING,
        signs.begin,
        f"The gradient is off by {percent(signs.error)} of itself, compared with the same window in float64. "
        "The number type is too coarse for the numbers in this network.",
        numbers(gradient_error=signs.error, seen=signs.seen),
        trial(signs.settings, "dtype", "float32"),
    )
