"""Steps that are too long or too short, and clipping that is too tight."""

from __future__ import annotations

import math
from statistics import median

from engine.diagnosis.climb import Climb
from engine.diagnosis.data import not_the_network
from engine.diagnosis.record import Record
from engine.diagnosis.signs import LEAST_READINGS, PATIENCE_DISTANCE, READINGS, Signs
from engine.diagnosis.symptom import Symptom, numbers, percent, rate, trial
from engine.diagnosis.thresholds import (
    AS_SET,
    CLEAR_OFFER,
    CLEAR_RISE,
    COUNTED,
    CUT_ALWAYS,
    DRIVEN,
    EASY_OFFER,
    EXPLODES,
    EXTREME_COST,
    EXTREME_DROPOUT,
    FEW_POINTS,
    LEAST_AGE,
    LONG_STEP,
    MANY_STREAMS,
    MUCH_DROPOUT,
    NOISE_AGREEMENT,
    RATE_FACTOR,
    REST_OFFER,
    RUINED,
    SATURATED_AT_START,
    STALLED,
)
from engine.events import Cause, Severity
from engine.numbers import counted
from engine.settings import Settings
from engine.windows import LAST

# --- too high --------------------------------------------------------------------------------------------------------

WORSE = 1.02
"""The loss, as a multiple of the letters' entropy, from which a network is worse than one that knows only the
letters' frequencies. A fresh network begins there."""

MUCH_WORSE = 1.15
"""The same for a loss that is clearly worse: neither weight decay nor a few windows make it so high."""

BLATANT_POINTS = 10
"""The points after a change of a knob from which a loss that is much worse needs no second reading."""

RECOVERS = 0.05
"""The least relative fall of the loss, over the last half of the time since a knob was turned, of a network that is on
its way back from where long steps drove it."""

MOVING_STEP = 4e-5
"""The change by one update, as a share of the weights, below which updates cannot have made the loss worse."""

VERY_LONG_STEP = 8e-3
"""The change by one update, as a share of the weights, from which a step is too long if the loss does not fall. A text
that never repeats itself can need even shorter steps: each part has its own numbers, names or words."""

BLATANTLY_LONG_STEP, BLATANT_AGE = 1.2e-2, 80
"""The change by one update, as a share of the weights, from which a stall of the training loss is enough, and the
updates with unchanged knobs that it must last."""

CLEAR_AGREEMENT = 0.12
"""The share of a gradient on which different text agrees from which the direction is clear. A network that makes no
progress along it oversteps."""

CONTEXT_LOST = 0.01
"""The dependence of predictions on the text before them, as a share of the letters' entropy, below which a network that
has become worse than the letters' frequencies has forgotten what it knew."""

CLEAR_RISE_ALONE = 0.3
"""The rise of the loss that accuses the network where that of text read before is unknown, in nats per character."""

LONE_STREAMS = 3
"""The number of streams in a hard passage at once that must be too few to explain such a rise."""

DECAY_SHARE = 0.3
"""The share of an update's change from which weight decay moves the weights, and not the gradient."""

DIVIDES = frozenset({"adam", "rmsprop"})
"""The optimisers that divide weight decay by the gradient's size along with the gradient."""

MOMENTUM_SUM = 10
"""The number of times that an update counts in total with momentum 0.9, which is 1 / (1 − 0.9)."""

USUAL_RATE_SGD = 0.5
"""The learning rate that does well with sgd and a network of a few hundred units. It is proposed instead of one that is
far above it."""

USUAL_RATE_ADAPTIVE = 4e-3
"""The same with an optimiser that divides by the gradient's size."""

LARGEST_RATE_FACTOR = 100
"""The most that a learning rate is divided by, however far it is above the usual one."""

# --- too low ---------------------------------------------------------------------------------------------------------

SHORT_STEP = 8e-4
"""The change by one update, as a share of the weights, below which steps are too short if the gradient is patient."""

SHORTEST_STEP = 2e-5
"""The change by one update, as a share of the weights, below which nothing is learnt in a sensible time, whatever the
noise."""

PATIENT = 100.0
"""The patience from which steps are too short: the gradient hardly changes while very many updates move the weights by
a tenth."""

VERY_PATIENT = 300.0
"""The same where there may be another reason: few units cannot express more, so that the gradient stays, or what is
left to learn nearby is no more than a table of numbers offers to any network."""

PATIENT_AT_REST = 50.0
"""The same where the loss has stalled."""

LEARNT_WELL = 0.1
"""The share of the letters' entropy below which the text is learnt, however short the steps are."""

# --- clipping --------------------------------------------------------------------------------------------------------

CUT_DEEP = 0.05
"""The remaining share of a clipped gradient below which clipping removes nearly all of it."""

CUT_SLOWED = 0.2
"""The same where the optimiser's steps become shorter by it."""

USUAL_NORM = 10.0
"""The gradient norm up to which a gradient does not explode. It is usually between 0.05 and 5."""

CLIP_ROOM = 2
"""The clipping bound that is proposed, as a multiple of the gradient's usual norm. Only larger ones are cut then."""

SLOWED = 0.3
"""The learning rate with the same effect without clipping, as a share of the real one. Below this, clipping costs time,
and steps are short because of it."""


def learning_rate_too_high(signs: Signs, record: Record) -> Symptom | None:
    """Updates overstep: the network is worse than the letters' frequencies, has become worse, or stalls.

    A stall counts where the gradients of different text agree, or where long steps have saturated most units. Where
    nearly all units are saturated that were not at first, the training loss need not stand still for long.

    Silent while a loss below that of the letters' frequencies falls, however long the steps are, and where nothing is
    left to learn. Silent while any loss falls clearly since a knob was turned. Silent too where weight decay moves the
    weights, unless the loss is clearly worse than the frequencies.
    """
    if signs.annealed < AS_SET:
        return None
    if decay(signs.settings) > DECAY_SHARE * signs.ratio and not signs.loss > _above(signs, MUCH_WORSE):
        return None
    bound = _above(signs, WORSE)
    sure = signs.seen > bound and signs.readings >= READINGS
    # Networks begin at the letters' frequencies: where one is much worse, there is no need to wait for a reading. A few
    # streams may be in a hard passage together, and begin in one, but are not there all the time.
    many = signs.settings.streams >= MANY_STREAMS
    usual, points = (signs.loss, signs.points_turned) if many else (min(signs.loss, signs.since_begin), signs.points)
    # Where only the last character of a window is a target, a point is the mean of too few.
    # Much dropout makes the training loss worse than the network is.
    tells = signs.settings.targets != LAST and not signs.settings.dropout > MUCH_DROPOUT
    blatant = points > BLATANT_POINTS and usual > _above(signs, MUCH_WORSE) and tells
    rose = signs.climb is not None and _everywhere(signs, signs.climb)
    climbed = rose and signs.longest > LONG_STEP and not not_the_network(signs, record)
    # Even the longest steps look short beside weights that grew large.
    moves = not signs.full_ratio <= MOVING_STEP or rose
    # After a change of a knob the network begins where it was driven, and may be on its way back.
    recovers = signs.turned > 0 and signs.reading_progress >= RECOVERS
    worse = signs.loss > bound and moves and not recovers and (blatant or (sure and not not_the_network(signs, record)))
    agreed = signs.ratio > VERY_LONG_STEP and signs.agreement > CLEAR_AGREEMENT
    # Units that were saturated when the knob was turned are not the present rate's doing.
    began = [share for _, share in record.series("gates", "share", signs.turned)[:1]]
    wholly = signs.saturated > RUINED and signs.age > LEAST_AGE and max(began, default=1.0) < SATURATED_AT_START
    driven = signs.longest > LONG_STEP and signs.saturated > DRIVEN and signs.agreement > NOISE_AGREEMENT
    driven &= signs.offer > REST_OFFER
    # Steps may be so long that there is no need to wait for many readings: they know enough already to be sure.
    blatantly = agreed and signs.ratio > BLATANTLY_LONG_STEP and signs.age > BLATANT_AGE
    falls = max(signs.progress, signs.progress_long)
    stalls = not falls >= STALLED if blatantly else signs.age > LEAST_AGE and falls < STALLED
    stuck = ((agreed or driven) and stalls) or wholly
    overstep = stuck and signs.reading_progress < STALLED and signs.offer > EASY_OFFER
    if not (worse or climbed or overstep):
        return None
    since = signs.climb.since if climbed and signs.climb else signs.begin
    # Beside the weights that have grown since a collapse, an update looks short.
    longest = max(signs.ratio, signs.longest)
    moved = "" if math.isnan(longest) else f" moves the weights by up to {percent(longest)} of themselves and"
    ruined = signs.saturated > RUINED or (worse and signs.by_context < CONTEXT_LOST * signs.letters)
    how = (
        f"the network predicts worse than the letters' frequencies alone ({signs.letters:.3g} nats)"
        if worse
        else f"the loss has risen by {max(signs.climb.reading, signs.climb.seen):.2g} nats on all text"
        if climbed and signs.climb
        else f"the gradients of different text agree ({signs.agreement:.0%}), and yet the loss does not fall along them"
        if agreed
        else f"{signs.saturated:.0%} of the units are driven into saturation, and the loss hardly falls"
    )
    return Symptom(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.PROBLEM if worse else Severity.WARNING,
        since,
        f"Each update{moved} oversteps: {how}."
        + (
            " The network may not recover: go back to a state before that, or begin anew at a lower rate."
            if ruined
            else ""
        ),
        numbers(
            update_ratio=longest,
            agreement=signs.agreement,
            seen=signs.seen,
            letter_entropy=signs.letters,
            saturated=signs.saturated,
            loss=signs.loss,
        ),
        rate(signs.settings, lower_rate(signs.settings)),
        by_points=worse and blatant,
    )


def decay(settings: Settings) -> float:
    """The share of the weights that weight decay removes at each update, including what momentum adds.

    With Adam and RMSprop it is no share: weight decay is part of the gradient that they divide by its size.
    """
    if settings.optimizer in DIVIDES:
        return 0.0
    return settings.lr * settings.weight_decay * (MOMENTUM_SUM if settings.optimizer == "sgd" else 1)


def _above(signs: Signs, factor: float) -> float:
    """A loss that is clearly above the letters' entropy; where that is tiny, it is at least `CLEAR_OFFER` above."""
    return max(factor * signs.letters, signs.letters + CLEAR_OFFER)


def _everywhere(signs: Signs, climb: Climb) -> bool:
    """Whether the loss has risen on text read before as well as on the text read now.

    Where the loss on text read before is unknown on either side of the rise, many streams must have risen together.
    """
    before = [loss for update, loss in signs.seen_course if update <= climb.since][-READINGS:]
    since = [loss for update, loss in signs.seen_course if update > climb.since][-READINGS:]
    if len(before) >= LEAST_READINGS and since:
        return median(since) - median(before) > CLEAR_RISE and climb.reading > CLEAR_RISE
    alone = (signs.worst[0] - signs.loss) / signs.settings.streams
    return signs.settings.streams >= MANY_STREAMS and climb.reading > max(CLEAR_RISE_ALONE, LONE_STREAMS * alone)


def lower_rate(settings: Settings) -> float:
    """A tenth of the learning rate, or less where a tenth is still above the optimiser's usual rate."""
    return max(settings.lr / LARGEST_RATE_FACTOR, min(settings.lr / RATE_FACTOR, usual_rate(settings)))


def usual_rate(settings: Settings) -> float:
    """The learning rate that does well with the optimiser."""
    return USUAL_RATE_SGD if settings.optimizer == "sgd" else USUAL_RATE_ADAPTIVE


def learning_rate_too_low(signs: Signs, _record: Record) -> Symptom | None:
    """Steps are so short that the gradient stays the same for very many of them, or that they lead nowhere.

    Where the loss has stalled, half as many are enough.

    Silent where the loss has risen or is worse than the letters' frequencies: weights that grew large make long steps
    look short. Silent where the rate was annealed, where clipping shortens the steps, and where extreme dropout takes
    away what is learnt. Silent too where the last few characters have nothing left to teach: a gradient may stay the
    same for long where only hard text is left. Silent where nearly all units are saturated, which makes gradients small
    whatever the rate. Where the network has few units, or little is left to learn nearby, it must stay the same for
    longer.
    """
    if signs.annealed < AS_SET and signs.age > 0:
        return None
    if signs.rate_used < SLOWED or signs.points_turned < FEW_POINTS:
        return None
    if signs.settings.dropout >= EXTREME_DROPOUT and signs.loss - signs.seen > EXTREME_COST:
        return None
    loss = signs.loss if math.isnan(signs.seen) else signs.seen
    # Before the first readings: whoever does not know the pairs of letters has something near to learn.
    unread = math.isnan(signs.offer)
    very = signs.patience > VERY_PATIENT or signs.full_ratio < SHORTEST_STEP
    near = signs.offer > (EASY_OFFER if very else REST_OFFER)
    offers = signs.loss > signs.pairs if unread else near or loss > signs.table + COUNTED
    if loss < LEARNT_WELL * signs.letters or not offers or signs.saturated > RUINED:
        return None
    if loss > _above(signs, WORSE) or (signs.climb is not None and signs.climb.seen > CLEAR_RISE):
        return None
    short, unknown = signs.full_ratio < SHORT_STEP, math.isnan(signs.patience)
    rests = signs.age > LEAST_AGE and signs.progress < STALLED and signs.reading_progress < STALLED
    patient = short and signs.patience > PATIENT
    patient |= rests and signs.patience > PATIENT_AT_REST
    patient &= very or not signs.few_units
    shortest = signs.full_ratio < SHORTEST_STEP
    if not (patient or shortest or (short and unknown)):
        return None
    takes = ""
    if signs.full_ratio:
        takes = f"; a change by a tenth takes {counted(round(PATIENCE_DISTANCE / signs.full_ratio), 'update')}"
    return Symptom(
        Cause.LEARNING_RATE_TOO_LOW,
        Severity.WARNING,
        signs.begin,
        f"An update moves the weights by {signs.full_ratio:.1g} of themselves{takes}"
        + (", and the gradient hardly changes meanwhile" if patient else "")
        + ". Larger steps would get there sooner.",
        numbers(
            update_ratio=signs.full_ratio,
            agreement=signs.agreement,
            patience=signs.patience,
            progress=signs.progress,
        ),
        rate(signs.settings, signs.settings.lr * RATE_FACTOR),
        waits_for="" if patient or shortest else "agreement readings",
        awaits=frozenset({"update_ratio" if patient or shortest else "agreement"}),
    )


def clip_too_tight(signs: Signs, _record: Record) -> Symptom | None:
    """Clipping removes nearly all of nearly every gradient.

    Silent where it cuts now and then, or a little, or a gradient that explodes: that is its purpose. With Adam and
    RMSprop the finding is a note, since they divide by the gradient's size: always cutting to one size changes nothing.
    """
    clip = signs.settings.clip
    slowed = signs.rate_used < SLOWED
    if clip is None or not (signs.clipped > CUT_ALWAYS and signs.factor < (CUT_SLOWED if slowed else CUT_DEEP)):
        return None
    # A norm far above the usual says that the gradient explodes, or that the loss does: clipping is not to blame.
    explodes = signs.norm > USUAL_NORM or signs.growth > EXPLODES
    if signs.points_turned < FEW_POINTS or explodes:
        return None
    costs = (
        f"That is like a learning rate of {signs.settings.lr * signs.rate_used:.1g}."
        if slowed
        else "Steps stay as long, for the optimiser divides by the size of gradients, but large ones count no more "
        "than small ones."
    )
    return Symptom(
        Cause.CLIP_TOO_TIGHT,
        Severity.WARNING if slowed else Severity.NOTE,
        signs.begin,
        f"{signs.clipped:.0%} of the updates are clipped, to {percent(signs.factor)} of their gradient. {costs}",
        numbers(
            clipped=signs.clipped,
            clip_factor=signs.factor,
            rate_used=signs.settings.lr * signs.rate_used,
            grad_norm=signs.norm,
        ),
        trial(signs.settings, "clip", float(f"{CLIP_ROOM * clip / signs.factor:.0e}")),
        by_points=True,
    )
