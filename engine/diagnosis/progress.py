"""Trainings that get nowhere, where nothing else says why."""

from __future__ import annotations

from engine.diagnosis.rate import AS_SET, EASY, NOISE, OFFER, RISEN, STALLED, decay
from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs, progress
from engine.diagnosis.symptom import Symptom, numbers, percent, rate, trial
from engine.events import WARNING, Trial
from engine.settings import Settings

THE_SAME = 0.12
"""Predictions that depend on what stands before them by less than this share of what the last letter alone is worth are
nearly the same everywhere."""

LEAVING = 0.2
"""By more than this share of itself it grew over half of the time in a network that leaves the frequencies behind."""

LEAST_TO_KNOW = 0.08
"""The share of the letters' entropy that the last letter has to be worth."""

ENOUGH = 150
"""Updates within which every network leaves the frequencies behind."""

RESTS = 0.025
"""Less progress than this over half of the time is rest, where …"""

OFFERED = 0.05
"""… so many nats of the last eight characters are left to be learnt, or anything where something heavy holds it."""

RESTLESS_RATIO = 1e-3
"""Steps below this share of the weights are not long."""

MUCH_DROPOUT, HIDDEN = 0.6, 0.15
"""With more dropout than this, and a loss that is so many nats higher by it, it is dropout that makes the noise."""

HEAVY_DECAY = 1e-3
"""Weight decay that takes so much of the weights at each update is heavy."""

RESTLESS = 0.5
"""With a patience below this the steps are longer than their noise allows."""


def stuck_at_letter_frequencies(signs: Signs, record: Record) -> Symptom | None:
    """The network knows how frequent each character is, and no more: it predicts the same whatever stands before.

    Silent where there is no more to know, in the first updates, and while predictions come to depend on it more and
    more.
    """
    worth = signs.letters - signs.pairs
    if signs.age < ENOUGH or not worth > LEAST_TO_KNOW * signs.letters:
        return None
    if not (signs.by_context < THE_SAME * worth and signs.progress < 2 * STALLED):
        return None
    course = record.series("control", "by_context", signs.begin)
    if signs.by_context > LEAVING * THE_SAME * worth and progress(course, signs.begin, signs.update) < -LEAVING:
        return None
    return Symptom(
        "stuck-at-letter-frequencies",
        WARNING,
        signs.begin,
        f"The loss stays at {signs.seen:.3g} nats, where the letters' frequencies give {signs.letters:.3g}, and "
        f"predictions hardly depend on what stands before (by {max(0.0, signs.by_context):.2g} nats). To know the last "
        f"letter would give {signs.pairs:.3g}.",
        numbers(seen=signs.seen, by_context=signs.by_context, letter_entropy=signs.letters, pair_entropy=signs.pairs),
        _lighter(signs.settings) or rate(signs.settings, signs.settings.lr * 3),
    )


def noisy_updates(signs: Signs, _record: Record) -> Symptom | None:
    """The loss stays where it is since updates undo each other: their gradients hardly agree, and their steps are long.
    Or so much is dropped out that it is this which decides where an update goes.

    Silent while the loss falls: every small batch is noisy, and most learn well. With much dropout, silent where that
    costs little.
    """
    if not signs.offer > EASY or signs.age < ENOUGH:
        return None
    hidden = signs.settings.dropout > MUCH_DROPOUT and signs.loss - signs.seen > HIDDEN and signs.age > 2 * ENOUGH
    far = signs.offer > OFFER and signs.patience < RESTLESS and signs.agreement < NOISE and signs.ratio > RESTLESS_RATIO
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
        "noisy-updates",
        WARNING,
        signs.begin,
        how,
        numbers(
            agreement=signs.agreement,
            update_ratio=signs.ratio,
            patience=signs.patience,
            seen=signs.seen,
            loss=signs.loss,
        ),
        trial(signs.settings, "dropout", 0.2) if hidden else rate(signs.settings, signs.settings.lr / 10),
    )


def plateau(signs: Signs, _record: Record) -> Symptom | None:
    """The loss has come to rest above what the text offers, and no other rule says why.

    Silent where nothing is left to be learnt from the last few characters, and after the rate was annealed: that is
    convergence. Silent too where the loss of what is read climbed since, which is no rest.
    """
    climb = signs.climb
    if climb is not None and climb.reading > RISEN and climb.since > signs.begin + signs.age / 4:
        return None
    lighter = _lighter(signs.settings)
    offers = signs.offer > (EASY if lighter else OFFERED)
    if signs.annealed < AS_SET or signs.age < 2 * ENOUGH or not offers:
        return None
    if not (signs.progress < RESTS and signs.reading_progress < RESTS and signs.progress_long < 2 * RESTS):
        return None
    why = (
        f"{lighter.knob.replace('_', ' ')} of {signs.settings.write(lighter.knob)} may hold it there."
        if lighter
        else f"{signs.settings.cell} {signs.settings.layers}×{signs.settings.hidden} may be too small."
    )
    return Symptom(
        "plateau",
        WARNING,
        signs.begin,
        f"The loss rests at {signs.seen:.3g} nats, and the last eight characters would still give {signs.offer:.2g} at "
        f"one lag alone: {why}",
        numbers(seen=signs.seen, offer=signs.offer, progress=signs.progress),
        lighter or trial(signs.settings, "hidden", 2 * signs.settings.hidden),
    )


def _lighter(settings: Settings) -> Trial | None:
    """The trial of no weight decay where it is heavy, of less dropout where that is; else None."""
    if decay(settings) > HEAVY_DECAY:
        return trial(settings, "weight_decay", 0.0)
    return trial(settings, "dropout", 0.2) if settings.dropout > MUCH_DROPOUT else None
