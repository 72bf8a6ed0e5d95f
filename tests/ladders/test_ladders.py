"""The ladders' own parts: a clock that is slow, texts that are drawn, and faults that can be trained."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from engine.diagnosis.diagnosis import RULES
from engine.events import Cause
from tests.ladders import texts
from tests.ladders.blatant import BLATANT
from tests.ladders.fault import Fault
from tests.ladders.slow_clock import as_slow_as
from tests.ladders.watched import watch
from tests.waiting import PATIENCE


def test_a_slow_clock_counts_more_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    with as_slow_as(0.2):  # it asks once when it begins
        assert [time.monotonic(), time.monotonic()] == [5.0, 10.0]
    assert time.monotonic() == 3.0


@pytest.mark.parametrize("kind", texts.KINDS)
def test_a_text_is_drawn_from_its_seed(kind: str) -> None:
    drawn = texts.KINDS[kind]
    one, same, other = (drawn(Random(seed), 20_000) for seed in (1, 1, 2))
    assert len(one) == len(other) == 20_000
    assert one == same
    assert one != other


def test_stretches_follow_each_other() -> None:
    text = texts.then((texts.digits, 300), (texts.genes, 200))(Random(0), 0)
    assert (set(text[:300]) <= set("0123456789"), set(text[300:]) <= set("ACGT"), len(text)) == (True, True, 500)


def test_what_is_recalled_comes_back_after_its_lag() -> None:
    lines = texts.recall(20)(Random(3), 1_000).splitlines()
    assert all(line[20:24] == line[:4] for line in lines[:-1])


def test_faults_have_names_of_their_own_and_causes_that_there_are() -> None:
    assert len({fault.name for fault in BLATANT}) == len(BLATANT)
    assert {cause for fault in BLATANT for cause in fault.causes} <= RULES.keys()
    for fault in BLATANT:
        assert fault.chosen(seed=7).seed == 7


def test_a_fault_is_trained_and_what_is_said_is_noted(tmp_path: Path) -> None:
    fault = Fault("cut", (Cause.CLIP_TOO_TIGHT,), {"optimizer": "sgd", "clip": "1e-5", "hidden": "16"}, size=30_000)
    watched = watch(fault, seed=0, seconds=PATIENCE, folder=tmp_path, until=Cause.CLIP_TOO_TIGHT)
    assert [each.finding.cause for each in watched.said] == list(fault.causes)
    assert 0 < watched.said[0].seconds == watched.said[0].since_onset < PATIENCE
    assert watched.updates > 0
    assert watched.looks["update_ratio"][0] > 0
