"""The gradient through time: how far back it reaches, and whether it grows on its way."""

from __future__ import annotations

from engine.diagnosis.rate import GROWS
from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs, above_floor, known, progress
from engine.diagnosis.symptom import Symptom, numbers, trial
from engine.events import NOTE, WARNING
from engine.windows import LengthLaw

MISSED = 0.04
"""Nats per character, at one lag, that a memory would be worth."""

LEARNT = 0.1
"""A lag of which less than this share was learnt over half of the time is not being learnt."""

ENOUGH = 400
"""Updates before which nothing can be said of that."""

FAINT = 0.05
"""A gradient that is less than this share of that at lag 0 teaches nothing."""

STANDS_OUT = 2.0
"""How much more a far lag must be worth than what is still to be learnt nearby."""

SCATTERED = 2.0
"""How many times the scatter of what is missed at far lags it has to be worth besides."""

NEAR = 8
"""Lags up to here are near: every network learns those first."""


def exploding_gradient(signs: Signs, _record: Record) -> Symptom | None:
    """The gradient grows on its way back through time.

    Silent while it falls with the lag, whatever its norm is: a norm says nothing without one to compare it with. Silent
    too where it grows only further back than a few windows reach. A note where clipping holds it.
    """
    if not signs.growth > GROWS:
        return None
    held = signs.settings.clip is not None and signs.clipped > 0
    lag = max(range(1, len(signs.by_lag)), key=signs.by_lag.__getitem__)
    return Symptom(
        "exploding-gradient",
        NOTE if held else WARNING,
        signs.begin,
        f"The gradient grows through time: {lag} characters back it is {signs.growth:.3g} times as large as at once"
        + (f"; clipping holds it at {signs.settings.write('clip')}." if held else ", and nothing clips it."),
        numbers(growth=signs.growth, lag=lag, grad_norm=signs.norm, clipped=signs.clipped),
        trial(signs.settings, "clip", 1.0)
        if signs.settings.clip is None
        else trial(signs.settings, "bptt", signs.settings.bptt.stepped(-1)),
    )


def vanishing_gradient(signs: Signs, record: Record) -> Symptom | None:
    """The text says something at a lag within the window, which the network does not use and to which its gradient
    does not reach.

    Silent where a gradient fades and nothing is missed there: most text is decided by the last few characters, and a
    gradient that falls since the loss does is convergence. Silent too while the network still learns it.
    """
    lag = _far_lag(signs)
    if lag is None or lag > signs.settings.bptt.high or lag >= len(signs.by_lag):
        return None
    arrives = signs.by_lag[lag]
    if arrives > FAINT or not _stays(record, signs, lag):
        return None
    cell = signs.settings.cell
    return Symptom(
        "vanishing-gradient",
        WARNING,
        signs.begin,
        f"The character {lag} back is worth {signs.missed[lag - 1]:.2g} nats that the network leaves unused, and only "
        f"{arrives:.1%} of the gradient arrives there"
        + ("; a gru or lstm carries it further." if cell == "rnn" else "."),
        numbers(lag=lag, missed=signs.missed[lag - 1], arrives=arrives, seen=signs.seen),
        trial(signs.settings, "cell", "lstm")
        if cell == "rnn"
        else trial(signs.settings, "hidden", 2 * signs.settings.hidden),
    )


def bptt_too_short(signs: Signs, record: Record) -> Symptom | None:
    """The text says something behind the end of the window, and the network does not learn it.

    Silent where windows are short and nothing further back is missed: the state that is carried reaches further than
    the gradient does. Silent too while the network still learns it.
    """
    lag = _far_lag(signs)
    if lag is None or lag <= signs.settings.bptt.high or not _stays(record, signs, lag):
        return None
    longer = LengthLaw.fixed(1 << (lag * 3 // 2).bit_length())
    return Symptom(
        "bptt-too-short",
        WARNING,
        signs.begin,
        f"The character {lag} back is worth {signs.missed[lag - 1]:.2g} nats that the network leaves unused; windows "
        f"of {signs.settings.bptt} end before it.",
        numbers(lag=lag, missed=signs.missed[lag - 1], bptt=signs.settings.bptt.high, seen=signs.seen),
        trial(signs.settings, "bptt", longer),
    )


def _stays(record: Record, signs: Signs, lag: int) -> bool:
    """Whether what is missed at a lag has hardly become less."""
    worth = [(update, above_floor(known(gains))[lag - 1]) for update, gains in record.lists("control", "missed")]
    return signs.age > ENOUGH and progress(worth, signs.begin, signs.update) < LEARNT


def _far_lag(signs: Signs) -> int | None:
    """The lag of which most is missed, where that is much more than of any near one."""
    if len(signs.missed) <= NEAR:
        return None
    lag = max(range(len(signs.missed)), key=signs.missed.__getitem__) + 1
    worth = signs.missed[lag - 1]
    clear = worth > MISSED + SCATTERED * signs.scatter and worth > STANDS_OUT * signs.offer
    return lag if lag > NEAR and clear else None
