"""Of which causes enough is known to say that they are absent, and what is missing for the others.

Silence is a statement only where a rule had what it needs. The needs of each rule are here; the rules themselves stay
silent without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.diagnosis.data import POINTS_BEFORE, POINTS_IN_LEVEL
from engine.diagnosis.generalisation import PASSES_READ_TWICE
from engine.diagnosis.progress import LETTER_WORTH, REST_AGE
from engine.diagnosis.rate import BLATANT_POINTS
from engine.diagnosis.record import Record
from engine.diagnosis.signs import FULL_READINGS, LEAST_READINGS, READINGS, Signs
from engine.diagnosis.thresholds import AS_SET, FEW_POINTS, LEAST_AGE, NEAR_LAGS
from engine.diagnosis.through_time import BEYOND_AGE, FAR_AGE
from engine.events import Cause, Judged, Judgement
from engine.numbers import counted
from engine.windows import ALL

READING: Mapping[str, str] = {
    "control": "control sample",
    "update_ratio": "update ratio",
    "agreement": "agreement reading",
    "gates": "gate reading",
    "gradient_by_lag": "lag reading",
    "numerics": "float64 reading",
}
"""One reading of an instrument, in words."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The evidence that a rule must have had since the knobs were turned, before its silence says anything.

    Attributes:
        readings: by instrument, the number of readings.
        points: the number of points.
        age: the number of updates, the warm-up left out.
        updates: the number of updates, the warm-up included.
        passes: the number of passes through the text.
        impossible: why the rule can say nothing here, however long the training goes on; empty where it can.
    """

    readings: Mapping[str, int] = field(default_factory=dict)
    points: int = 0
    age: int = 0
    updates: int = 0
    passes: float = 0.0
    impossible: str = ""


def judgements(signs: Signs, record: Record, found: frozenset[Cause]) -> Iterator[Judgement]:
    """The judgement of every cause that is not `found`, in the order of the rules."""
    for cause, needs in _needs(signs, record).items():
        if cause in found:
            continue
        missing = _missing(needs, signs, record)
        if needs.impossible:
            yield Judgement(cause, Judged.CANNOT, needs.impossible)
        elif missing:
            yield Judgement(cause, Judged.NOT_YET, ", ".join(missing))
        else:
            yield Judgement(cause, Judged.ABSENT)


def _missing(needs: Needs, signs: Signs, record: Record) -> list[str]:
    """The evidence that is still missing, in a few words each."""
    missing = []
    for instrument, wanted in needs.readings.items():
        # The last so many are enough to count, however long the run is.
        there = sum(probe.update >= signs.begin for probe in record.probes.get(instrument, ())[-wanted:])
        if there < wanted:
            missing.append(counted(wanted - there, f"more {READING[instrument]}"))
    if signs.points_turned < needs.points:
        missing.append(counted(needs.points - signs.points_turned, "more point"))
    if signs.age < needs.age:
        missing.append(f"update {signs.begin + needs.age:,}")
    if signs.update - signs.turned < needs.updates:
        missing.append(f"update {signs.turned + needs.updates:,}")
    if needs.passes and not signs.passes >= needs.passes:
        missing.append(f"{needs.passes:g} passes through the text")
    return missing


def _needs(signs: Signs, record: Record) -> dict[Cause, Needs]:
    settings = signs.settings
    window, annealed = settings.bptt.reach, "the learning rate is being lowered" if signs.annealed < AS_SET else ""
    course = {"control": 2 * READINGS}
    facts = record.reading("text_facts")
    held_out = "nothing is held out" if facts and not facts.get("validation_characters") else ""
    near = f"windows of {settings.bptt} hold near characters alone" if window <= NEAR_LAGS else ""
    lags = len(signs.missed)
    far = f"nothing is measured beyond {lags} characters" if window >= lags > 0 else ""
    far_age = BEYOND_AGE if settings.cell == "rnn" else FAR_AGE
    simple = "no letter tells the next one" if signs.letters - signs.table <= LETTER_WORTH * signs.letters else ""
    return {
        Cause.NON_FINITE: Needs(points=1),
        Cause.SATURATED_UNITS: Needs({"gates": LEAST_READINGS, "update_ratio": 1}),
        Cause.EXPLODING_GRADIENT: Needs({"gradient_by_lag": LEAST_READINGS}),
        Cause.NUMERICAL_INSTABILITY: Needs({"numerics": LEAST_READINGS, "control": LEAST_READINGS}),
        Cause.DATA_SHIFT: Needs(points=POINTS_BEFORE + POINTS_IN_LEVEL),
        Cause.LEARNING_RATE_TOO_HIGH: Needs(course, BLATANT_POINTS, LEAST_AGE, impossible=annealed),
        Cause.CLIP_TOO_TIGHT: Needs(points=0 if settings.clip is None else FEW_POINTS),
        Cause.LEARNING_RATE_TOO_LOW: Needs({"update_ratio": FULL_READINGS}, FEW_POINTS, impossible=annealed),
        Cause.OVERFITTING: Needs(course, passes=PASSES_READ_TWICE, impossible=held_out),
        Cause.VANISHING_GRADIENT: Needs(
            {**course, "gradient_by_lag": LEAST_READINGS}, updates=far_age + 1, impossible=near
        ),
        Cause.BPTT_TOO_SHORT: Needs(course, updates=BEYOND_AGE + 1, impossible=far),
        Cause.SPARSE_TARGETS: Needs(points=0 if settings.targets == ALL else FEW_POINTS),
        Cause.NOISY_UPDATES: Needs({**course, "agreement": LEAST_READINGS}, age=LEAST_AGE),
        Cause.STUCK_AT_LETTER_FREQUENCIES: Needs(course, age=LEAST_AGE, impossible=simple),
        Cause.PLATEAU: Needs(course, age=REST_AGE, impossible=annealed),
    }
