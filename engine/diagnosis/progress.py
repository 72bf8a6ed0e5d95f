"""Trainings that get nowhere, where nothing else says why."""

from __future__ import annotations

from engine.diagnosis.rate import decay
from engine.diagnosis.record import Record
from engine.diagnosis.signs import LATE, LONG_AGO, Signs, progress
from engine.diagnosis.symptom import Symptom, numbers, percent, rate, trial
from engine.diagnosis.thresholds import (
    AS_SET,
    CLEAR_OFFER,
    CLEAR_RISE,
    EASY_OFFER,
    LEAST_AGE,
    MUCH_DROPOUT,
    NOISE_AGREEMENT,
    RATE_FACTOR,
    SIZE_FACTOR,
    SMALL_RATE_FACTOR,
    STALLED,
    USUAL_DROPOUT,
)
from engine.events import Cause, Severity, Trial
from engine.settings import Settings

CONTEXT_USED = 0.12
"""By how much predictions depend on what stands before, as a share of what the last letter is worth. With less than
this they are nearly the same everywhere."""

CONTEXT_GROWTH = 0.2
"""The share by which that grows over the last half of the time in a network that leaves the letter frequencies behind.
So large a share of the bound above has to be reached already, since what is next to nothing may grow by chance."""

LETTER_WORTH = 0.08
"""What the last letter has to be worth, as a share of the letters' entropy. With less there is no more to know."""

STALLED_AT_FREQUENCIES = 0.03
"""The share of itself by which the loss falls over the last half of the time where a network leaves the letter
frequencies behind."""

AT_REST = 0.025
"""The share of itself by which the loss has to fall over the last half of the time. With less than this it is at rest.
"""

AT_REST_LONG = 0.05
"""The same over the last three quarters of the time. A loss that came to rest a short while ago has fallen by more."""

REST_AGE = 300
"""Updates with the same knobs before which nobody can say that a loss has come to rest."""

REST_OFFER = 0.05
"""What a near character has to offer to a loss at rest, in nats per character. Where weight decay or dropout holds it
there, less is enough: `EASY_OFFER`."""

NOISY_STEP = 1e-3
"""The change by one update, as a share of the weights, up to which steps are too short to undo each other."""

NOISY_PATIENCE = 0.5
"""The patience below which steps are longer than their noise allows. Where they are as long as it allows it is about 1.
"""

DROPOUT_COST = 0.15
"""By how much dropout has to raise the loss of what is read to be what makes the noise, in nats per character."""

HEAVY_DECAY = 1e-3
"""The share of the weights that heavy weight decay takes at each update. A usual update moves them by as much."""


def stuck_at_letter_frequencies(signs: Signs, record: Record) -> Symptom | None:
    """The network knows how frequent each character is, and no more: it predicts the same whatever stands before.

    Silent where there is no more to know, in the first updates, and while predictions come to depend on it more and
    more.
    """
    worth = signs.letters - signs.pairs
    if signs.age < LEAST_AGE or not worth > LETTER_WORTH * signs.letters:
        return None
    if not (signs.by_context < CONTEXT_USED * worth and signs.progress < STALLED_AT_FREQUENCIES):
        return None
    course = record.series("control", "by_context", signs.begin)
    grows = progress(course, signs.begin, signs.update, LATE) < -CONTEXT_GROWTH
    if grows and signs.by_context > CONTEXT_GROWTH * CONTEXT_USED * worth:
        return None
    return Symptom(
        Cause.STUCK_AT_LETTER_FREQUENCIES,
        Severity.WARNING,
        signs.begin,
        f"The loss stays at {signs.seen:.3g} nats, where the letters' frequencies give {signs.letters:.3g}, and "
        f"predictions hardly depend on what stands before (by {max(0.0, signs.by_context):.2g} nats). To know the last "
        f"letter would give {signs.pairs:.3g}.",
        numbers(seen=signs.seen, by_context=signs.by_context, letter_entropy=signs.letters, pair_entropy=signs.pairs),
        _lighter(signs.settings) or rate(signs.settings, signs.settings.lr * SMALL_RATE_FACTOR),
    )


def noisy_updates(signs: Signs, _record: Record) -> Symptom | None:
    """The loss stays where it is since updates undo each other: their gradients hardly agree, and their steps are long.
    Or so much is dropped out that it is this which decides where an update goes.

    Silent while the loss falls: every small batch is noisy, and most learn well. With much dropout, silent where that
    costs little.
    """
    if not signs.offer > EASY_OFFER or signs.age < LEAST_AGE:
        return None
    costs = signs.loss - signs.seen > DROPOUT_COST
    hidden = signs.settings.dropout > MUCH_DROPOUT and costs and signs.age > REST_AGE
    noisy = signs.patience < NOISY_PATIENCE and signs.agreement < NOISE_AGREEMENT
    far = signs.offer > CLEAR_OFFER and noisy and signs.ratio > NOISY_STEP
    restless = far and signs.progress < STALLED and signs.reading_progress < STALLED
    if not (hidden or restless):
        return None
    length = signs.settings.bptt.mean * signs.settings.streams
    how = (
        f"With a dropout of {signs.settings.dropout:g} the loss of what is read is {signs.loss - signs.seen:.2g} nats "
        "above that at places read before, where nothing is dropped: what is dropped makes the noise."
        if hidden
        else f"An update of {length:,.0f} characters is noise for the most part: {percent(signs.agreement)} of its "
        f"gradient is what others agree with, and it moves the weights by {percent(signs.ratio)}. They undo each other."
    )
    return Symptom(
        Cause.NOISY_UPDATES,
        Severity.WARNING,
        signs.begin,
        how,
        numbers(
            agreement=signs.agreement,
            update_ratio=signs.ratio,
            patience=signs.patience,
            seen=signs.seen,
            loss=signs.loss,
        ),
        trial(signs.settings, "dropout", USUAL_DROPOUT)
        if hidden
        else rate(signs.settings, signs.settings.lr / RATE_FACTOR),
    )


def plateau(signs: Signs, _record: Record) -> Symptom | None:
    """The loss has come to rest above what the text offers, and no other rule says why.

    Silent where nothing is left to be learnt from the last few characters, and after the rate was annealed: that is
    convergence. Silent too where the loss of what is read climbed since, which is no rest.
    """
    climb = signs.climb
    if climb is not None and climb.reading > CLEAR_RISE and climb.since > signs.begin + LONG_AGO * signs.age:
        return None
    lighter = _lighter(signs.settings)
    offers = signs.offer > (EASY_OFFER if lighter else REST_OFFER)
    if signs.annealed < AS_SET or signs.age < REST_AGE or not offers:
        return None
    if not (signs.progress < AT_REST and signs.reading_progress < AT_REST and signs.progress_long < AT_REST_LONG):
        return None
    why = (
        f"{lighter.knob.replace('_', ' ')} of {signs.settings.write(lighter.knob)} may hold it there."
        if lighter
        else f"{signs.settings.cell} {signs.settings.layers}×{signs.settings.hidden} may be too small."
    )
    return Symptom(
        Cause.PLATEAU,
        Severity.WARNING,
        signs.begin,
        f"The loss rests at {signs.seen:.3g} nats, and the last eight characters would still give {signs.offer:.2g} at "
        f"one lag alone: {why}",
        numbers(seen=signs.seen, offer=signs.offer, progress=signs.progress),
        lighter or trial(signs.settings, "hidden", SIZE_FACTOR * signs.settings.hidden),
    )


def _lighter(settings: Settings) -> Trial | None:
    """The trial of no weight decay where it is heavy, of less dropout where that is; else None."""
    if decay(settings) > HEAVY_DECAY:
        return trial(settings, "weight_decay", 0.0)
    return trial(settings, "dropout", USUAL_DROPOUT) if settings.dropout > MUCH_DROPOUT else None
