"""Numbers that broke, and numbers that are too coarse."""

from __future__ import annotations

import math

from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Symptom, numbers, percent, rate, trial
from engine.events import PROBLEM, WARNING, Change, Trial
from engine.settings import Settings

COARSE, COARSE_FLOAT32 = 0.2, 0.05
"""From this relative error on digits are lost. float32 has usually less than 1e-5, and bfloat16 0.01, or ten times as
much where little is left to be learnt."""

LEARNT = 0.02
"""A text whose loss is less than this share of its letters' entropy is learnt: of what is left the error is large."""

JUST = 0.1
"""A rate or a bound that was raised within the last tenth of a run is the suspect."""


def non_finite(signs: Signs, record: Record) -> Symptom | None:
    """An update was not finite. Silent as long as all are, however large they are."""
    if record.broken is None:
        return None
    suspect = next(
        (
            change
            for change in reversed(record.changes)
            if change.update >= record.update * (1 - JUST) and _raised(change)
        ),
        None,
    )
    why, test = "", _smaller_steps(signs.settings)
    if suspect is not None:
        why = f", {record.update - suspect.update:,} updates after {suspect.knob} {suspect.old} → {suspect.new}"
        if _height(suspect.old) < _height(signs.settings.write(suspect.knob)):
            test = Trial(suspect.knob, suspect.old)
    return Symptom(
        "non-finite",
        PROBLEM,
        record.broken.update,
        f"Numbers broke{why}: {record.broken.text}.",
        numbers(update=record.broken.update + 1, grad_norm=signs.norm, loss=signs.loss),
        test,
        certain=True,
    )


def _smaller_steps(settings: Settings) -> Trial | None:
    return trial(settings, "clip", 1.0) if settings.clip is None else rate(settings, settings.lr / 10)


def _raised(change: Change) -> bool:
    """Whether a change allows longer steps."""
    return change.knob in ("lr", "clip") and _height(change.new) > _height(change.old)


def _height(text: str) -> float:
    """Of a rate or a bound as it is typed; none bounds nothing."""
    return math.inf if text == "off" else float(text)


def numerical_instability(signs: Signs, _record: Record) -> Symptom | None:
    """The gradient differs from that of float64 by a fifth and more; where float32 was asked for, by a twentieth.

    Silent where the text is learnt: a loss next to nothing is a difference of equal numbers, and nothing is lost by it.
    """
    coarse = COARSE_FLOAT32 if signs.settings.dtype == "float32" else COARSE
    if not (signs.error > coarse and signs.seen > LEARNT * signs.letters):
        return None
    return Symptom(
        "numerical-instability",
        PROBLEM if signs.error > 1 else WARNING,
        signs.begin,
        f"The gradient is off by {percent(signs.error)} of itself: the same window in float64 gives another one. "
        "The number type is too coarse for the numbers in this network.",
        numbers(gradient_error=signs.error, seen=signs.seen),
        trial(signs.settings, "dtype", "float32"),
    )
