"""The ladders' own parts: a clock that is slow, texts that are drawn, and faults that can be trained."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from engine.diagnosis.diagnosis import RULES
from engine.events import Cause, Finding, Severity, Trial
from tests.ladders import texts, trials
from tests.ladders.blatant import BLATANT
from tests.ladders.fault import Fault
from tests.ladders.measured import Row, drawn
from tests.ladders.rungs import LADDERS, Truth
from tests.ladders.scores import summed, told
from tests.ladders.shift import shift
from tests.ladders.slow_clock import as_slow_as
from tests.ladders.watched import Said, Watched, watch
from tests.ladders.way import CELLS, HIDDEN, RATES, WINDOWED, Way
from tests.sick_runs.recipes import enlarge
from tests.waiting import PATIENCE

HIGH, LOW = Cause.LEARNING_RATE_TOO_HIGH, Cause.LEARNING_RATE_TOO_LOW


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


def test_a_planted_fault_is_in_every_new_network(tmp_path: Path) -> None:
    planted = Fault("planted", (Cause.NON_FINITE,), {"hidden": "16"}, size=30_000, plant=enlarge("head.weight", 1e38))
    watched = watch(planted, seed=0, seconds=PATIENCE, folder=tmp_path, until=Cause.NON_FINITE)
    assert [each.finding.cause for each in watched.said] == [Cause.NON_FINITE]
    assert math.isinf(watched.validation)


def test_memorising_begins_at_the_lowest_validation_loss(tmp_path: Path) -> None:
    by_heart = Fault("by heart", (Cause.OVERFITTING,), {"hidden": "64", "streams": "2", "bptt": "16"}, size=2_000)
    watched = watch(by_heart, 1, 60, tmp_path, until=Cause.OVERFITTING)
    (said,) = [each for each in watched.said if each.finding.cause is Cause.OVERFITTING]
    assert watched.held_out[-1] > min(watched.held_out)
    assert said.since_onset < said.seconds


def test_what_a_finding_proposes_is_tried_from_where_the_run_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "SECONDS", 0.5)
    slow = Fault("slow", (LOW,), {"hidden": "16", "lr": "1e-6"}, size=30_000)
    watched = watch(slow, seed=0, seconds=PATIENCE, folder=tmp_path, until=LOW)
    (said,) = [each.finding for each in watched.said if each.finding.cause is LOW]
    settings, lab = slow.chosen(0), tmp_path / "lab"
    assert trials.helps(replace(said, trial=Trial("lr", "0.01")), settings, lab, watched.run) is True
    assert trials.helps(replace(said, trial=Trial("lr", "1e-30")), settings, lab, watched.run) is False
    assert trials.helps(replace(said, trial=Trial("cell", "gru")), settings, lab, watched.run) is None
    assert trials.helps(replace(said, trial=None), settings, lab, watched.run) is None


# --- rungs -----------------------------------------------------------------------------------------------------------


def test_every_cause_has_a_ladder_of_five_rungs_with_true_causes() -> None:
    assert LADDERS.keys() == RULES.keys()
    for cause, ladder in LADDERS.items():
        assert len(ladder) >= 5
        for make in ladder:
            rung = make(Way("prose", "gru", "48", "adam"))
            assert rung.cause == cause
            assert cause in rung.sick.causes
            assert rung.sick.chosen(3).seed == 3
            # The cure is the same training but for the fault.
            assert (rung.cured is None) == (rung.truth is not Truth.CURE)
            assert rung.cured is None or (rung.cured != rung.sick and rung.cured.text == rung.sick.text)


def test_what_is_drawn_covers_the_space_and_is_the_same_again() -> None:
    cases = [drawn(4, number) for number in range(400)]
    rungs = [each for each in cases if not isinstance(each, Fault)]
    assert {each.cause for each in rungs} == LADDERS.keys()
    assert 0.15 < 1 - len(rungs) / len(cases) < 0.35
    chosen = [(each if isinstance(each, Fault) else each.sick).settings for each in cases]
    for name, words in (("cell", CELLS), ("hidden", HIDDEN), ("optimizer", RATES)):
        assert {settings[name] for settings in chosen} >= set(words)
    again = [drawn(4, number) for number in range(400)]
    assert [getattr(each, "size", "") for each in again] == [getattr(each, "size", "") for each in cases]
    assert chosen == [(each if isinstance(each, Fault) else each.sick).settings for each in again]
    assert drawn(6, 0) != drawn(4, 0)


def test_a_slower_way_has_a_lower_rate() -> None:
    usual = Way("prose", "lstm", "128", "adam", WINDOWED)
    assert replace(usual, cell="rnn").rate < usual.rate
    assert replace(usual, read="one stream").rate < usual.rate


def test_a_shift_is_what_a_table_of_triples_loses() -> None:
    abc, abd = "abcabc" * 2_000, "abdabd" * 2_000
    assert shift(abc, abc) == pytest.approx(0, abs=1e-3)
    assert shift(abc, abd) > 2
    random = Random(5)
    coin = "".join(random.choice("ab") for _ in range(60_000))
    loaded = "".join(random.choice("aaab") for _ in range(20_000))
    # A fair table of a loaded coin: the letters cost as much as before.
    assert shift(coin, loaded) == pytest.approx(0, abs=0.01)
    assert shift(loaded, coin) == pytest.approx(0.5 * math.log(4 / 3) + 0.5 * math.log(4) - 0.5623, abs=0.02)


def test_a_text_turns_by_a_share() -> None:
    turned = texts.turning(texts.genes, texts.digits, 0.25, 1_000, 40_000)(Random(0), 0)
    assert len(turned) == 41_000
    assert set(turned[:1_000]) <= set("ACGT")
    assert sum(letter.isdigit() for letter in turned[1_000:]) / 40_000 == pytest.approx(0.25, abs=0.03)


# --- scores ----------------------------------------------------------------------------------------------------------


def watched_with(*said: tuple[Cause, float]) -> Watched:
    findings = [
        Said(Finding(cause, Severity.WARNING, 10, None, {}, "", None, 0, 40), seconds, seconds)
        for cause, seconds in said
    ]
    return Watched(said=findings, validation=1.5, loss=1.6, updates=100)


ROWS = [
    Row("a", HIGH, "rate × 10", (HIGH,), 0.5, watched_with((HIGH, 9.0)), watched_with()),
    Row("b", HIGH, "rate × 3", (HIGH,), 0.3, watched_with((LOW, 9.0), (HIGH, 12.0)), watched_with((LOW, 50.0))),
    Row("c", HIGH, "rate × 1.5", (HIGH,), 0.1, watched_with((HIGH, 41.0)), watched_with()),
    Row("d", LOW, "rate × 0.1", (LOW,), 0.01, watched_with(), watched_with()),
    Row("e", None, "", (), math.nan, watched_with((LOW, 30.0)), None),
]


def test_scores_count_first_words_within_the_time_by_how_sick_a_training_is() -> None:
    lines = "\n".join(summed(ROWS))
    assert "clearly sick (0.2 nats or more): 1 of 2 named first within 40 s (50%), median delay 9 s" in lines
    assert "slightly sick (0.05 to 0.2): 0 of 1 named first within 40 s (0%)" in lines
    assert "learning-rate-too-high: 1 of 3 rungs, weakest rate × 10 (0.50 nats), median delay 9 s, 30 updates" in lines
    assert "healthy or cured: 2 of 5 warned: learning-rate-too-low 2" in lines
    assert "learning-rate-too-high taken for learning-rate-too-low: 1" in lines


def test_a_row_tells_whether_it_was_right() -> None:
    assert [told(row)[0] for row in ROWS] == ["✓", "✗", "✗", "✓", "✗"]
    assert "cured 1.50 ✗ learning-rate-too-low 50 s" in told(ROWS[1])
