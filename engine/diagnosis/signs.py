"""What a record amounts to now: the numbers that the rules decide by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median, quantiles

from engine.diagnosis.climb import Climb, find_climb
from engine.diagnosis.record import Record
from engine.diagnosis.thresholds import NEAR_LAGS
from engine.events import Number, Point
from engine.mean import mean
from engine.settings import Settings

READINGS = 3
"""The readings at the end of a run whose median is a sign. One that is off by chance among them decides nothing."""

LEAST_READINGS = 2
"""The fewest readings that make a sign."""

AGREEMENT_READINGS = 9
"""The readings whose mean is the agreement of gradients. Single readings of it are noisier than others."""

REGIME = frozenset({"lr", "bptt", "targets", "clip", "clip_by", "dropout", "weight_decay", "dtype"})
"""Knobs that make what was measured before them worth nothing as a comparison."""

RECENT_POINTS = 10
"""The points at the end of a run over which losses are averaged."""

LATE = 0.5
"""The share of the time after which `progress` begins. What a loss did before says little about where it goes."""

LONG_AGO = 0.25
"""The same for `progress_long`, which a loss that came to rest a short while ago still passes."""

LEVEL_PARTS = 10
"""Into how many parts the time is divided; readings of one part make a level for `progress`."""

FAR_LAGS = 60
"""The lag from which on nothing is to be expected: what is missed there is missed at every lag."""

SCATTER_PARTS = 10
"""The far lags are divided into so many equally large parts by what is missed there. The bound of the largest part is
what a lag shows by chance."""

WINDOWS = 4
"""The windows over which the gradient is followed back. A training knows nothing of what it does further back."""

PATIENCE_DISTANCE = 0.1
"""The change of the weights, as a share of them, over which `patience` asks whether the gradient stays the same."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What the rules decide by. A number that is not known yet is nan, and compares as false.

    Attributes:
        settings: with every knob as it is.
        update: updates made.
        begin: the update since which the knobs are as they are, the warm-up over.
        age: updates since then.
        readings: how many there are of the control samples since then.
        points: how many there are since then.
        annealed: the rate now, as a share of what the knob says.
        loss: nats per character that the updates met, over the last points.
        worst: the highest loss of a stream over the last points, and where it was met, as a share of the text.
        passes: how often the training split has been read.
        seen: the loss at fixed places of the training split that have been read.
        seen_course: every reading of it since the run began, with its update.
        held_out: the same of the validation split.
        progress: by what share of itself `seen` has fallen over the last half of `age`.
        progress_long: the same over the last three quarters.
        reading_progress: the same of the loss that the updates met.
        letters: the entropy of the text's characters, in nats.
        pairs: the entropy of a character behind another one.
        by_context: how much the predictions depend on what stands before, in nats.
        missed: nats per character that the network leaves unused of each lag from 1 on.
        scatter: by how much that of one lag may be above 0 by chance.
        offer: the largest of them within the first eight lags.
        ratio: how far an update moves the weights, as a share of them.
        longest: the largest share of theirs that an update was seen to move them by.
        agreement: the share of one update's gradient that the gradients of others agree with.
        patience: the updates that move the weights by a tenth, times `agreement`: how clear it is by then where to go.
            Large where steps are too small, around 1 where they are as large as their noise allows.
        saturated: the share of units that are saturated.
        frozen: the share of units that are saturated at one side always.
        by_lag: the gradient by lag, relative to lag 0, over `WINDOWS` windows.
        growth: the largest of these.
        error: the relative error of the gradient, by numbers.
        clipped: the share of updates that were clipped.
        factor: by what the gradient is multiplied then, in the median.
        rate_used: the rate that would have had the same effect without clipping, as a share of the rate.
        norm: the gradient's norm over the last points.
        climb: where and by how much the loss rose; None where it has not.
    """

    settings: Settings
    update: int
    begin: int
    age: int
    readings: int
    points: int
    annealed: float
    loss: float
    worst: tuple[float, float]
    passes: float
    seen: float
    seen_course: list[tuple[int, float]]
    held_out: float
    progress: float
    progress_long: float
    reading_progress: float
    letters: float
    pairs: float
    by_context: float
    missed: tuple[float, ...]
    scatter: float
    offer: float
    ratio: float
    longest: float
    agreement: float
    patience: float
    saturated: float
    frozen: float
    by_lag: tuple[float, ...]
    growth: float
    error: float
    clipped: float
    factor: float
    rate_used: float
    norm: float
    climb: Climb | None


def read_signs(record: Record) -> Signs:
    """The signs at the end of a record."""
    settings = record.settings
    begin = max([settings.warmup, *(change.update for change in record.changes if change.knob in REGIME)])
    facts = record.reading("text_facts")
    recent = record.points[-RECENT_POINTS:]
    seen_course = record.seen()
    reading_course = [(point.update, point.loss) for point in record.points]
    seen = [reading for reading in seen_course if reading[0] >= begin]
    missed = _median_list(record, "control", "missed", begin)
    scatter, missed = _scatter(missed), above_floor(missed)
    ratio = _now(record, "update_ratio", "whole", begin)
    agreements = [value for _, value in record.series("agreement", "share", begin)][-AGREEMENT_READINGS:]
    # Of single characters most readings are 0: their mean says more than their median.
    agreement = fmean(agreements) if len(agreements) >= LEAST_READINGS else math.nan
    by_lag = _median_list(record, "gradient_by_lag", "relative", begin)[: WINDOWS * settings.bptt.high + 1]
    last = recent[-1] if recent else None
    worst = max(recent, key=lambda point: point.worst_loss, default=None)
    factor, used = _cut(record, recent)
    return Signs(
        settings=settings,
        update=record.update,
        begin=begin,
        age=record.update - begin,
        readings=len(seen),
        points=sum(point.update > begin for point in record.points),
        annealed=last.lr / settings.lr if last else math.nan,
        loss=mean([point.loss for point in recent]),
        passes=record.passes(),
        worst=(worst.worst_loss, worst.worst_place) if worst else (math.nan, math.nan),
        seen=median(value for _, value in seen[-READINGS:]) if len(seen) >= LEAST_READINGS else math.nan,
        seen_course=seen_course,
        held_out=_now(record, "control", "held_out", begin),
        progress=progress(seen, begin, record.update, LATE),
        progress_long=progress(seen, begin, record.update, LONG_AGO),
        reading_progress=progress(reading_course, begin, record.update, LATE),
        letters=_number(facts.get("letter_entropy")),
        pairs=_number(facts.get("pair_entropy")),
        by_context=_now(record, "control", "by_context", begin),
        missed=missed,
        scatter=scatter,
        offer=max(missed[:NEAR_LAGS], default=math.nan),
        ratio=ratio,
        longest=max((value for _, value in record.series("update_ratio", "whole", begin)), default=math.nan),
        agreement=agreement,
        patience=agreement * PATIENCE_DISTANCE / ratio if ratio else math.nan,
        saturated=_now(record, "gates", "share", begin),
        frozen=_now(record, "gates", "frozen", begin),
        by_lag=by_lag,
        growth=max(by_lag[1:], default=math.nan),
        error=_now(record, "numerics", "gradient_error", begin),
        clipped=mean([point.clipped for point in recent]),
        factor=factor,
        rate_used=used,
        norm=mean([point.grad_norm for point in recent]),
        climb=find_climb(record, seen_course),
    )


def known(values: tuple[Number, ...]) -> tuple[float, ...]:
    """With 0 for what is not known."""
    return tuple(0.0 if value is None else value for value in values)


def above_floor(missed: tuple[float, ...]) -> tuple[float, ...]:
    """What is missed at each lag beyond what is missed at all: how often characters occur shows at every lag."""
    far = missed[FAR_LAGS:]
    floor = max(0.0, median(far)) if far else 0.0
    return tuple(each - floor for each in missed)


def _cut(record: Record, recent: list[Point]) -> tuple[float, float]:
    """By what clipping multiplies the gradient, and the rate that would do the same without, as a share of the rate.

    By value it is known of the windows alone that an instrument looked at. Adam and RMSprop divide by the gradient's
    size, whatever clipping left of it.
    """
    settings = record.settings
    if settings.clip_by == "value":
        factor = _now(record, "clipping", "factor", 0)
        return factor, factor if settings.optimizer == "sgd" else 1.0
    cut = [point.clip_factor for point in recent if point.clipped]
    return mean(cut) if cut else 1.0, mean([point.rate_used / point.lr for point in recent if point.lr])


def _scatter(missed: tuple[float, ...]) -> float:
    """How far the larger ones of the far lags, of which nothing is to be expected, are above their middle."""
    far = missed[FAR_LAGS:]
    return quantiles(far, n=SCATTER_PARTS)[-1] - median(far) if len(far) > 1 else 0.0


def _now(record: Record, instrument: str, field: str, since: int) -> float:
    """The median of the last readings; nan where there are too few."""
    values = [value for _, value in record.series(instrument, field, since)[-READINGS:]]
    return median(values) if len(values) >= LEAST_READINGS else math.nan


def _median_list(record: Record, instrument: str, field: str, since: int) -> tuple[float, ...]:
    lists = [numbers for _, numbers in record.lists(instrument, field, since)[-READINGS:]]
    if len(lists) < LEAST_READINGS:
        return ()
    return tuple(median(known(values)) for values in zip(*lists, strict=False))


def progress(series: list[tuple[int, float]], begin: int, now: int, since: float) -> float:
    """By what share of itself a series has fallen since so much of the time from `begin` to `now`; nan if too short."""
    inside = [(update, value) for update, value in series if update >= begin]
    if len(inside) < 2 * READINGS:
        return math.nan
    reach = max(1.0, (now - begin) / LEVEL_PARTS)
    before, after = (_level(inside, begin + share * (now - begin), reach) for share in (since, 1))
    return 1 - after / before if before else math.nan


def _level(series: list[tuple[int, float]], update: float, reach: float) -> float:
    """The median of the readings near an update, and of the nearest where there are but few."""
    nearest = sorted(series, key=lambda reading: abs(reading[0] - update))
    near = [value for place, value in nearest if abs(place - update) <= reach]
    return median(near if len(near) >= READINGS else [value for _, value in nearest[:READINGS]])


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
