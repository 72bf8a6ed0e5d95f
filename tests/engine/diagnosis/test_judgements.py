"""Judgements of the causes that were not found: absent, not judged yet, or impossible to judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.diagnosis.diagnosis import RULES, Diagnosis
from engine.diagnosis.judgements import judgements
from engine.diagnosis.record import Record
from engine.diagnosis.signs import read_signs
from engine.events import Cause, Judged, Judgement, Point, Probe, Stored
from engine.settings import Settings
from engine.windows import LengthLaw
from tests.engine.diagnosis.test_rules import fed, healthy_signs, unknown_signs

FACTS = {"letter_entropy": 3.3, "pair_entropy": 2.4, "characters": 100_000, "validation_characters": 10_000}
READ = ("control", "update_ratio", "agreement", "gates", "gradient_by_lag", "numerics")


def events(updates: int, every: int = 50) -> list[Stored]:
    """Points and readings of a run without warm-up."""
    found: list[Stored] = [Probe(0, 0, "text_facts", 0.0, FACTS)]
    for update in range(every, updates + 1, every):
        found.append(Point(update, 1_024 * update, 0.0, 2.0, 0.5, 0.6, 0.0, (), 4e-3, every, 0.1, 2.0, 0.4, 1.0, 4e-3))
        found += [
            Probe(update, 1_024 * update, name, 0.0, {"missed": (0.0,) * 128} if name == "control" else {})
            for name in READ
        ]
    return found


def judged(record: Record, *found: Cause) -> dict[Cause, Judgement]:
    """The judgements on a record, by cause."""
    return {each.cause: each for each in judgements(read_signs(record), record, frozenset(found))}


def test_every_cause_is_judged_in_the_order_of_the_rules() -> None:
    assert [each.cause for each in judgements(unknown_signs(), fed(), frozenset())] == list(RULES)
    assert Cause.PLATEAU not in {each.cause for each in judgements(unknown_signs(), fed(), frozenset({Cause.PLATEAU}))}


def test_nothing_is_absent_before_anything_was_measured() -> None:
    found = {each.cause: each for each in judgements(unknown_signs(), fed(), frozenset())}
    # Without clipping to judge, or with a target at every character, there is no need to look.
    del found[Cause.SPARSE_TARGETS]
    assert {each.judged for each in found.values()} == {Judged.NOT_YET}
    assert all(each.why for each in found.values())


def test_a_long_run_leaves_nothing_open() -> None:
    found = judged(fed(*events(2_500), warmup=0))
    assert {cause for cause, each in found.items() if each.judged is not Judged.ABSENT} == set()
    assert all(not each.why for each in found.values())


def test_what_is_missing_is_said() -> None:
    found = judged(fed(*events(100), warmup=0))
    assert found[Cause.PLATEAU] == Judgement(Cause.PLATEAU, Judged.NOT_YET, "4 more control samples, update 300")
    assert found[Cause.SATURATED_UNITS].judged is Judged.ABSENT
    assert "1.5 passes through the text" in found[Cause.OVERFITTING].why
    assert found[Cause.DATA_SHIFT].why == "21 more points"


@pytest.mark.parametrize(
    ("cause", "settings", "facts"),
    [
        (Cause.OVERFITTING, {}, {"validation_characters": 0}),
        (Cause.VANISHING_GRADIENT, {"bptt": LengthLaw.fixed(8)}, {}),
        (Cause.BPTT_TOO_SHORT, {"bptt": LengthLaw.fixed(200)}, {}),
        (Cause.STUCK_AT_LETTER_FREQUENCIES, {}, {"pair_entropy": 3.25}),
        (Cause.PLATEAU, {"lr": 1e-2}, {}),
        (Cause.LEARNING_RATE_TOO_LOW, {"lr": 1e-2}, {}),
    ],
)
def test_what_cannot_be_judged_here_says_why(cause: Cause, settings: dict[str, Any], facts: dict[str, float]) -> None:
    made = events(2_500)
    made[0] = Probe(0, 0, "text_facts", 0.0, {**FACTS, **facts})
    found = judged(fed(*made, warmup=0, **settings))[cause]
    assert found.judged is Judged.CANNOT
    assert found.why


def test_a_turned_knob_makes_the_readings_before_it_useless() -> None:
    signs = replace(healthy_signs(), begin=1_900, age=100, turned=1_900, points_turned=2)
    record = fed(*events(2_500))
    found = {each.cause: each for each in judgements(signs, record, frozenset())}
    assert found[Cause.PLATEAU].judged is Judged.NOT_YET
    assert "update 2,200" in found[Cause.PLATEAU].why


def test_a_diagnosis_judges_what_it_neither_finds_nor_suspects() -> None:
    diagnosis = Diagnosis(Settings(warmup=0))
    for event in events(2_500):
        diagnosis.take(event)
    known = {each.cause for each in diagnosis.findings} | {each.cause for each in diagnosis.suspicions}
    assert known.isdisjoint(each.cause for each in diagnosis.judgements)
    assert known | {each.cause for each in diagnosis.judgements} == RULES.keys()
    assert all(each.judged is Judged.ABSENT for each in diagnosis.judgements)
