"""Trainings that get nowhere, where nothing else says why."""

from __future__ import annotations

from engine.diagnosis.rate import AS_SET, OFFER, STALLED
from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs
from engine.diagnosis.symptom import Symptom, numbers, rate, trial
from engine.diagnosis.through_time import MOST_HIDDEN
from engine.events import WARNING, Trial
from engine.settings import Settings

NEAR_FREQUENCIES = 0.04
"""A loss within this share of the letters' entropy is that of the frequencies."""

ENOUGH = 150
"""Updates within which every network leaves the frequencies behind."""

NOISE = 0.03
"""An agreement below this is noise mostly."""

RESTLESS_RATIO = 1e-3
"""Steps below this share of the weights are not long."""

MUCH_DROPOUT, HIDDEN = 0.6, 0.15
"""With more dropout than this, and a loss that is so many nats higher by it, it is dropout that makes the noise."""

HEAVY_DECAY = 1e-3
"""Weight decay that takes so much of the weights at each update is heavy."""

RESTLESS = 0.5
"""With a patience below this the steps are longer than their noise allows."""


def stuck_at_letter_frequencies(signs: Signs, _record: Record) -> Symptom | None:
    """The network knows how frequent each character is, and no more.

    Silent where there is no more to know, in the first updates, and where what is read now is known better: what was
    read before may be forgotten.
    """
    if signs.age < ENOUGH or signs.letters - signs.pairs < 2 * NEAR_FREQUENCIES * signs.letters:
        return None
    least = (1 - NEAR_FREQUENCIES) * signs.letters
    if not (min(signs.seen, signs.loss) > least and signs.progress < 2 * STALLED):
        return None
    return Symptom(
        "stuck-at-letter-frequencies",
        WARNING,
        signs.begin,
        f"The loss stays at {signs.seen:.3g} nats, which the letters' frequencies alone give ({signs.letters:.3g}); to "
        f"know the last letter as well would give {signs.pairs:.3g}.",
        numbers(seen=signs.seen, letter_entropy=signs.letters, pair_entropy=signs.pairs, update_ratio=signs.ratio),
        _lighter(signs.settings) or rate(signs.settings.lr * 3),
    )


def noisy_updates(signs: Signs, _record: Record) -> Symptom | None:
    """The loss stays where it is since updates undo each other: their gradients hardly agree, and their steps are long.

    Silent while the loss falls: every small batch is noisy, and most learn well.
    """
    if not signs.offer > OFFER or signs.age < ENOUGH:
        return None
    hidden = signs.settings.dropout > MUCH_DROPOUT and signs.loss - signs.seen > HIDDEN and signs.age > 2 * ENOUGH
    far = signs.patience < RESTLESS and signs.agreement < NOISE and signs.ratio > RESTLESS_RATIO
    restless = far and max(signs.progress, signs.reading_progress) < STALLED
    if not (hidden or restless):
        return None
    length = signs.settings.bptt.mean * signs.settings.streams
    return Symptom(
        "noisy-updates",
        WARNING,
        signs.begin,
        f"An update of {length:,.3g} characters is noise for the most part: {signs.agreement:.1%} of its gradient is "
        f"what others agree with, and it moves the weights by {signs.ratio:.2%}. They undo each other.",
        numbers(agreement=signs.agreement, update_ratio=signs.ratio, patience=signs.patience, seen=signs.seen),
        trial("dropout", 0.2) if hidden else rate(signs.settings.lr / 10),
    )


def plateau(signs: Signs, _record: Record) -> Symptom | None:
    """The loss has come to rest above what the text offers, and no other rule says why.

    Silent where nothing is left to be learnt from the last few characters, and after the rate was annealed: that is
    convergence.
    """
    if signs.annealed < AS_SET or signs.age < 2 * ENOUGH or not signs.offer > OFFER:
        return None
    if not (max(signs.progress, signs.reading_progress) < STALLED and signs.progress_long < 5 * STALLED):
        return None
    return Symptom(
        "plateau",
        WARNING,
        signs.begin,
        f"The loss rests at {signs.seen:.3g} nats, and the last eight characters would still give {signs.offer:.2g} at "
        f"one lag alone. {signs.settings.cell} {signs.settings.layers}×{signs.settings.hidden} may be too small.",
        numbers(seen=signs.seen, offer=signs.offer, progress=signs.progress),
        _lighter(signs.settings) or trial("hidden", min(MOST_HIDDEN, 2 * signs.settings.hidden)),
    )


def _lighter(settings: Settings) -> Trial | None:
    """The trial of no weight decay where it is heavy, of less dropout where that is; else None."""
    if settings.lr * settings.weight_decay > HEAVY_DECAY:
        return trial("weight_decay", 0.0)
    return trial("dropout", 0.2) if settings.dropout > MUCH_DROPOUT else None
