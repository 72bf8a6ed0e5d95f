"""Trials of what findings propose: whether the loss is lower for it half a minute later."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path

from engine.errors import UserError
from engine.events import Finding, Point
from engine.session.job import ForkedRun, Job
from engine.settings import Settings, Value, knobs
from tests.ladders.training import train

SECONDS = 30.0
"""The seconds that a training goes on with the change."""

LOWER = 0.005
"""The least difference of the validation loss that counts, in nats per character."""


def helps(finding: Finding, settings: Settings, lab: Path, run: str) -> bool | None:
    """Whether the change that a finding proposes lowers the loss of a run that has ended.

    The run goes on twice from its end, for as many characters: with the change and without it.

    Args:
        finding: the finding.
        settings: the settings of the run.
        lab: the run's lab.
        run: the run's name.

    Returns:
        None where the finding proposes no knob that can be turned while training.
    """
    trial = finding.trial
    if trial is None or trial.knob not in {knob.name for knob in knobs()}:
        return None
    try:
        value = settings.with_text(trial.knob, trial.value).value(trial.knob)
        before, chars = _loss_after(lab, run, {}, None)
        after, _ = _loss_after(lab, run, {trial.knob: value}, chars)
    except UserError:  # There is no finite state to go on from.
        return None
    return after < before - LOWER or (math.isinf(before) and math.isfinite(after))


def _loss_after(lab: Path, run: str, turned: Mapping[str, Value], chars: int | None) -> tuple[float, int]:
    """The validation loss after `SECONDS`, or after so many characters in all; and the characters by then."""
    begun, reached = time.monotonic(), 0

    def done(point: Point) -> bool:
        nonlocal reached
        reached = point.chars
        return time.monotonic() - begun >= SECONDS if chars is None else point.chars >= chars

    _, loss = train(Job(ForkedRun(run, knobs=turned), lab), done)
    return loss, reached
