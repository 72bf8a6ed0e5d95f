"""Every rule by itself: it speaks where it should and is silent where its docstring says so."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from engine.diagnosis.climb import Climb
from engine.diagnosis.data import PASSES_READ_ONCE
from engine.diagnosis.diagnosis import RULES
from engine.diagnosis.generalisation import PASSES_READ_TWICE
from engine.diagnosis.numerics import SUSPECT_SHARE
from engine.diagnosis.record import Record
from engine.diagnosis.signs import Signs, read_signs
from engine.diagnosis.symptom import Symptom, percent
from engine.diagnosis.thresholds import LEAST_AGE
from engine.events import HUGE, Cause, Change, Note, NoteKind, Point, Probe, Reading, Severity, Stored, Trial
from engine.settings import Settings
from engine.windows import LengthLaw

NAN = math.nan
BEGIN, NOW, LAGS = 100, 2_000, 128

TRIALS: Mapping[str, Mapping[str, int | str]] = {
    "non-finite": {"lr": -1, "clip": -1},
    "saturated-units": {"lr": 1},
    "exploding-gradient": {"clip": -1, "bptt": -1},
    "numerical-instability": {"dtype": "float32"},
    "data-shift": {},
    "learning-rate-too-high": {"lr": -1},
    "clip-too-tight": {"clip": 1},
    "learning-rate-too-low": {"lr": 1},
    "overfitting": {"dropout": 1},
    "vanishing-gradient": {"cell": "lstm", "hidden": 1},
    "bptt-too-short": {"bptt": 1},
    "sparse-targets": {"targets": "all"},
    "noisy-updates": {"lr": -1, "dropout": -1},
    "stuck-at-letter-frequencies": {"lr": 0, "weight_decay": -1, "dropout": -1},
    "plateau": {"hidden": 1, "weight_decay": -1, "dropout": -1, "lr": -1},
}
"""The knobs that a cause may propose to try, and their direction: up, down, either (0) or to a word."""


# --- signs and records -------------------------------------------------------------------------------------------


def bptt(text: str) -> LengthLaw:
    return LengthLaw.parse(text)


def missing(lag: int, worth: float) -> tuple[float, ...]:
    """The missed information by lag, where it is not zero at one lag only."""
    return tuple(worth if each == lag else 0.0 for each in range(1, LAGS + 1))


def healthy_signs(**settings: Any) -> Signs:
    """The signs of an LSTM in the middle of learning a text, near the end of its first pass."""
    return Signs(
        settings=Settings(**settings),
        update=NOW,
        begin=BEGIN,
        age=NOW - BEGIN,
        turned=0,
        readings=40,
        points=100,
        points_turned=120,
        annealed=1.0,
        loss=1.8,
        since_begin=1.95,
        worst=(2.0, 0.4),
        passes=0.9,
        seen=1.75,
        seen_course=steady(1.75),
        held_out=1.85,
        progress=0.1,
        progress_long=0.2,
        reading_progress=0.1,
        letters=3.3,
        pairs=2.4,
        by_characters=(3.3, 2.4, 1.9, 1.5),
        table=1.9,
        by_context=1.0,
        missed=missing(1, 0.02),
        scatter=0.001,
        offer=0.02,
        longest=6e-3,
        ratio=2e-3,
        full_ratio=2e-3,
        agreement=0.1,
        patience=5.0,
        saturated=0.2,
        frozen=0.01,
        by_lag=tuple(0.8**lag for lag in range(LAGS + 1)),
        growth=0.8,
        error=1e-6,
        clipped=0.05,
        factor=0.8,
        rate_used=0.98,
        norm=0.6,
        climb=None,
    )


def steady(*losses: float) -> list[tuple[int, float]]:
    """A course of the loss at fixed places, with levels of equal length."""
    return [(NOW * place // 60, losses[place * len(losses) // 60]) for place in range(60)]


def unknown_signs(**settings: Any) -> Signs:
    """The signs of a run about which nothing is known yet."""
    signs = healthy_signs(**settings)
    for unknown in UNKNOWN.values():
        signs = replace(signs, **unknown)
    return replace(signs, update=0, begin=0, age=0)


UNKNOWN: Mapping[str, Mapping[str, Any]] = {
    "text_facts": {"letters": NAN, "pairs": NAN, "passes": NAN, "by_characters": (), "table": NAN},
    "control": dict.fromkeys(("seen", "held_out", "progress", "progress_long", "by_context", "offer"), NAN)
    | {"readings": 0, "seen_course": [], "missed": (), "scatter": 0.0, "climb": None},
    "update_ratio": {"ratio": NAN, "full_ratio": NAN, "patience": NAN},
    "agreement": {"agreement": NAN, "patience": NAN},
    "gates": {"saturated": NAN, "frozen": NAN},
    "gradient_by_lag": {"by_lag": (), "growth": NAN},
    "numerics": {"error": NAN},
    "points": dict.fromkeys(("annealed", "loss", "reading_progress", "clipped", "rate_used", "norm"), NAN)
    | {"points": 0, "points_turned": 0, "since_begin": NAN, "worst": (NAN, NAN), "factor": 1.0},
}
"""The signs that are missing where an instrument has no readings."""


def fed(*events: Stored, **settings: Any) -> Record:
    """The record of some events of a run."""
    record = Record(Settings(**settings))
    for event in events:
        record.add(event)
    return record


def probes(instrument: str, *readings: Reading) -> list[Stored]:
    """Readings, evenly over the run."""
    return [
        Probe(NOW * number // len(readings), 0, instrument, 0.0, reading)
        for number, reading in enumerate(readings, start=1)
    ]


def held_out(*losses: float) -> Record:
    """A record in which the validation split has these levels, one after the other."""
    return fed(*probes("control", *({"held_out": losses[place * len(losses) // 60]} for place in range(60))))


def held_out_and_withheld(*losses: tuple[float, float]) -> Record:
    """A record in which the validation split and the withheld blocks have these levels, one after the other."""
    levels = (losses[place * len(losses) // 60] for place in range(60))
    return fed(*probes("control", *({"held_out": end, "withheld": within} for end, within in levels)))


def lanes(*courses: tuple[float, ...], places: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7)) -> Record:
    """A record of one stream through the whole text in which the places have these losses at each control sample."""
    readings = [{"by_region": losses, "regions": places} for losses in zip(*courses, strict=True)]
    made = [
        replace(probe, chars=probe.update) if isinstance(probe, Probe) else probe
        for probe in probes("control", *readings)
    ]
    return fed(Probe(0, 0, "text_facts", 0.0, {"characters": NOW}), *made, streams=1)


FORGOTTEN = lanes((3.0, 2.0, 2.0, 4.5), (3.0, 2.1, 1.9, 4.4), (6.0, 6.0, 6.0, 1.3), (6.0, 6.0, 6.0, 1.2))
"""Two places that were read in the first half are forgotten after it."""


def turns(change: float, rise: float, place: float = 0.5, end: float = 0.55) -> Record:
    """A record of one stream up to a share of a text that changes at a place, where its loss rises by so much."""
    facts = {"characters": 100_000, "change_place": place, "change": change}
    points = []
    for number in range(1, round(200 * end) + 1):
        loss = 2.0 + 0.05 * (number % 2) + (rise if number >= 200 * place else 0.0)
        points.append(Point(number, 500 * number, 0.0, loss, 0.5, 0.6, 0.0, (), 4e-3, 1))
    return fed(Probe(0, 0, "text_facts", 0.0, facts), *points, streams=1)


def known_end(change: float) -> Record:
    """A record of a text whose held-out end a table of pairs loses so much more on."""
    point = Point(1, 500, 0.0, 2.0, 0.5, 0.6, 0.0, (), 4e-3, 1)
    return fed(Probe(0, 0, "text_facts", 0.0, {"held_out_change": change}), point)


def held_out_readings(*losses: float) -> Record:
    """A record with these readings of the validation split and no others."""
    return fed(*probes("control", *({"held_out": loss} for loss in losses)))


def withheld_readings(*losses: float) -> Record:
    """A record with six readings of a validation split that rises, and these of the withheld blocks."""
    both = zip((2.2, 2.0, 1.9, 1.8, 1.95, 2.1), losses, strict=True)
    return fed(*probes("control", *({"held_out": end, "withheld": within} for end, within in both)))


def sixths(*losses: float) -> list[tuple[int, float]]:
    """A course of six readings of the loss at fixed places, at the same updates."""
    return [(NOW * place // len(losses), loss) for place, loss in enumerate(losses, start=1)]


def misses(lag: int, *worths: float) -> Record:
    """A record in which the missed information at a lag has these levels."""
    levels = (worths[place * len(worths) // 60] for place in range(60))
    return fed(*probes("control", *({"missed": missing(lag, worth)} for worth in levels)))


def started(share: float, ratio: float) -> Record:
    """A record with this share of saturated units at the first look, and a first update of this size."""
    return fed(*probes("gates", {"share": share}, {"share": 0.9}), *probes("update_ratio", {"whole": ratio}))


def begun(share: float) -> Record:
    """A record with this share of saturated units before the first update."""
    return fed(Probe(0, 0, "gates", 0.0, {"share": share}), *probes("update_ratio", {"whole": 0.05}))


def streams(losses: list[float], *changes: Stored, together: bool = False) -> Record:
    """A record in which the worst stream had these losses, or all had, evenly over the run and the text."""
    points: list[Stored] = []
    for number, worst in enumerate(losses, start=1):
        update, loss, place = NOW * number // len(losses), worst if together else 2.0, number / len(losses)
        points.append(Point(update, 0, 0.0, loss, 0.5, 0.6, 0.0, (), 4e-3, 5, 0.1, worst, place))
    return fed(*points, *changes)


def passage(worst: float, loss: float = 2.0, places: tuple[float, ...] = (0.4,)) -> Record:
    """A record in which the worst of sixteen streams has this loss, at these places in turn."""
    points = [
        Point(NOW - 40 + number, 0, 0.0, loss, 0.5, 0.6, 0.0, (), 4e-3, 5, 0.1, worst, places[number % len(places)])
        for number in range(40)
    ]
    return fed(*points)


def norms(*largest: float, lr: float = 4e-3) -> Record:
    """A record whose points have these largest gradient norms."""
    points = (
        Point(NOW * number // len(largest), 0, 0.0, 2.0, 0.5, norm, 0.0, (), lr, 5)
        for number, norm in enumerate(largest, start=1)
    )
    return fed(*points)


def broken(*changes: Stored) -> Record:
    """A record that ends in an update that was not finite."""
    return fed(*changes, Note(NOW, 0, NoteKind.NOT_FINITE, "the gradient is not finite"))


def turned(knob: str, old: str, new: str, update: int = NOW - 3) -> Change:
    return Change(update, 0, 1, knob, old, new)


# --- clear cases -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Signs, and the finding of a rule on them: its severity and the knob that would test it."""

    cause: Cause
    severity: Severity
    knob: str | None
    signs: Signs
    record: Record


def case(
    cause: Cause, severity: Severity, knob: str | None, record: Record | None = None, *, of: Any = (), **signs: Any
) -> Case:
    """A case: the healthy signs of a run with the settings `of`, some of them changed."""
    return Case(cause, severity, knob, replace(healthy_signs(**dict(of)), **signs), record or fed())


FAR: dict[str, Any] = {"missed": missing(20, 0.5), "by_lag": tuple(0.5**lag for lag in range(LAGS + 1))}
JUMP = [2.0] * 40 + [5.0] * 20
RESTING: dict[str, Any] = {"progress": 0.001, "progress_long": 0.002, "reading_progress": 0.001}
OVERSTEPS: dict[str, Any] = {**RESTING, "offer": 0.5, "ratio": 0.05}
BY_HEART: dict[str, Any] = {
    "passes": 9.0,
    "seen": 0.5,
    "seen_course": steady(2.0, 0.5),
    "climb": Climb(1_400, 0.0, 0.0, 2.0),
}
CUT: dict[str, Any] = {"clipped": 1.0, "factor": 1e-3, "norm": 0.5}

CASES: Mapping[str, Case] = {
    "numbers broke": case(Cause.NON_FINITE, Severity.PROBLEM, "lr", broken()),
    "numbers broke, clip off": case(Cause.NON_FINITE, Severity.PROBLEM, "clip", broken(), of={"clip": None}),
    "rough numbers": case(Cause.NUMERICAL_INSTABILITY, Severity.WARNING, "dtype", error=0.5, of={"dtype": "bfloat16"}),
    "wrong numbers": case(Cause.NUMERICAL_INSTABILITY, Severity.PROBLEM, None, error=5.0, of={"dtype": "float32"}),
    "wrong numbers, saturated units": case(
        Cause.NUMERICAL_INSTABILITY, Severity.PROBLEM, None, error=5.0, saturated=0.95, of={"dtype": "float32"}
    ),
    "saturated": case(Cause.SATURATED_UNITS, Severity.WARNING, "lr", started(0.95, 1e-4), saturated=0.95, frozen=0.8),
    "saturated before the first update": case(
        Cause.SATURATED_UNITS, Severity.WARNING, "lr", begun(0.6), saturated=0.6, frozen=0.1
    ),
    "exploding": case(
        Cause.EXPLODING_GRADIENT,
        Severity.WARNING,
        "clip",
        by_lag=(1.0, 1e3, 1e5),
        growth=1e5,
        clipped=0.0,
        of={"clip": None},
    ),
    "exploded at once": case(
        Cause.EXPLODING_GRADIENT, Severity.WARNING, "clip", norms(0.5, 81.0, 0.5), of={"clip": None}
    ),
    "exploding, held": case(
        Cause.EXPLODING_GRADIENT, Severity.NOTE, "bptt", by_lag=(1.0, 1e3, 1e5), growth=1e5, clipped=0.9
    ),
    "vanishing, rnn": case(
        Cause.VANISHING_GRADIENT, Severity.WARNING, "cell", misses(20, 0.5), **FAR, of={"cell": "rnn"}
    ),
    "vanishing": case(Cause.VANISHING_GRADIENT, Severity.WARNING, "hidden", misses(20, 0.5), **FAR),
    "short windows": case(
        Cause.BPTT_TOO_SHORT, Severity.WARNING, "bptt", misses(20, 0.5), **FAR, of={"bptt": bptt("5")}
    ),
    "windows of a character": case(
        Cause.BPTT_TOO_SHORT, Severity.WARNING, "bptt", loss=2.4, seen=2.45, of={"bptt": bptt("1")}
    ),
    "windows of two, nothing read back yet": case(
        Cause.BPTT_TOO_SHORT, Severity.WARNING, "bptt", **{**UNKNOWN["control"], "loss": 1.95}, of={"bptt": bptt("2")}
    ),
    "a foreign passage": case(Cause.DATA_SHIFT, Severity.WARNING, None, passage(5.0)),
    "jump": case(Cause.DATA_SHIFT, Severity.WARNING, None, streams(JUMP, turned("lr", "0.1", "0.004", BEGIN))),
    "a text that is known to turn": case(Cause.DATA_SHIFT, Severity.WARNING, None, turns(3.0, 0.0), of={"streams": 1}),
    "a text that is known to turn a little": case(
        Cause.DATA_SHIFT, Severity.WARNING, None, turns(0.3, 0.2), of={"streams": 1}
    ),
    "a text that is known to turn, many streams": case(Cause.DATA_SHIFT, Severity.NOTE, None, turns(3.0, 0.0)),
    "held-out text that is known to be of another kind": case(Cause.DATA_SHIFT, Severity.NOTE, None, known_end(2.0)),
    "forgotten": case(Cause.DATA_SHIFT, Severity.WARNING, None, FORGOTTEN, loss=1.2, seen=3.0, of={"streams": 1}),
    "small jump": case(Cause.DATA_SHIFT, Severity.NOTE, None, streams([2.0] * 40 + [2.5] * 20)),
    "strange held-out text": case(
        Cause.DATA_SHIFT, Severity.WARNING, None, held_out=6.0, climb=Climb(900, 0.0, 0.0, 3.0)
    ),
    "strange held-out text, read often": case(
        Cause.DATA_SHIFT, Severity.WARNING, None, held_out_and_withheld((2.0, 2.0), (1.8, 1.9), (4.0, 1.0)), **BY_HEART
    ),
    "few targets": case(Cause.SPARSE_TARGETS, Severity.WARNING, "targets", seen=3.0, of={"targets": "last"}),
    "few targets, learning": case(Cause.SPARSE_TARGETS, Severity.WARNING, "targets", seen=1.5, of={"targets": "last"}),
    "few targets of short windows, above a table": case(
        Cause.SPARSE_TARGETS, Severity.WARNING, "targets", seen=2.0, of={"targets": "last", "bptt": bptt("10")}
    ),
    "few targets of short windows, learning": case(
        Cause.SPARSE_TARGETS, Severity.NOTE, "targets", seen=1.5, of={"targets": "last", "bptt": bptt("10")}
    ),
    "worse": case(Cause.LEARNING_RATE_TOO_HIGH, Severity.PROBLEM, "lr", seen=8.0, loss=8.0),
    "worse, since a knob was turned": case(
        Cause.LEARNING_RATE_TOO_HIGH, Severity.PROBLEM, "lr", seen=8.0, loss=8.0, turned=1_000, reading_progress=0.01
    ),
    "a little worse": case(Cause.LEARNING_RATE_TOO_HIGH, Severity.PROBLEM, "lr", seen=3.5, loss=3.5),
    "worse at once": case(Cause.LEARNING_RATE_TOO_HIGH, Severity.PROBLEM, "lr", loss=9.0, **UNKNOWN["control"]),
    "worse all the time, one stream": case(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.PROBLEM,
        "lr",
        **{**UNKNOWN["control"], "loss": 9.0, "since_begin": 9.0},
        of={"streams": 1},
    ),
    "climbed": case(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        "lr",
        ratio=0.05,
        climb=Climb(900, 1.0, 1.0, 1.0),
        seen_course=[(at, 1.8 if at <= 900 else 2.8) for at in range(300, 1_800, 100)],
    ),
    "ruined": case(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.PROBLEM,
        "lr",
        ratio=7e-6,
        full_ratio=7e-6,
        longest=7e-6,
        loss=16_000.0,
        seen=16_000.0,
        saturated=1.0,
        climb=Climb(900, 15_998.0, 15_998.0, 15_998.0),
        seen_course=[(at, 1.8 if at <= 900 else 16_000.0) for at in range(300, 1_800, 100)],
    ),
    "climbed early": case(
        Cause.LEARNING_RATE_TOO_HIGH, Severity.WARNING, "lr", ratio=0.05, climb=Climb(9, 2.0, 0.0, 0.0), seen_course=[]
    ),
    "oversteps": case(Cause.LEARNING_RATE_TOO_HIGH, Severity.WARNING, "lr", **OVERSTEPS, agreement=0.9),
    "oversteps by far": case(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        "lr",
        **{**OVERSTEPS, "progress": NAN, "progress_long": NAN},
        agreement=0.9,
        age=100,
    ),
    "driven": case(Cause.LEARNING_RATE_TOO_HIGH, Severity.WARNING, "lr", **OVERSTEPS, agreement=0.08, saturated=0.95),
    "driven by noise": case(
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        "lr",
        started(0.2, 2e-3),
        reading_progress=0.001,
        offer=0.5,
        agreement=0.001,
        saturated=0.97,
    ),
    "cut, sgd": case(Cause.CLIP_TOO_TIGHT, Severity.WARNING, "clip", **CUT, rate_used=1e-3, of={"optimizer": "sgd"}),
    "cut, sgd, nothing read back yet": case(
        Cause.CLIP_TOO_TIGHT,
        Severity.WARNING,
        "clip",
        **{**UNKNOWN["control"], **CUT},
        rate_used=1e-3,
        of={"optimizer": "sgd"},
    ),
    "cut to a tenth, sgd": case(
        Cause.CLIP_TOO_TIGHT,
        Severity.WARNING,
        "clip",
        **{**CUT, "factor": 0.1},
        rate_used=0.1,
        of={"optimizer": "sgd"},
    ),
    "cut, adam": case(Cause.CLIP_TOO_TIGHT, Severity.NOTE, "clip", **CUT, rate_used=1.0),
    "cut by value": case(
        Cause.CLIP_TOO_TIGHT,
        Severity.WARNING,
        "clip",
        **CUT,
        rate_used=1e-3,
        of={"optimizer": "sgd", "clip_by": "value"},
    ),
    "patient": case(
        Cause.LEARNING_RATE_TOO_LOW, Severity.WARNING, "lr", full_ratio=5e-5, agreement=0.9, patience=1800.0, offer=0.5
    ),
    "patient, far from a table": case(
        Cause.LEARNING_RATE_TOO_LOW,
        Severity.WARNING,
        "lr",
        full_ratio=5e-5,
        agreement=0.9,
        patience=1800.0,
        offer=0.0,
        seen=2.1,
    ),
    "patient, at rest": case(
        Cause.LEARNING_RATE_TOO_LOW,
        Severity.WARNING,
        "lr",
        **RESTING,
        full_ratio=1e-3,
        agreement=0.8,
        patience=80.0,
        offer=0.5,
    ),
    "creeping": case(
        Cause.LEARNING_RATE_TOO_LOW, Severity.WARNING, "lr", full_ratio=1e-7, agreement=0.0, patience=0.0, offer=0.5
    ),
    "creeping, nothing read back yet": case(
        Cause.LEARNING_RATE_TOO_LOW, Severity.WARNING, "lr", **{**UNKNOWN["control"], "loss": 3.2}, full_ratio=1e-7
    ),
    "by heart": case(Cause.OVERFITTING, Severity.WARNING, "dropout", held_out(2.0, 1.8, 2.1), **BY_HEART),
    "by heart, six readings": case(
        Cause.OVERFITTING,
        Severity.WARNING,
        "dropout",
        held_out_readings(2.2, 2.0, 1.9, 1.8, 1.95, 2.1),
        passes=9.0,
        seen=0.8,
        seen_course=sixths(2.2, 1.9, 1.6, 1.4, 1.1, 0.8),
    ),
    "by heart, slightly, withheld text too": case(
        Cause.OVERFITTING,
        Severity.WARNING,
        "dropout",
        withheld_readings(1.9, 1.8, 1.8, 1.75, 1.85, 1.9),
        passes=9.0,
        seen=1.2,
        seen_course=sixths(2.2, 1.9, 1.6, 1.4, 1.3, 1.2),
    ),
    "by heart, withheld text too": case(
        Cause.OVERFITTING,
        Severity.PROBLEM,
        "dropout",
        held_out_and_withheld((2.0, 2.0), (1.8, 1.9), (4.0, 3.0)),
        **BY_HEART,
    ),
    "by heart, withheld text as before": case(
        Cause.OVERFITTING,
        Severity.PROBLEM,
        "dropout",
        held_out_and_withheld((2.0, 2.0), (1.8, 1.9), (3.0, 2.0)),
        **BY_HEART,
    ),
    "by heart alone": case(Cause.OVERFITTING, Severity.PROBLEM, "dropout", held_out(2.0, 1.8, 4.0), **BY_HEART),
    "noisy": case(Cause.NOISY_UPDATES, Severity.WARNING, "lr", **OVERSTEPS, agreement=0.001, patience=0.002),
    "noisy by dropout": case(
        Cause.NOISY_UPDATES, Severity.WARNING, "dropout", **RESTING, loss=3.0, offer=0.5, of={"dropout": 0.9}
    ),
    "stuck": case(Cause.STUCK_AT_LETTER_FREQUENCIES, Severity.WARNING, "lr", **RESTING, seen=3.3, by_context=0.0),
    "crushed by decay": case(
        Cause.STUCK_AT_LETTER_FREQUENCIES,
        Severity.WARNING,
        "weight_decay",
        seen=3.3,
        by_context=0.0,
        progress=NAN,
        age=25,
        of={"weight_decay": 30.0},
    ),
    "stuck by decay": case(
        Cause.STUCK_AT_LETTER_FREQUENCIES,
        Severity.WARNING,
        "weight_decay",
        **RESTING,
        seen=3.3,
        by_context=0.0,
        of={"weight_decay": 10},
    ),
    "stuck by dropout": case(
        Cause.STUCK_AT_LETTER_FREQUENCIES,
        Severity.WARNING,
        "dropout",
        **RESTING,
        seen=3.3,
        by_context=0.0,
        of={"dropout": 0.95},
    ),
    "resting above what is counted": case(Cause.PLATEAU, Severity.WARNING, "hidden", **RESTING, offer=0.0, table=1.5),
    "few units": case(
        Cause.PLATEAU,
        Severity.WARNING,
        "hidden",
        progress=0.05,
        progress_long=0.12,
        reading_progress=0.05,
        of={"hidden": 12},
    ),
    "resting": case(Cause.PLATEAU, Severity.WARNING, "hidden", **RESTING, offer=0.5),
    "resting at a high rate": case(Cause.PLATEAU, Severity.WARNING, "lr", **RESTING, offer=0.5, of={"lr": 0.3}),
    "resting after a climb": case(
        Cause.PLATEAU, Severity.WARNING, "hidden", **RESTING, offer=0.5, climb=Climb(BEGIN, 1.0, 0.0, 0.0)
    ),
    "resting by decay": case(
        Cause.PLATEAU, Severity.WARNING, "weight_decay", **RESTING, offer=0.5, of={"weight_decay": 10}
    ),
    "resting by decay, a varying stream": case(
        Cause.PLATEAU,
        Severity.WARNING,
        "weight_decay",
        **{**RESTING, "reading_progress": 0.2},
        offer=0.5,
        seen=2.0,
        loss=1.8,
        of={"weight_decay": 0.2},
    ),
    "held by decay": case(
        Cause.PLATEAU, Severity.WARNING, "weight_decay", offer=0.0, held_out=1.8, of={"weight_decay": 1}
    ),
    "held by decay above a table": case(
        Cause.PLATEAU, Severity.WARNING, "weight_decay", offer=0.0, seen=2.0, held_out=2.3, of={"weight_decay": 1}
    ),
    "resting by dropout": case(Cause.PLATEAU, Severity.WARNING, "dropout", **RESTING, offer=0.5, of={"dropout": 0.8}),
}

every_case = pytest.mark.parametrize("name", CASES)
every_rule = pytest.mark.parametrize("cause", RULES)


def said(chosen: Case, **changes: Any) -> Symptom | None:
    """The rule's finding on a case with some signs changed, after the checks that every finding must pass.

    A suspicion that still waits for something is none.
    """
    signs = replace(chosen.signs, **changes)
    symptom = RULES[chosen.cause](signs, chosen.record)
    if symptom is not None:
        assert symptom.cause == chosen.cause
        assert len(symptom.says) < 300
        assert not re.search(r"\b(nan|inf)\b", symptom.says)
        assert symptom.evidence
        assert all(math.isfinite(number) for number in symptom.evidence.values())
        if symptom.trial is not None:
            look_at(symptom.trial, chosen.cause, signs.settings)
    return symptom if symptom is None or not symptom.waits_for else None


def look_at(trial: Trial, cause: Cause, settings: Settings) -> None:
    """Check that the user can type in a trial, and that it goes in the right direction."""
    tried = settings.with_text(trial.knob, trial.value)
    expected = TRIALS[cause][trial.knob]
    if expected == 0:
        assert trial.value != settings.write(trial.knob)
    elif isinstance(expected, str):
        assert trial.value == expected != settings.write(trial.knob)
    else:
        before, after = (size(getattr(each, trial.knob)) for each in (settings, tried))
        assert expected * after > expected * before


def size(value: float | LengthLaw | None) -> float:
    """The value as a number for comparisons: a bound that is off counts as infinite."""
    return math.inf if value is None else value.mean if isinstance(value, LengthLaw) else value


@pytest.mark.parametrize(
    ("optimizer", "lr", "proposed"),
    [
        ("adamw", 1e-4, "0.0003"),
        ("adamw", 2e-3, "0.004"),
        ("adamw", 4e-3, "0.0004"),
        ("sgd", 0.05, "0.2"),
        ("sgd", 5.0, "0.5"),
    ],
)
def test_a_stuck_network_gets_a_higher_rate_only_below_the_usual_one(optimizer: str, lr: float, proposed: str) -> None:
    signs = replace(CASES["stuck"].signs, settings=Settings(optimizer=optimizer, lr=lr))
    symptom = RULES[Cause.STUCK_AT_LETTER_FREQUENCIES](signs, fed())
    assert symptom is not None
    assert symptom.trial == Trial("lr", proposed)


def test_a_collapse_is_told_by_the_steps_before_it_and_what_is_lost() -> None:
    ruined = replace(CASES["ruined"].signs, ratio=7e-6, longest=0.05, by_context=0.0, saturated=0.5)
    symptom = RULES[Cause.LEARNING_RATE_TOO_HIGH](ruined, fed())
    assert symptom is not None
    assert "by up to 5% of themselves" in symptom.says
    assert symptom.evidence["update_ratio"] == 0.05
    assert "go back to a state before that, or begin anew at a lower rate" in symptom.says
    knows = RULES[Cause.LEARNING_RATE_TOO_HIGH](replace(ruined, by_context=0.5), fed())
    assert knows is not None
    assert "ruined" not in knows.says


@pytest.mark.parametrize(
    ("entropies", "most", "table"),
    [
        ((3.0, 2.0, 1.5, 1.0), 2, 1.5),
        ((3.0, 2.0), 5, NAN),
        ((), 0, NAN),
        ((3.0,), None, NAN),
        (None, 1, NAN),
        ((3.0, 2.0), "1", NAN),
    ],
)
def test_a_count_that_cannot_be_relied_on_is_not(entropies: Any, most: Any, table: float) -> None:
    facts = {"context_entropies": entropies, "sure_contexts": most}
    assert read_signs(fed(Probe(0, 0, "text_facts", 0.0, facts))).table == pytest.approx(table, nan_ok=True)


def test_geometric_windows_reach_further_than_their_mean() -> None:
    signs = replace(CASES["short windows"].signs, settings=Settings(bptt=bptt("geom:11")))
    assert RULES[Cause.BPTT_TOO_SHORT](signs, CASES["short windows"].record) is None
    assert RULES[Cause.BPTT_TOO_SHORT](replace(signs, settings=Settings(bptt=bptt("11"))), misses(20, 0.5)) is not None


def test_every_rule_has_a_clear_case() -> None:
    assert {chosen.cause for chosen in CASES.values()} == RULES.keys() == TRIALS.keys()


@every_case
def test_a_clear_case_is_named_with_what_would_test_it(name: str) -> None:
    symptom = said(CASES[name])
    assert symptom is not None
    assert symptom.severity == CASES[name].severity
    assert (symptom.trial and symptom.trial.knob) == CASES[name].knob


@every_rule
def test_a_healthy_training_is_left_in_peace(cause: Cause) -> None:
    assert RULES[cause](healthy_signs(), fed()) is None


@every_rule
def test_nothing_is_said_where_nothing_is_known(cause: Cause) -> None:
    assert RULES[cause](unknown_signs(), fed()) is None
    assert RULES[cause](unknown_signs(clip=None, optimizer="sgd", targets="last", dropout=0.95), fed()) is None


@pytest.mark.parametrize("instrument", UNKNOWN)
def test_what_an_instrument_does_not_know_is_not_told(instrument: str) -> None:
    for chosen in CASES.values():
        said(chosen, **UNKNOWN[instrument])


@pytest.mark.parametrize("value", [0.0, 1e-12, HUGE])
@pytest.mark.parametrize("sign", ["ratio", "error", "norm", "growth", "loss", "seen", "patience"])
def test_numbers_without_measure_are_told_in_a_few_digits(sign: str, value: float) -> None:
    for chosen in CASES.values():
        said(chosen, **{sign: value})


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 1.2e-38},
        {"lr": 1e-8},
        {"lr": 3e-8},
        {"lr": 1_000},
        {"lr": 1_000, "optimizer": "sgd"},
        {"lr": 700, "optimizer": "rmsprop"},
        {"lr": 3.4e38},
        {"lr": 3.4e38, "optimizer": "sgd"},
        {"hidden": 1},
        {"hidden": 8_192},
        {"hidden": 8_192, "cell": "rnn"},
        {"dropout": 0.6},
        {"dropout": 0.95},
        {"dropout": 1.0},
        {"bptt": bptt("1")},
        {"bptt": bptt("2")},
        {"bptt": bptt("10000")},
        {"bptt": bptt("geom:1")},
        {"bptt": bptt("geom:11")},
        {"bptt": bptt("10-40")},
        {"clip": 1e-6},
        {"clip": 1e6},
        {"clip": 1e6, "clip_by": "value"},
        {"clip": 1.2e-38},
        {"clip": 3.4e38},
        {"clip": None},
        {"weight_decay": 10, "lr": 1e-8},
        {"weight_decay": 3.4e38},
        {"streams": 1},
        {"streams": 4_096},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_at_the_ends_of_a_knob_a_trial_is_another_value_or_none(settings: dict[str, Any]) -> None:
    for chosen in CASES.values():
        said(chosen, settings=replace(chosen.signs.settings, **settings))


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0%"),
        (2e-5, "0.002%"),
        (0.004, "0.4%"),
        (0.126, "13%"),
        (0.996, "100%"),
        (1.5, "150%"),
        (HUGE, "more than 10,000%"),
    ],
)
def test_shares_are_written_so_that_they_say_something(share: float, written: str) -> None:
    assert percent(share) == written


# --- silence -----------------------------------------------------------------------------------------------------


def silent(name: str, where: str, record: Record | None = None, *, of: Any = (), **signs: Any) -> Any:
    """A case in which one thing is different, so that the rule must stay silent."""
    settings = replace(CASES[name].signs.settings, **dict(of))
    return pytest.param(name, {"settings": settings, **signs}, record, id=f"{CASES[name].cause}: {where}")


LEARNT_SINCE = misses(20, 0.5, 0.5, 0.05)


@pytest.mark.parametrize(
    ("name", "changes", "record"),
    [
        silent("numbers broke", "numbers are large, and finite", fed(), loss=1e30, seen=1e30, norm=1e30),
        silent("rough numbers", "the text is learnt", seen=1e-4),
        silent("rough numbers", "long steps have saturated the units", saturated=0.95),
        silent("rough numbers", "steps are long", fed(*probes("update_ratio", {"whole": 0.02}, {"whole": 0.03}))),
        silent("saturated", "units have come there by learning", started(0.2, 1e-4)),
        silent("saturated", "long steps have driven them there", started(0.95, 0.1)),
        silent("saturated before the first update", "they have left it", saturated=0.4),
        silent("saturated before the first update", "next to none were", begun(0.1)),
        silent("saturated before the first update", "there are very few units", begun(0.35)),
        silent("saturated", "there are few units", of={"hidden": 12}),
        silent("exploding", "it falls with the lag, whatever its norm", by_lag=(1, 0.5), growth=0.5, norm=1e9),
        silent("exploded at once", "it was never huge", norms(0.5, 9.0, 0.5)),
        silent("exploded at once", "the rate was so high that the loss went up first", norms(0.5, 81.0, lr=0.1)),
        silent("exploded at once", "it was clipped", of={"clip": 1.0}),
        silent("patient", "nearly all units are saturated", saturated=0.99),
        silent("vanishing", "nothing is missed there", misses(20, 0.0), missed=missing(20, 0.0), norm=1e-9),
        silent("vanishing", "most is missed nearby", missed=missing(3, 0.5), offer=0.5),
        silent("vanishing", "far lags are missed by chance", scatter=0.5),
        silent("vanishing", "the gradient arrives there", by_lag=(1.0,) * LAGS),
        silent("vanishing", "it is being learnt", LEARNT_SINCE),
        silent("vanishing", "little was trained", update=1_400),
        silent("vanishing", "the window ends before", of={"bptt": bptt("10")}),
        silent("short windows", "nothing further back is missed", misses(20, 0.0), missed=missing(20, 0.0)),
        silent("short windows", "it is being learnt", LEARNT_SINCE),
        silent("short windows", "little was trained", update=190),
        silent("short windows", "the window holds it", of={"bptt": bptt("10-40")}),
        silent("windows of a character", "the text says no more behind them", by_characters=(3.3, 2.4, 2.4, 2.4)),
        silent("windows of a character", "what stands behind them is used", seen=1.8, loss=1.8),
        silent("windows of a character", "what stands within is still learnt", seen=2.9, loss=2.9),
        silent("windows of a character", "little was trained", points=3),
        silent("windows of a character", "windows are longer", of={"bptt": bptt("3")}),
        silent("a foreign passage", "it is no worse than a hard chapter", passage(2.8)),
        silent("a foreign passage", "other streams are the worst in turn", passage(5.0, places=(0.1, 0.4, 0.7))),
        silent("a foreign passage", "nothing is learnt elsewhere", passage(5.0, loss=3.4)),
        silent("a foreign passage", "there is one stream", of={"streams": 1}),
        silent("jump", "both have risen", seen_course=steady(2.0, 2.0, 5.0)),
        silent("jump", "many streams' loss has risen together", streams(JUMP, together=True)),
        silent("jump", "text read before is not known", seen_course=[]),
        silent("jump", "a knob was just turned", streams(JUMP, turned("lr", "0.004", "0.1", NOW * 40 // 60))),
        silent("jump", "the stream always varied so", streams(([2.0] * 8 + [5.0] * 4) * 3 + [2.0] * 12 + [5.0] * 12)),
        silent("jump", "too little was read before", streams(JUMP[-30:])),
        silent("strange held-out text", "text was read twice", passes=PASSES_READ_ONCE + 0.1),
        silent("strange held-out text", "what is read has risen too", climb=Climb(900, 3.0, 0.0, 3.0)),
        silent("strange held-out text", "what was read has risen too", climb=Climb(900, 0.0, 3.0, 3.0)),
        silent(
            "strange held-out text, read often",
            "withheld text is predicted worse as well",
            held_out_and_withheld((2.0, 2.0), (1.8, 1.9), (4.0, 3.0)),
        ),
        silent("a text that is known to turn", "it has not been read so far", turns(3.0, 0.0, end=0.45)),
        silent("a text that is known to turn", "that was long ago", turns(3.0, 0.0, place=0.3, end=0.9)),
        silent("a text that is known to turn, many streams", "the change is small", turns(0.3, 0.2)),
        silent("held-out text that is known to be of another kind", "the change is small", known_end(0.5)),
        silent("a text that is known to turn a little", "the network does not feel it", turns(0.3, 0.02)),
        silent("a text that is known to turn a little", "few points are known there", turns(0.3, 0.2, end=0.505)),
        silent("forgotten", "what is read now is predicted no better", loss=4.0),
        silent("forgotten", "the network has become worse at all text", climb=Climb(900, 3.0, 3.0, 3.0)),
        silent("forgotten", "the network keeps nothing", saturated=0.97),
        silent("forgotten", "many streams read all parts together", of={"streams": 16}),
        silent("jump", "a point is of few characters", of={"targets": "last"}),
        silent("forgotten", "it was never known", lanes((4.5, 4.4, 4.5, 4.5), (6.0, 6.0, 6.0, 1.3), places=(0.1, 0.7))),
        silent("few targets", "windows are short", of={"bptt": bptt("1")}),
        silent("few targets", "the text is learnt all the same", seen=0.1),
        silent("few targets", "all are targets", of={"targets": "all"}),
        silent("worse", "the rate was annealed", annealed=0.01),
        silent("worse", "it falls since a knob was turned", turned=1_000, reading_progress=0.2),
        silent("worse at once", "a point is of few characters", of={"targets": "last"}),
        silent("worse", "the text says next to nothing", letters=0.008, pairs=0.008, seen=0.012, loss=0.012),
        silent("a little worse", "weight decay moves the weights", of={"weight_decay": 10}),
        silent(
            "a little worse",
            "weight decay and momentum move the weights",
            of={"optimizer": "sgd", "lr": 0.5, "weight_decay": 1e-3},
        ),
        silent("worse", "updates do not move the weights", full_ratio=1e-7),
        silent("worse at once", "few streams are read", of={"streams": 1}),
        silent("worse at once", "few points are known", points_turned=3),
        silent("worse at once", "much is dropped while it trains", of={"dropout": 0.95}),
        silent("worse all the time, one stream", "it was not all the time", since_begin=2.0),
        silent("climbed", "weight decay moves the weights", of={"weight_decay": 10}),
        silent("climbed", "text read before has not climbed", seen_course=steady(1.75)),
        silent("climbed", "what is read now has not climbed", climb=Climb(900, 0.0, 1.0, 1.0)),
        silent("climbed early", "one stream alone explains it", worst=(60.0, 0.4)),
        silent("climbed early", "few streams are read", of={"streams": 1}),
        silent("oversteps", "the loss falls, however long the steps are", progress=0.2, ratio=0.5),
        silent("oversteps", "it has fallen for long", progress_long=0.2),
        silent("driven by noise", "units were saturated when a knob was turned", turned=NOW // 2 + 1),
        silent("oversteps", "the loss of what is read falls", reading_progress=0.2),
        silent("oversteps", "nothing is left to be learnt", offer=0.0),
        silent("oversteps", "weight decay moves the weights", of={"weight_decay": 10}),
        silent("oversteps", "the gradients do not agree", agreement=0.01),
        silent("oversteps by far", "the loss falls", progress=0.2),
        silent("oversteps by far", "the loss of what is read falls", reading_progress=0.2),
        silent("oversteps by far", "steps are long, and no more", ratio=9e-3),
        silent("oversteps by far", "only few updates were made", age=40),
        silent("driven", "the loss falls, however long the steps are", progress=0.2, ratio=0.5),
        silent("driven", "nothing is left to be learnt", offer=0.0),
        silent("driven", "what is left is chance, as in a table", offer=0.06),
        silent("driven by noise", "the units began so", started(0.9, 2e-3)),
        silent("driven by noise", "nobody knows how the units began", fed()),
        silent("driven by noise", "the loss of what is read falls", reading_progress=0.2),
        silent("driven by noise", "only few updates were made", age=LEAST_AGE - 1),
        silent("cut, sgd", "it cuts now and then", clipped=0.3),
        silent("cut, sgd", "it cuts a little", factor=0.7),
        silent("cut, sgd", "it cuts a gradient that explodes", growth=1e5),
        silent("cut, sgd, nothing read back yet", "the gradient may explode", growth=NAN, norm=1e3),
        silent("cut, sgd", "it is large because the loss is", norm=1e3, loss=50.0),
        silent("cut to a tenth, sgd", "steps stay long", rate_used=0.9),
        silent("cut, adam", "it cuts now and then", clipped=0.3),
        silent("patient", "the rate was annealed", annealed=0.01),
        silent("patient", "the loss is worse than that of the frequencies", seen=16_000.0),
        silent("patient", "the loss has risen", climb=Climb(900, 0.5, 0.5, 0.5)),
        silent("patient", "clipping shortens the steps", rate_used=0.01),
        silent("patient", "the text is learnt", seen=0.01),
        silent("patient", "what the last few characters tell is learnt", offer=0.0),
        silent("patient", "the gradient changes", patience=5.0),
        silent("patient", "extreme dropout is to blame", of={"dropout": 0.9}, loss=2.2),
        silent("patient", "the network has few units", of={"hidden": 12}, patience=120.0),
        silent("patient", "little is left nearby, as in a table", offer=0.07, patience=150.0),
        silent("patient, at rest", "the loss falls", progress=0.1),
        silent("patient, at rest", "the loss of what is read falls", reading_progress=0.1),
        silent("patient, far from a table", "a table comes to as much", table=2.05),
        silent("creeping", "the rate was annealed", annealed=0.01),
        silent("creeping, nothing read back yet", "nothing near is left to be learnt", loss=2.0),
        silent("creeping, nothing read back yet", "few points are known", points_turned=3),
        silent("by heart, six readings", "one is too few", held_out_readings(2.2, 2.0, 1.95, 1.9, 1.8, 2.0)),
        silent(
            "by heart, six readings", "it rises by next to nothing", held_out_readings(2.2, 2, 1.9, 1.8, 1.83, 1.84)
        ),
        silent("by heart, six readings", "it comes down again", held_out_readings(2.2, 2.0, 1.9, 1.8, 2.1, 1.82)),
        silent(
            "by heart, six readings", "what was read hardly falls", seen_course=sixths(2.2, 1.9, 1.6, 1.4, 1.3, 1.2)
        ),
        silent(
            "by heart, slightly, withheld text too",
            "withheld text stays",
            withheld_readings(1.9, 1.8, 1.8, 1.8, 1.8, 1.8),
        ),
        silent("by heart, six readings", "little was read twice", passes=PASSES_READ_TWICE - 0.1),
        silent("by heart", "both rise", seen=3.0),
        silent("by heart", "it rises by no more than it varies by", climb=None),
        silent("by heart", "nothing is held out", fed()),
        silent("by heart", "little was read twice", passes=PASSES_READ_TWICE - 0.1),
        silent(
            "by heart",
            "withheld text gets better with what is read",
            held_out_and_withheld((2.0, 2.0), (1.8, 1.9), (4.0, 1.0)),
        ),
        silent("by heart", "both fall and drift apart", held_out(2.0, 1.9, 1.8)),
        silent("noisy", "the loss falls", progress=0.2),
        silent("noisy", "the loss of what is read falls", reading_progress=0.2),
        silent("noisy", "nothing is left to be learnt", offer=0.0),
        silent("noisy", "updates agree", agreement=0.5),
        silent("noisy", "steps are short", ratio=1e-4),
        silent("noisy by dropout", "dropout costs little", loss=1.76),
        silent("stuck", "there is no more to know", pairs=3.3, table=3.3),
        silent("stuck", "only few updates were made", age=LEAST_AGE - 1),
        silent("stuck", "predictions depend on what stands before", by_context=0.5),
        silent("stuck", "the loss falls", progress=0.2),
        silent("resting", "nothing is left to be learnt", offer=0.0),
        silent("resting", "the places of the control samples are of another kind", seen=2.0, loss=1.8),
        silent("resting above what is counted", "the network is about where the table is", table=1.7),
        silent("resting above what is counted", "nothing was counted", table=NAN),
        silent("few units", "they are as many as the text's characters", of={"hidden": 32}),
        silent("few units", "the text has few characters", letters=1.4),
        silent("few units", "nobody knows how many characters the text has", letters=NAN),
        silent("few units", "the loss falls", progress=0.15),
        silent("few units", "it fell until lately", progress_long=0.3),
        silent("few units", "nothing is left to be learnt", offer=0.0),
        silent("held by decay", "updates outweigh it", ratio=0.05),
        silent("held by decay", "it keeps the network from memorising", held_out=2.2),
        silent("held by decay", "the rate was annealed", annealed=0.01),
        silent("crushed by decay", "the full rate is new", age=10),
        silent(
            "crushed by decay", "adam divides weight decay by its size", of={"optimizer": "adam", "weight_decay": 30.0}
        ),
        silent("crushed by decay", "predictions depend on the text before", by_context=0.5),
        silent("resting", "the rate was annealed", annealed=0.01),
        silent("resting", "the loss of what is read has climbed", climb=Climb(900, 1.0, 0.0, 0.0)),
        silent("resting", "the loss falls", progress=0.2),
        silent("resting", "it has fallen for long", progress_long=0.2),
        silent("resting", "little was trained", age=LEAST_AGE),
    ],
)
def test_a_rule_is_silent_where(name: str, changes: dict[str, Any], record: Record | None) -> None:
    chosen = CASES[name]
    assert said(chosen) is not None
    assert said(replace(chosen, record=record or chosen.record), **changes) is None


# --- which knob broke the numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(("knob", "old", "new"), [("lr", "0.004", "100"), ("clip", "1", "off"), ("clip", "1", "1000")])
def test_the_knob_that_was_just_turned_up_is_put_back(knob: str, old: str, new: str) -> None:
    signs = replace(healthy_signs(), settings=Settings().with_text(knob, new))
    symptom = said(Case(Cause.NON_FINITE, Severity.PROBLEM, knob, signs, broken(turned(knob, old, new))))
    assert symptom is not None
    assert symptom.trial == Trial(knob, old)
    assert f"3 updates after {knob} was raised" in symptom.says
    assert f"{knob} {old} → {new}" in symptom.says


@pytest.mark.parametrize(
    ("knob", "old", "new", "update"),
    [
        ("lr", "1", "0.004", NOW - 3),
        ("clip", "off", "1", NOW - 3),
        ("clip", "1000", "1", NOW - 3),
        ("dropout", "0.1", "0.3", NOW - 3),
        ("lr", "0.0001", "0.004", int(NOW * (1 - SUSPECT_SHARE)) - 1),
    ],
)
def test_a_knob_that_was_turned_down_or_long_ago_is_no_suspect(knob: str, old: str, new: str, update: int) -> None:
    symptom = said(replace(CASES["numbers broke"], record=broken(turned(knob, old, new, update))))
    assert symptom == said(CASES["numbers broke"])


def test_a_knob_that_was_put_back_is_not_put_back_again() -> None:
    record = broken(turned("lr", "0.004", "100", NOW - 5), turned("lr", "100", "0.004"))
    symptom = said(replace(CASES["numbers broke"], record=record))
    assert symptom is not None
    assert symptom.trial == Trial("lr", "0.0004")


# --- where the text changes --------------------------------------------------------------------------------------


def test_one_reading_of_a_risen_validation_loss_is_a_suspicion() -> None:
    chosen = CASES["by heart, six readings"]
    readings = held_out_readings(2.2, 2.0, 1.9, 1.8, 1.82, 2.1)
    symptom = RULES[Cause.OVERFITTING](chosen.signs, readings)
    assert symptom is not None
    assert symptom.waits_for == "another control sample"
    assert symptom.awaits == {"control"}


def test_what_may_come_does_not_hide_what_is_known() -> None:
    """One reading of a validation loss that rises alone, on a text that is known to turn."""
    known = turns(3.0, 0.0)
    for event in probes("control", *({"held_out": 1.8, "withheld": 1.8} for _ in range(5)), {"held_out": 6.0}):
        known.add(event)
    signs = replace(CASES["a text that is known to turn"].signs, passes=9.0, seen_course=sixths(3, 2.5, 2, 1.8, 1.5, 1))
    symptom = RULES[Cause.DATA_SHIFT](signs, known)
    assert symptom is not None
    assert not symptom.waits_for
    assert "another kind of text begins" in symptom.says


def test_a_jump_is_told_with_its_update_its_place_and_its_size() -> None:
    symptom = said(CASES["jump"])
    assert symptom is not None
    assert symptom.since == NOW * 41 // 60
    assert symptom.evidence == pytest.approx({"rise": 3.0, "elsewhere": 0.0, "place": 41 / 60, "seen": 1.75})
    assert "At 68% of the text" in symptom.says


def test_a_knob_that_no_update_depends_on_hides_no_jump() -> None:
    record = streams(JUMP, turned("temperature", "0.8", "1", NOW * 40 // 60))
    assert said(replace(CASES["jump"], record=record)) is not None


# --- how far back a gradient goes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "speaks"), [("1", False), ("2-5", False), ("10-40", True), ("64", True), ("geom:11", True)]
)
def test_a_gradient_that_grows_many_windows_back_is_none_that_explodes(law: str, speaks: bool) -> None:
    record = fed(*probes("gradient_by_lag", *({"relative": (*(1.0,) * 30, *(1e5,) * 35)},) * 5), bptt=bptt(law))
    assert (RULES[Cause.EXPLODING_GRADIENT](read_signs(record), record) is not None) == speaks
