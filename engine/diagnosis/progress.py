"""Trainings that get nowhere, where no other rule says why."""

from __future__ import annotations

import math

from engine.diagnosis.rate import DIVIDES, decay, usual_rate
from engine.diagnosis.record import Record
from engine.diagnosis.signs import LATE, LONG_AGO, Signs, progress
from engine.diagnosis.symptom import Symptom, numbers, percent, rate, trial
from engine.diagnosis.thresholds import (
    AS_SET,
    CLEAR_OFFER,
    CLEAR_RISE,
    COUNTED,
    EASY_OFFER,
    EXTREME_COST,
    EXTREME_DROPOUT,
    LEAST_AGE,
    MUCH_DROPOUT,
    NOISE_AGREEMENT,
    RATE_FACTOR,
    REST_OFFER,
    SIZE_FACTOR,
    SMALL_RATE_FACTOR,
    STALLED,
    USUAL_DROPOUT,
)
from engine.events import Cause, Severity, Trial
from engine.settings import Settings

CONTEXT_USED = 0.12
"""The least dependence of predictions on the text before them, as a share of what the last letter is worth. With less,
they are nearly the same everywhere."""

CONTEXT_GROWTH = 0.2
"""The relative growth of that over the last half of the time from which a network is learning more than the letter
frequencies. This share of the bound above must also be reached, since a tiny value may grow by chance."""

LETTER_WORTH = 0.08
"""The least worth of the last letter, as a share of the letters' entropy. With less there is nothing more to learn."""

STALLED_AT_FREQUENCIES = 0.03
"""The relative fall of the loss over the last half of the time from which a network is learning more than the letter
frequencies."""

AT_REST = 0.025
"""The least relative fall of the loss over the last half of the time. With less, it is at rest."""

AT_REST_LONG = 0.05
"""The same over the last three quarters of the time. A loss that came to rest only recently has fallen by more."""

USUAL_HIDDEN = 128
"""The units that are proposed instead of far too few."""

FEW_REST, FEW_REST_LONG = 0.1, 0.2
"""The same two where the network has few units, which says why."""

REST_AGE = 300
"""The updates with unchanged knobs before which it is too early to say that a loss has come to rest."""

OTHER_TEXT = 0.1
"""The loss at the places of the control samples above that of the text being read, in nats per character, from which
they are of another kind."""

NOISY_STEP = 1e-3
"""The change by one update, as a share of the weights, up to which steps are too short to undo each other."""

NOISY_PATIENCE = 0.5
"""The patience below which steps are longer than their noise allows. It is about 1 for the longest that it allows."""

DROPOUT_COST = 0.15
"""The least rise of the training loss by dropout from which dropout makes the noise, in nats per character."""

EXTREME_AGE = 50
"""The updates with unchanged knobs after which the cost of extreme dropout is known."""

HEAVY_DECAY, HEAVY_IN_GRADIENT = 5e-4, 0.03
"""The share of the weights that heavy weight decay removes at each update: half of them within 1,400 updates. Where it
is part of a gradient that is divided by its size, the amount of weight decay with which it outweighs the rest."""

HOLDING = 0.5
"""The share of an update's change that weight decay takes back from which it holds the weights where they are."""

CRUSHING_DECAY, CRUSHED_AGE = 0.03, 20
"""The share of the weights from which weight decay leaves little to wait for: half of them is gone within 25 updates.
And the updates after which weight decay has shown what it leaves."""


def stuck_at_letter_frequencies(signs: Signs, record: Record) -> Symptom | None:
    """The network knows the frequency of each character and no more: it predicts the same whatever text comes before.

    Silent where there is nothing more to learn, in the first updates, and while predictions depend more and more on the
    text before them.
    """
    worth = signs.letters - signs.table
    crushed = decay(signs.settings) > CRUSHING_DECAY and signs.age >= CRUSHED_AGE
    if not worth > LETTER_WORTH * signs.letters or not signs.by_context < CONTEXT_USED * worth:
        return None
    if not (crushed or (signs.age >= LEAST_AGE and signs.progress < STALLED_AT_FREQUENCIES)):
        return None
    course = record.series("control", "by_context", signs.begin)
    grows = progress(course, signs.begin, signs.update, LATE) < -CONTEXT_GROWTH
    if grows and signs.by_context > CONTEXT_GROWTH * CONTEXT_USED * worth:
        return None
    return Symptom(
        Cause.STUCK_AT_LETTER_FREQUENCIES,
        Severity.WARNING,
        signs.begin,
        f"The loss stays at {signs.loss if math.isnan(signs.seen) else signs.seen:.3g} nats; the letters' frequencies "
        f"alone give {signs.letters:.3g}. "
        f"Predictions hardly depend on the text before them (by {max(0.0, signs.by_context):.2g} nats). "
        f"A table of the last few would bring the loss to {signs.table:.3g}.",
        numbers(seen=signs.seen, by_context=signs.by_context, letter_entropy=signs.letters, pair_entropy=signs.pairs),
        _lighter(signs.settings) or rate(signs.settings, _other_rate(signs.settings)),
    )


def noisy_updates(signs: Signs, _record: Record) -> Symptom | None:
    """The loss stalls because updates undo each other: their gradients hardly agree, and their steps are long.

    Much dropout is a second source of such noise. Silent while the loss falls: every small batch is noisy, and most
    learn well. With much dropout, silent where it costs little.
    """
    extreme = signs.settings.dropout >= EXTREME_DROPOUT
    if not signs.offer > EASY_OFFER or signs.age < (EXTREME_AGE if extreme else LEAST_AGE):
        return None
    costs = signs.loss - signs.seen > (EXTREME_COST if extreme else DROPOUT_COST)
    hidden = signs.settings.dropout > MUCH_DROPOUT and costs and (extreme or signs.age > REST_AGE)
    noisy = signs.patience < NOISY_PATIENCE and signs.agreement < NOISE_AGREEMENT
    far = signs.offer > CLEAR_OFFER and noisy and signs.ratio > NOISY_STEP
    restless = far and signs.progress < STALLED and signs.reading_progress < STALLED
    if not (hidden or restless):
        return None
    length = signs.settings.bptt.mean * signs.settings.streams
    how = (
        f"Dropout of {signs.settings.dropout:g} makes the noise: the training loss is {signs.loss - signs.seen:.2g} "
        "nats above the loss at places read before, where nothing is dropped."
        if hidden
        else f"Updates of {length:,.0f} characters are mostly noise and undo each other. They agree on "
        f"{percent(signs.agreement)} of their gradients, and each moves the weights by {percent(signs.ratio)}."
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
    """The loss has come to rest although the text offers more, and no other rule says why; or weight decay holds it.

    Where the network has few units, a slow fall is enough.

    Silent where the last few characters have nothing left to teach, and after the learning rate was annealed: that is
    convergence. Silent too where the training loss climbed since then, which is no rest, and where the places at which
    the offer is measured are of another kind than what is read, such as rows with other numbers.
    """
    if (held := _held_by_decay(signs)) is not None:
        return held
    climb = signs.climb
    if climb is not None and climb.reading > CLEAR_RISE and climb.since > signs.begin + LONG_AGO * signs.age:
        return None
    lighter = _lighter(signs.settings)
    by_counting = signs.seen - signs.table
    known = lighter is not None or signs.few_units
    offers = signs.offer > (EASY_OFFER if known else REST_OFFER) or by_counting > COUNTED
    if signs.annealed < AS_SET or not offers:
        return None
    # The training loss of a single stream varies more than it falls. Where something may hold it, there is a witness.
    as_read = signs.reading_progress < AT_REST and signs.seen < signs.loss + OTHER_TEXT
    if not (known or as_read):
        return None
    crushed = decay(signs.settings) > CRUSHING_DECAY and signs.age >= CRUSHED_AGE
    least, least_long = (FEW_REST, FEW_REST_LONG) if signs.few_units else (AT_REST, AT_REST_LONG)
    rests = signs.age >= REST_AGE and signs.progress < least and signs.progress_long < least_long
    if not (rests or crushed):
        return None
    high_rate = not lighter and not signs.few_units and signs.settings.lr >= RATE_FACTOR * usual_rate(signs.settings)
    if lighter:
        why = f"Perhaps {lighter.knob.replace('_', ' ')} of {signs.settings.write(lighter.knob)} holds it there."
    elif signs.few_units:
        characters = math.exp(signs.letters)
        why = f"{signs.settings.hidden} units are too few to tell the text's characters apart (about {characters:.0f})."
    elif high_rate:
        why = f"Perhaps a learning rate of {signs.settings.lr:g} is too high to come lower."
    else:
        why = f"Perhaps {signs.settings.cell} {signs.settings.layers}×{signs.settings.hidden} is too small."
    slower = rate(signs.settings, signs.settings.lr / RATE_FACTOR) if high_rate else None
    larger = USUAL_HIDDEN if signs.few_units else SIZE_FACTOR * signs.settings.hidden
    return Symptom(
        Cause.PLATEAU,
        Severity.WARNING,
        signs.begin,
        f"The loss {'rests' if signs.progress < AT_REST else 'hardly falls'} at {signs.seen:.3g} nats, although "
        + (
            f"a table of the text's last few characters comes to {signs.table:.3g}. {why}"
            if by_counting > max(COUNTED, signs.offer)
            else f"one of the near characters alone would still lower it by {signs.offer:.2g}. {why}"
        ),
        numbers(seen=signs.seen, offer=signs.offer, progress=signs.progress),
        lighter or slower or trial(signs.settings, "hidden", larger),
    )


def _held_by_decay(signs: Signs) -> Symptom | None:
    """Weight decay takes back most of what each update does.

    Silent where it may keep the network from memorising: where that knows more than a table of the last few characters,
    and predicts text read before better than other text.
    """
    removed, loss = decay(signs.settings), signs.loss if math.isnan(signs.seen) else signs.seen
    # What it takes grows with the rate as an update does, so that there is no need to wait for the end of the warm-up.
    ratio = signs.full_ratio if math.isnan(signs.ratio) else signs.ratio
    if signs.annealed < AS_SET or signs.update - signs.turned < CRUSHED_AGE or not removed > HOLDING * ratio:
        return None
    if not loss > signs.table and not signs.held_out < loss + OTHER_TEXT:
        return None
    return Symptom(
        Cause.PLATEAU,
        Severity.WARNING,
        signs.begin,
        f"Weight decay of {signs.settings.weight_decay:g} takes {percent(removed)} off the weights at each update"
        + (f", which changes them by {percent(ratio)} in all" if ratio > removed else "")
        + f": little of what is learnt stays. The loss is {loss:.3g} nats.",
        numbers(seen=signs.seen, loss=signs.loss, update_ratio=ratio),
        trial(signs.settings, "weight_decay", 0.0),
    )


def _other_rate(settings: Settings) -> float:
    """Three times the learning rate where it is below the usual one; a tenth of it where it is not."""
    usual = usual_rate(settings)
    return min(usual, SMALL_RATE_FACTOR * settings.lr) if settings.lr < usual else settings.lr / RATE_FACTOR


def _lighter(settings: Settings) -> Trial | None:
    """The trial of no weight decay where it is heavy, or else of less dropout where that is high; otherwise None."""
    heavy = decay(settings) > HEAVY_DECAY
    if heavy or (settings.optimizer in DIVIDES and settings.weight_decay > HEAVY_IN_GRADIENT):
        return trial(settings, "weight_decay", 0.0)
    return trial(settings, "dropout", USUAL_DROPOUT) if settings.dropout > MUCH_DROPOUT else None
