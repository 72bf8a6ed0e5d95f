"""Common hypotheses about a training, ready to be raced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.events import Idea
from engine.race.result import Verdict
from engine.settings import Settings, Value, setting
from engine.windows import ALL, LAST, LONGEST, LengthLaw

FACTOR = 3.0
"""The factor by which the learning rate is raised or lowered: about the smallest with a visible effect."""

STRETCH = 4
"""The factor by which windows are made longer or shorter."""


def ideas(settings: Settings) -> Iterator[Idea]:
    """The common hypotheses about a training with these settings.

    The first variant of each is the training as it is.
    """
    lr = settings.lr
    for claim, other in (("the learning rate is too high", lr / FACTOR), ("the learning rate is too low", lr * FACTOR)):
        if setting("lr").kind.allows(other):
            yield _knob(settings, claim, "lr", other, Verdict.BETTER)
    if settings.clip is None:
        yield _knob(settings, "clipping at 1 helps", "clip", 1.0, Verdict.BETTER)
    else:
        yield _knob(settings, f"clipping at {settings.write('clip')} helps", "clip", None, Verdict.WORSE)
    law = settings.bptt
    if law.high // STRETCH:
        yield _knob(settings, "shorter windows do better", "bptt", law.scaled(1 / STRETCH), Verdict.BETTER)
    if law.high * STRETCH <= LONGEST:
        yield _knob(settings, "longer windows do better", "bptt", law.scaled(STRETCH), Verdict.BETTER)
    if law.kind == "fixed" and 1 < law.high <= LONGEST // 2:
        around = LengthLaw("uniform", 1, 2 * law.high - 1)
        yield _knob(settings, "windows of random length do better", "bptt", around, Verdict.BETTER)
    if settings.targets == LAST:
        yield _knob(settings, "the loss over all characters does better", "targets", ALL, Verdict.BETTER)
    else:
        yield _knob(settings, "the loss over the last character alone does worse", "targets", LAST, Verdict.WORSE)
    if not settings.dropout:
        yield _knob(settings, "dropout helps", "dropout", 0.2, Verdict.BETTER)
    exact = replace(settings, dtype="float32")
    yield _knob(exact, "the number type makes no difference", "dtype", "bfloat16", Verdict.SAME)


def _knob(settings: Settings, claim: str, name: str, value: Value, expected: str) -> Idea:
    rounded = float(f"{value:.3g}") if isinstance(value, float) else value
    other = setting(name).kind.write(rounded)
    return Idea(claim, "", f"{name}={settings.write(name)},{other}", expected)
