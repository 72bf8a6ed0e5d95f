"""Signs: the numbers that the rules decide by, computed from a record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median, quantiles

from engine.diagnosis.climb import Climb, find_climb
from engine.diagnosis.record import Record
from engine.diagnosis.thresholds import NEAR_LAGS
from engine.events import Number, Reading
from engine.numbers import mean
from engine.settings import Settings

READINGS = 3
"""The number of last readings whose median is a sign. A single one that is off by chance then decides nothing."""

LEAST_READINGS = 2
"""The fewest readings that make a sign."""

FULL_READINGS = 4
"""The number of last update ratios whose median is the one at the full learning rate. In its first updates an optimiser
has not found its step yet."""

WARM = 0.1
"""The first share of the warm-up in which updates are too short to tell how long they will be."""

AGREEMENT_READINGS = 9
"""The number of last readings whose mean is the agreement of gradients. Its readings are noisier than others."""

REGIME = frozenset({"lr", "bptt", "targets", "clip", "clip_by", "dropout", "weight_decay", "dtype"})
"""Knobs whose change makes earlier measurements useless for comparison."""

RECENT_POINTS = 10
"""The number of last points over which losses are averaged."""

LATE = 0.5
"""The share of the time after which `progress` begins. The loss before that says little about where it goes."""

LONG_AGO = 0.25
"""The same for `progress_long`, over which a loss that came to rest only recently has still fallen."""

LEVEL_PARTS = 10
"""The number of parts of the time. Readings of one part make a level for `progress`."""

FAR_LAGS = 60
"""The lag from which on nothing is to be learnt: the information missed there is missed at every lag."""

SCATTER_PARTS = 10
"""The number of equally large parts of the far lags, by the information missed there. The lower bound of the highest
part is the amount that a lag shows by chance."""

WINDOWS = 4
"""The number of windows over which the gradient is followed back. Further back, no update depends on it."""

MOST_FEW_UNITS = 32
"""The units from which a network is not called small, however many kinds of characters the text has."""

PATIENCE_DISTANCE = 0.1
"""The change of the weights, as a share of them, over which `patience` checks whether the gradient stays the same."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The numbers that the rules decide by. A number that is not known yet is nan: every comparison with it is false.

    Losses and entropies are in nats per character.

    Attributes:
        settings: the settings with every knob's current value.
        update: the number of updates made.
        begin: the update since which the knobs are unchanged and the warm-up is over.
        age: the updates since `begin`.
        turned: the update since which the knobs are unchanged.
        readings: the number of readings of `seen` since `begin`.
        points: the number of points after `begin`.
        points_turned: the number of points since a knob was turned, those of the warm-up included.
        annealed: the current learning rate, as a share of what the knob's value and the warm-up make it.
        loss: the training loss over the last points.
        worst: the highest loss of a stream over the last points, and its place as a share of the text.
        passes: the number of passes through the training split.
        seen: the loss at fixed places of the training split that have been read.
        seen_course: the update and value of every reading of `seen` since the run began.
        held_out: the validation loss at fixed places.
        progress: the relative fall of `seen` over the last half of `age`.
        progress_long: the same over the last three quarters of `age`.
        reading_progress: the relative fall of the training loss over the last half of `age`.
        letters: the entropy of the text's characters.
        pairs: the entropy of a character given the one before it.
        by_characters: the entropy of a character given none, one, two … before it; empty where it was not counted.
        table: the loss of a table of the last few characters: as many as can be relied on, and one at least.
        by_context: the dependence of predictions on the text before them, in nats.
        missed: (lags,) the information that is missed at each lag from 1 on, in nats, less that missed at every lag.
        scatter: the amount by which `missed` at one lag may be above 0 by chance.
        offer: the largest of `missed` at the near lags.
        since_begin: the median training loss of all points after `begin`.
        ratio: the change of the weights by one update, as a share of them.
        full_ratio: the same at the full learning rate, from readings in the warm-up too.
        longest: the largest such change that was measured since `begin`.
        agreement: the share of one update's gradient that the gradients of others agree with.
        patience: `agreement` times the updates that move the weights by a tenth: how clear the direction is by then.
            It is large where steps are too small, and about 1 where they are as large as their noise allows.
        saturated: the share of units that are saturated.
        frozen: the share of units that are always saturated on the same side.
        by_lag: (lags + 1,) the gradient by lag, relative to lag 0, over `WINDOWS` windows.
        growth: the largest of `by_lag` from lag 1 on.
        error: the relative error of the gradient in the training's number type.
        clipped: the share of updates that were clipped.
        factor: the norm that clipping leaves of the gradient then, as a share of the norm before.
        rate_used: the learning rate with the same effect without clipping, as a share of the real one.
        norm: the gradient norm over the last points.
        climb: the rise of the loss in which the record ends; None without one.
    """

    settings: Settings
    update: int
    begin: int
    age: int
    turned: int
    readings: int
    points: int
    points_turned: int
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
    by_characters: tuple[float, ...]
    table: float
    by_context: float
    missed: tuple[float, ...]
    scatter: float
    offer: float
    since_begin: float
    ratio: float
    full_ratio: float
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

    @property
    def few_units(self) -> bool:
        """Whether the network has fewer units than the text has kinds of characters, counted by how often they occur.

        What it predicts is a product of its units and one vector for each character, so that its rank is no larger than
        their number (Yang et al. 2018, the softmax bottleneck). The characters are counted by the exponential of their
        entropy: rare ones count for little.
        """
        return self.settings.hidden < MOST_FEW_UNITS and self.settings.hidden < math.exp(self.letters)


def read_signs(record: Record, least: int = LEAST_READINGS) -> Signs:
    """The signs at the end of a record; those are known of which there are at least so many readings."""
    settings = record.settings
    turned = max((change.update for change in record.changes if change.knob in REGIME), default=0)
    begin = max(settings.warmup, turned)
    after = [point.loss for point in record.points if point.update > begin]
    facts = record.reading("text_facts")
    recent = record.points[-RECENT_POINTS:]
    seen_course = record.seen()
    reading_course = [(point.update, point.loss) for point in record.points]
    seen = [reading for reading in seen_course if reading[0] >= begin]
    missed = _median_list(record, "control", "missed", turned, least)
    scatter, missed = _scatter(missed), above_floor(missed)
    ratio = _now(record, "update_ratio", "whole", begin, least)
    full = _full_ratio(record, turned, settings.warmup)
    agreements = [value for _, value in record.series("agreement", "share", turned)][-AGREEMENT_READINGS:]
    # Where an update reads one character, most readings are 0: their mean says more than their median.
    agreement = fmean(agreements) if len(agreements) >= least else math.nan
    by_lag = _median_list(record, "gradient_by_lag", "relative", turned, least)[: WINDOWS * settings.bptt.high + 1]
    last = recent[-1] if recent else None
    worst = max(recent, key=lambda point: point.worst_loss, default=None)
    cut = [point.clip_factor for point in recent if point.clipped]
    return Signs(
        settings=settings,
        update=record.update,
        begin=begin,
        age=record.update - begin,
        turned=turned,
        readings=len(seen),
        points=len(after),
        points_turned=sum(point.update > turned for point in record.points),
        annealed=last.lr / (settings.lr * _warm(settings, last.update)) if last else math.nan,
        loss=mean([point.loss for point in recent]),
        passes=record.passes(),
        worst=(worst.worst_loss, worst.worst_place) if worst else (math.nan, math.nan),
        seen=median(value for _, value in seen[-READINGS:]) if len(seen) >= least else math.nan,
        seen_course=seen_course,
        held_out=_now(record, "control", "held_out", begin, least),
        progress=progress(seen, begin, record.update, LATE),
        progress_long=progress(seen, begin, record.update, LONG_AGO),
        reading_progress=progress(reading_course, begin, record.update, LATE),
        letters=_number(facts.get("letter_entropy")),
        pairs=_number(facts.get("pair_entropy")),
        by_characters=_numbers(facts.get("context_entropies")),
        table=_table(facts),
        by_context=_now(record, "control", "by_context", turned, least),
        missed=missed,
        scatter=scatter,
        offer=max(missed[:NEAR_LAGS], default=math.nan),
        since_begin=median(after) if after else math.nan,
        ratio=ratio,
        full_ratio=full,
        longest=max((value for _, value in record.series("update_ratio", "whole", begin)), default=math.nan),
        agreement=agreement,
        patience=agreement * PATIENCE_DISTANCE / step if (step := full if math.isnan(ratio) else ratio) else math.nan,
        saturated=_now(record, "gates", "share", turned, least),
        frozen=_now(record, "gates", "frozen", turned, least),
        by_lag=by_lag,
        growth=max(by_lag[1:], default=math.nan),
        error=_now(record, "numerics", "gradient_error", turned, least),
        clipped=mean([point.clipped for point in recent]),
        factor=mean(cut) if cut else 1.0,
        rate_used=mean([point.rate_used / point.lr for point in recent if point.lr]),
        norm=mean([point.grad_norm for point in recent]),
        climb=find_climb(record, seen_course),
    )


def _warm(settings: Settings, update: int) -> float:
    """The share of the learning rate that the warm-up has reached after an update."""
    return min(1.0, max(1, update) / max(1, settings.warmup))


def _full_ratio(record: Record, since: int, warmup: int) -> float:
    """The median of the last update ratios at the full learning rate; nan where there are too few.

    In the warm-up the rate rises evenly, and an update's length with it.
    """
    tells = max(since, round(WARM * warmup))
    readings = record.series("update_ratio", "whole", tells)[-FULL_READINGS:]
    ratios = [ratio * max(1.0, warmup / max(1, update)) for update, ratio in readings]
    return median(ratios) if len(ratios) == FULL_READINGS else math.nan


def known(values: tuple[Number, ...]) -> tuple[float, ...]:
    """The values, with 0 for each unknown one."""
    return tuple(0.0 if value is None else value for value in values)


def above_floor(missed: tuple[float, ...]) -> tuple[float, ...]:
    """The information missed at each lag alone, without that missed at every lag, such as letter frequencies."""
    far = missed[FAR_LAGS:]
    floor = max(0.0, median(far)) if far else 0.0
    return tuple(each - floor for each in missed)


def _scatter(missed: tuple[float, ...]) -> float:
    """The distance of the larger values at the far lags, where nothing is to be learnt, above their median."""
    far = missed[FAR_LAGS:]
    return quantiles(far, n=SCATTER_PARTS)[-1] - median(far) if len(far) > 1 else 0.0


def _now(record: Record, instrument: str, field: str, since: int, least: int) -> float:
    """The median of the last readings; nan where there are too few."""
    values = [value for _, value in record.series(instrument, field, since)[-READINGS:]]
    return median(values) if len(values) >= least else math.nan


def _median_list(record: Record, instrument: str, field: str, since: int, least: int) -> tuple[float, ...]:
    lists = [numbers for _, numbers in record.lists(instrument, field, since, READINGS)]
    if len(lists) < least:
        return ()
    return tuple(median(known(values)) for values in zip(*lists, strict=False))


def progress(series: list[tuple[int, float]], begin: int, now: int, since: float) -> float:
    """The relative fall of a series after the share `since` of the time from `begin` to `now`; nan if too short."""
    inside = [(update, value) for update, value in series if update >= begin]
    if len(inside) < 2 * READINGS:
        return math.nan
    reach = max(1.0, (now - begin) / LEVEL_PARTS)
    before, after = (_level(inside, begin + share * (now - begin), reach) for share in (since, 1))
    return 1 - after / before if before else math.nan


def _level(series: list[tuple[int, float]], update: float, reach: float) -> float:
    """The median of the readings near an update, or of the nearest ones where few are near."""
    nearest = sorted(series, key=lambda reading: abs(reading[0] - update))
    near = [value for place, value in nearest if abs(place - update) <= reach]
    return median(near if len(near) >= READINGS else [value for _, value in nearest[:READINGS]])


def _table(facts: Reading) -> float:
    """The lower of the pairs' entropy and of that given as many characters as can be relied on; nan if unknown."""
    counted, most = _numbers(facts.get("context_entropies")), _number(facts.get("sure_contexts"))
    known = (_number(facts.get("pair_entropy")), counted[int(most)] if 0 <= most < len(counted) else math.nan)
    return min((each for each in known if not math.isnan(each)), default=math.nan)


def _numbers(values: object) -> tuple[float, ...]:
    return tuple(_number(value) for value in values) if isinstance(values, tuple) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
