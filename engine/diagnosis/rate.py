"""Steps that are too long or too short, and clipping that makes them so."""

from __future__ import annotations

from statistics import median

from engine.diagnosis.climb import Climb
from engine.diagnosis.record import Record
from engine.diagnosis.signs import FEWEST, READINGS, Signs
from engine.diagnosis.symptom import Symptom, numbers, percent, rate, trial
from engine.events import NOTE, PROBLEM, WARNING
from engine.settings import Settings

USUAL, USUAL_ADAPTIVE = {"sgd": 0.5}, 4e-3
"""Rates that do well with a network of a few hundred units."""

LONG, VERY_LONG = 4e-3, 8e-3
"""From here on an update moves the weights far, as a share of them; up to the second a text that never repeats itself
can need it, each part of which has its own numbers, names or words, on which the updates agree for a while.
"""

NOISE, AGREED = 0.03, 0.12
"""An agreement below the first is noise mostly. From the second on, others would take the same direction: whoever does
not get ahead along it oversteps."""

ENOUGH = 150
"""Updates before which nobody can say that a training gets nowhere."""

STALLED = 0.015
"""Less progress than this over half of the time is none."""

RISEN, RISEN_FAR = 0.1, 0.3
"""A rise of the loss that counts, in nats per character; the second where it is not known of text read before."""

MANY = 4
"""So many streams do not come to a hard passage together."""

DRIVEN = 0.7
"""Too long steps drive units into saturation: so much of them."""

RUINED = 0.95
"""With this share of its units saturated a network recovers slowly, if at all."""

DECAYS, MOMENTUM_SUMS = 0.3, 10
"""Weight decay moves the weights where its share of a step is more than this; what momentum 0.9 sums up."""

OFFER = 0.03
"""Nats per character of the last eight characters that are left to be learnt: from here on there is a reason to."""

EASY = 0.01
"""What the last eight characters tell is learnt where they offer less than this."""

PATIENT = 100.0
"""Where the updates agree for so many times as long as they need to move the weights, the steps are too short."""

SHORT, SHORTEST = 3.5e-4, 2e-5
"""Steps of less than this share of the weights may be too short; with the second, whatever the noise, nothing is learnt
in a sensible time."""

AS_SET = 0.5
"""A rate that has been annealed below this share of the knob is low on purpose."""

CUT_ALWAYS, CUT_DEEP = 0.9, 0.05
"""Clipping is too tight where so many updates are cut, to so little."""

GROWS = 10.0
"""By so much larger than at lag 0 is a gradient that explodes through time."""

SLOWED = 0.3
"""It costs something where it acts like less than this share of the rate."""


def learning_rate_too_high(signs: Signs, _record: Record) -> Symptom | None:
    """Updates overstep: the network is worse than its letters' frequencies, has become worse, or gets nowhere although
    the gradients of different text agree on where to go.

    Silent while a loss below that of the letters' frequencies falls, however long the steps are, where there is nothing
    left to be learnt, and where weight decay is what moves the weights, which cannot make a network much worse than the
    frequencies.
    """
    if signs.annealed < AS_SET:
        return None
    if decay(signs.settings) > DECAYS * signs.ratio and not signs.loss > _above(signs, 1.15):
        return None
    bound = _above(signs, 1.02)
    sure = signs.seen > bound and signs.readings >= READINGS
    # Networks begin at the letters' frequencies: where many streams are all the worse there is no need to wait.
    blatant = signs.loss > _above(signs, 1.15) and signs.settings.streams >= MANY and signs.points > 10
    rose = signs.climb is not None and _everywhere(signs, signs.climb)
    climbed = rose and signs.longest > LONG
    # Weights that grew large make of the longest steps short ones.
    worse = signs.loss > bound and (sure or blatant) and (signs.ratio > LONG / 100 or rose)
    agreed = signs.ratio > VERY_LONG and signs.agreement > AGREED
    driven = signs.longest > LONG and signs.saturated > DRIVEN and signs.agreement > NOISE
    overstep = (
        signs.age > ENOUGH
        and (agreed or driven)
        and max(signs.progress, signs.progress_long) < STALLED
        and signs.reading_progress < STALLED
        and signs.offer > EASY
    )
    if not (worse or climbed or overstep):
        return None
    since = signs.climb.since if climbed and signs.climb else signs.begin
    how = (
        f"it predicts worse ({signs.loss:.3g} nats) than the letters' frequencies do ({signs.letters:.3g})"
        if worse
        else f"the loss has risen by {max(signs.climb.reading, signs.climb.seen):.2g} nats, whatever is read"
        if climbed and signs.climb
        else f"the gradients of different text agree ({signs.agreement:.0%}), and yet the loss does not fall along them"
        if agreed
        else f"{signs.saturated:.0%} of the units are driven into saturation, and the loss does not fall"
    )
    return Symptom(
        "learning-rate-too-high",
        PROBLEM if worse else WARNING,
        since,
        f"Each update moves the weights by {percent(signs.ratio)} of themselves and oversteps: {how}."
        + (" Hardly a unit still answers: a new run at a lower rate does better." if signs.saturated > RUINED else ""),
        numbers(
            update_ratio=signs.ratio,
            agreement=signs.agreement,
            seen=signs.seen,
            letter_entropy=signs.letters,
            saturated=signs.saturated,
            loss=signs.loss,
        ),
        rate(signs.settings, _lower(signs.settings)),
    )


def decay(settings: Settings) -> float:
    """The share of the weights that weight decay takes at each update; momentum lets each go on for ten."""
    return settings.lr * settings.weight_decay * (MOMENTUM_SUMS if settings.optimizer == "sgd" else 1)


def _above(signs: Signs, factor: float) -> float:
    """A loss that is clearly above the letters' frequencies. Of a text that says next to nothing, a share says less."""
    return max(factor * signs.letters, signs.letters + OFFER)


def _everywhere(signs: Signs, climb: Climb) -> bool:
    """Whether the loss has risen on text read before as on what is read now, or, where nobody knows how it was there
    before or how it is since, on many streams together and not by what one of them reads.
    """
    before = [loss for update, loss in signs.seen_course if update <= climb.since][-READINGS:]
    since = [loss for update, loss in signs.seen_course if update > climb.since][-READINGS:]
    if len(before) >= FEWEST and since:
        return median(since) - median(before) > RISEN and climb.reading > RISEN
    alone = (signs.worst[0] - signs.loss) / signs.settings.streams
    return signs.settings.streams >= MANY and climb.reading > max(RISEN_FAR, 3 * alone)


def _lower(settings: Settings) -> float:
    """A tenth of the rate, and where that is still far above what is usual with the optimiser, less."""
    usual = USUAL.get(settings.optimizer, USUAL_ADAPTIVE)
    return max(settings.lr / 100, min(settings.lr / 10, usual))


def learning_rate_too_low(signs: Signs, _record: Record) -> Symptom | None:
    """Steps are so short that the gradient stays the same for very many of them, or that they lead nowhere.

    Silent where the loss has risen or is worse than what the letters' frequencies give, since weights that grew large
    make long steps look short; where the rate was annealed, or clipping shortens the steps; and where what the last few
    characters tell is learnt: a gradient may agree with itself for long where all that is left is hard.
    """
    if signs.annealed < AS_SET or signs.rate_used < SLOWED or signs.readings < 4:
        return None
    if signs.seen < 0.1 * signs.letters or not signs.offer > EASY:
        return None
    if signs.seen > _above(signs, 1.02) or (signs.climb is not None and signs.climb.seen > RISEN):
        return None
    patient = signs.ratio < SHORT and signs.patience > PATIENT
    if not (patient or signs.ratio < SHORTEST):
        return None
    takes = f"; it takes {0.1 / signs.ratio:,.0f} updates to change them by a tenth" if signs.ratio else ""
    return Symptom(
        "learning-rate-too-low",
        WARNING,
        signs.begin,
        f"An update moves the weights by {signs.ratio:.1g} of themselves{takes}"
        + (", and the gradient says the same all the while" if patient else "")
        + ". Larger steps would get there sooner.",
        numbers(update_ratio=signs.ratio, agreement=signs.agreement, patience=signs.patience, progress=signs.progress),
        rate(signs.settings, signs.settings.lr * 10),
    )


def clip_too_tight(signs: Signs, _record: Record) -> Symptom | None:
    """Nearly every update is cut to next to nothing.

    Silent where clipping cuts now and then, or a little, or a gradient that explodes: that is what it is for. With Adam
    and RMSprop it is a note, since they divide by the gradient's size, and a gradient that is always cut to the same
    size changes nothing.
    """
    clip = signs.settings.clip
    if clip is None or not (signs.clipped > CUT_ALWAYS and signs.factor < CUT_DEEP):
        return None
    if signs.readings < 3 or signs.growth > GROWS:
        return None
    slowed = signs.rate_used < SLOWED
    costs = (
        f"with {signs.settings.optimizer} that is like a rate of {signs.settings.lr * signs.rate_used:.1g}"
        if slowed
        else f"{signs.settings.optimizer} divides that out again, but large gradients count no more than small ones"
    )
    return Symptom(
        "clip-too-tight",
        WARNING if slowed else NOTE,
        signs.begin,
        f"{signs.clipped:.0%} of the updates are clipped, to {percent(signs.factor)} of their gradient: {costs}.",
        numbers(
            clipped=signs.clipped,
            clip_factor=signs.factor,
            rate_used=signs.settings.lr * signs.rate_used,
            grad_norm=signs.norm,
        ),
        trial(signs.settings, "clip", float(f"{2 * clip / signs.factor:.0e}")),
    )
