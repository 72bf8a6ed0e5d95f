"""The gradient through time: how far back it reaches, and whether it grows."""

from __future__ import annotations

import math
from typing import TypedDict

from engine.diagnosis.rate import usual_rate
from engine.diagnosis.record import Record
from engine.diagnosis.signs import LATE, Signs, above_floor, known, progress
from engine.diagnosis.symptom import Symptom, numbers, trial
from engine.diagnosis.thresholds import EXPLODES, FEW_POINTS, NEAR_LAGS, SIZE_FACTOR, USUAL_CLIP
from engine.events import Cause, Severity
from engine.numbers import counted
from engine.windows import LengthLaw

FAR_OFFER = 0.04
"""The least offer of a far character that is worth a longer memory, in nats per character."""

FAR_OFFER_SCATTERS = 2.0
"""The multiple of the far lags' scatter that is added to `FAR_OFFER`. The largest of many lags is large by chance."""

FAR_OVER_NEAR = 2.0
"""The multiple of every near character's offer that a far one must exceed: networks learn near characters first."""

LEARNING_FAR = 0.1
"""The relative fall of a far character's offer over the last half of the time from which the network is learning it."""

FAR_AGE = 1_500
"""The updates with unchanged knobs before which it is too early to say that a far character within the window is not
being learnt."""

BEYOND_AGE = 200
"""The same for a character beyond the window, which no gradient reaches."""

WORTH_BEHIND = 0.15
"""The least that the characters just behind a short window are worth, in nats per character."""

LEARNT_WITHIN = 1.1
"""The loss, as a multiple of what the characters within the window leave uncertain, from which the window holds a
network back and not its steps."""

USUAL_WINDOW = 32
"""The window that is proposed instead of one of a few characters."""

HUGE_NORM = 30.0
"""The gradient norm from which a single update that nothing clips does harm. It is usually between 0.05 and 5."""

FAINT_GRADIENT = 0.05
"""The largest gradient at a lag, as a share of that at lag 0, that teaches nothing there."""

WINDOW_PER_LAG = 1.5
"""The length of the proposed window as a multiple of the lag, before it is rounded up to a power of two."""


def exploding_gradient(signs: Signs, record: Record) -> Symptom | None:
    """The gradient grows on its way back through time, or did so at an update that nothing clipped.

    Silent while it falls with the lag and was never huge: a norm alone says little. Silent too where it grows only
    beyond a few windows. The finding is a note where clipping limits the gradient.
    """
    if not signs.growth > EXPLODES:
        return _exploded(signs, record)
    held = signs.settings.clip is not None and signs.clipped > 0
    lag = max(range(1, len(signs.by_lag)), key=signs.by_lag.__getitem__)
    return Symptom(
        Cause.EXPLODING_GRADIENT,
        Severity.NOTE if held else Severity.WARNING,
        signs.begin,
        f"The gradient grows through time: {lag} characters back it is {signs.growth:.3g} times as large as at lag 0. "
        + (f"Clipping limits it to {signs.settings.write('clip')}." if held else "Nothing clips it."),
        numbers(growth=signs.growth, lag=lag, grad_norm=signs.norm, clipped=signs.clipped),
        trial(signs.settings, "clip", USUAL_CLIP)
        if signs.settings.clip is None
        else trial(signs.settings, "bptt", signs.settings.bptt.stepped(-1)),
    )


def _exploded(signs: Signs, record: Record) -> Symptom | None:
    """The gradient was huge at one update, at a learning rate that is not: it came so through time.

    After such an update a plain network is often saturated, and its gradient as small as before it was huge.
    """
    highest = record.highest
    if highest is None or signs.settings.clip is not None or not highest.grad_norm_max > HUGE_NORM:
        return None
    if highest.lr > usual_rate(signs.settings):
        return None
    return Symptom(
        Cause.EXPLODING_GRADIENT,
        Severity.WARNING,
        highest.update,
        f"By update {highest.update:,} the norm of a gradient was {highest.grad_norm_max:.3g}, where it is usually "
        "below 5. Nothing clips it, so that a single update can undo what was learnt.",
        numbers(grad_norm=highest.grad_norm_max, lr=highest.lr, saturated=signs.saturated),
        trial(signs.settings, "clip", USUAL_CLIP),
        by_points=True,
    )


def vanishing_gradient(signs: Signs, record: Record) -> Symptom | None:
    """The network leaves information at a lag within its window unused, and the gradient does not reach that lag.

    Silent where a gradient fades and nothing is missed there: the last few characters decide most text, and a gradient
    that falls with the loss is convergence. Silent too while the network is still learning it.
    """
    lag = _far_lag(signs)
    if lag is None or lag > signs.settings.bptt.reach or lag >= len(signs.by_lag):
        return None
    arrives = signs.by_lag[lag]
    if arrives > FAINT_GRADIENT or _is_learnt(record, signs, lag):
        return None
    cell = signs.settings.cell
    return Symptom(
        Cause.VANISHING_GRADIENT,
        Severity.WARNING,
        signs.begin,
        f"The character {lag} back is worth {signs.missed[lag - 1]:.2g} nats that the network leaves unused. Only "
        f"{arrives:.1%} of the gradient arrives there."
        + (" A gru or lstm carries it further." if cell == "rnn" else ""),
        numbers(lag=lag, missed=signs.missed[lag - 1], arrives=arrives, seen=signs.seen),
        trial(signs.settings, "cell", "lstm")
        if cell == "rnn"
        else trial(signs.settings, "hidden", SIZE_FACTOR * signs.settings.hidden),
        # A plain cell's gradient does not return; those of others may, as their gates learn to stay open.
        **_wait(record, signs, lag, BEYOND_AGE if cell == "rnn" else FAR_AGE),
    )


def bptt_too_short(signs: Signs, record: Record) -> Symptom | None:
    """The text holds information further back than the window, and the network does not learn it.

    Silent where windows are short and nothing further back is missed: the carried state reaches further than the
    gradient. Silent too while the network is still learning it.
    """
    if (few := _few_characters(signs)) is not None:
        return few
    lag = _far_lag(signs)
    if lag is None or lag <= signs.settings.bptt.reach or _is_learnt(record, signs, lag):
        return None
    longer = LengthLaw.fixed(1 << int(WINDOW_PER_LAG * lag).bit_length())
    return Symptom(
        Cause.BPTT_TOO_SHORT,
        Severity.WARNING,
        signs.begin,
        f"The character {lag} back is worth {signs.missed[lag - 1]:.2g} nats that the network leaves unused. Windows "
        f"of {signs.settings.bptt} do not reach it.",
        numbers(lag=lag, missed=signs.missed[lag - 1], bptt=signs.settings.bptt.reach, seen=signs.seen),
        trial(signs.settings, "bptt", longer),
        **_wait(record, signs, lag, BEYOND_AGE),
    )


def _few_characters(signs: Signs) -> Symptom | None:
    """Windows of so few characters that what lies just behind them can be counted in the text."""
    window, uncertain = signs.settings.bptt.reach, signs.by_characters
    if not window < len(uncertain) - 1 or signs.points < FEW_POINTS:
        return None
    within, behind = uncertain[window], uncertain[-1]
    loss = signs.loss if math.isnan(signs.seen) else min(signs.loss, signs.seen)
    if within - behind < WORTH_BEHIND or not uncertain[window + 1] < loss < LEARNT_WITHIN * within:
        return None
    return Symptom(
        Cause.BPTT_TOO_SHORT,
        Severity.WARNING,
        signs.begin,
        f"No gradient reaches further back than {counted(window, 'character')}. That leaves {within:.3g} nats of the "
        f"next one uncertain, and the network is at {loss:.3g}; {len(uncertain) - 1} characters leave {behind:.3g}.",
        numbers(bptt=window, within=within, behind=behind, loss=loss),
        trial(signs.settings, "bptt", LengthLaw.fixed(USUAL_WINDOW)),
        by_points=True,
    )


def _course(record: Record, signs: Signs, lag: int) -> float:
    """The relative fall of the information missed at a lag over the last half of the time; nan if not known yet."""
    worth = [(update, above_floor(known(gains))[lag - 1]) for update, gains in record.lists("control", "missed")]
    return progress(worth, signs.turned, signs.update, LATE)


def _is_learnt(record: Record, signs: Signs, lag: int) -> bool:
    """Whether the information missed at a lag becomes less."""
    return _course(record, signs, lag) >= LEARNING_FAR


class _Wait(TypedDict):
    """The parts of a `Symptom` that say what is missing, and which instruments tell more."""

    waits_for: str
    awaits: frozenset[str]


def _wait(record: Record, signs: Signs, lag: int, age: int) -> _Wait:
    """The readings or the update to wait for, to know that a network does not learn this lag."""
    if signs.update - signs.turned <= age:
        # Readings before that tell nothing, and would be missing after it.
        return {"waits_for": f"update {signs.turned + age:,}", "awaits": frozenset()}
    unknown = math.isnan(_course(record, signs, lag))
    return {"waits_for": "more control samples" if unknown else "", "awaits": frozenset({"control"})}


def _far_lag(signs: Signs) -> int | None:
    """The lag at which most is missed, where that is much more than at any near lag; else None."""
    if len(signs.missed) <= NEAR_LAGS:
        return None
    lag = max(range(len(signs.missed)), key=signs.missed.__getitem__) + 1
    worth = signs.missed[lag - 1]
    clear = worth > FAR_OFFER + FAR_OFFER_SCATTERS * signs.scatter and worth > FAR_OVER_NEAR * signs.offer
    return lag if lag > NEAR_LAGS and clear else None
