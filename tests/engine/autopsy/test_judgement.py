"""The cause that replays speak for, judged from made-up replays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.autopsy import remedies as r
from engine.autopsy.judgement import Seen, judge, needs_stronger
from engine.autopsy.outcome import FURTHER_CAUSES, Report, last_report, probe_of, report_of
from engine.autopsy.remedies import Remedy
from engine.autopsy.replay import Look, Replay
from engine.budget import Budget
from engine.diagnosis.causes import CAUSES
from engine.events import Change, Point, Probe
from engine.network.compute import choose
from engine.text.corpus import read_corpus
from engine.training.state import State
from engine.training.trainer import Trainer
from tests.conftest import small

BEFORE, BAD, WORSE = 2.0, 3.6, 3.9
POINTS, CLIMB, SHOWN = 20, 1_000, 1_300

Curve = tuple[Remedy, float]
Make = Callable[..., Report]


@pytest.fixture
def state(text: Path) -> State:
    settings = small()
    return Trainer(read_corpus(text, text.name, 1024), settings, choose(settings)).state()


@pytest.fixture
def seen(state: State) -> Callable[..., Seen]:
    def make(
        *curves: Curve,
        clipped: float = 0.1,
        growth: float = 0.5,
        error: float = 1e-6,
        agreement: float = 0.1,
        at_once: bool = False,
        turns: tuple[Change, ...] = (),
    ) -> Seen:
        replays = tuple(replay(state, remedy, after, clipped) for remedy, after in ((r.UNCHANGED, BAD), *curves))
        look = Look(growth, 12, error, agreement)
        return Seen(10, CLIMB, SHOWN, BEFORE, BAD - BEFORE, 4.2, at_once, replays, turns, look)

    return make


def replay(state: State, remedy: Remedy, after: float, clipped: float) -> Replay:
    made = Replay(remedy, state, [2_000], [], Budget())
    for place in range(1, POINTS + 1):
        chars = place * 100
        loss = BEFORE if chars <= CLIMB else after
        if math.isinf(loss):
            made.broken = "the loss is inf"
            break
        made.points.append(Point(place, chars, 0.0, loss, 0.5, 0.6, clipped, (), 4e-3, 1))
    return made


def remedy(kind: str, knob: str = "", value: str = "") -> Remedy:
    return Remedy(kind, kind, knob=knob, value=value)


FROZEN, RATE, CLIP = remedy(r.FROZEN), remedy(r.RATE, "lr", "0.001"), remedy(r.CLIP, "clip", "0.5")
WINDOW, LONGER, FLOAT32 = remedy(r.WINDOW), remedy(r.LONGER), remedy(r.FLOAT32, "dtype", "float32")
MEMORY, CARRIED, PLACE = remedy(r.MEMORY), remedy(r.CARRIED), remedy(r.PLACE)
STILL = (FROZEN, BEFORE)
"""The network does not climb while it learns nothing."""

VAIN = tuple((each, BAD) for each in (WINDOW, MEMORY, CARRIED, PLACE))


@pytest.mark.parametrize(
    ("cause", "curves", "changes"),
    [
        ("learning-rate-too-high", (STILL, (RATE, 1.9), (CLIP, 3.4), *VAIN), {}),
        ("learning-rate-too-high", (STILL, (RATE, 1.9), (CLIP, 2.0), *VAIN), {"clipped": 1.0}),
        ("learning-rate-too-high", (STILL, (RATE, 1.0), (CLIP, 2.0), *VAIN), {}),
        ("exploding-gradient", (STILL, (RATE, 1.9), (CLIP, 2.0), *VAIN), {}),
        ("exploding-gradient", (STILL, (RATE, 1.9), (CLIP, 2.0), *VAIN), {"clipped": 1.0, "growth": 40.0}),
        ("exploding-gradient", (STILL, (RATE, 3.5), (WINDOW, 2.0)), {}),
        ("noisy-updates", (STILL, (RATE, 1.9), (LONGER, 2.0), (CLIP, 3.5)), {"agreement": 0.01}),
        ("learning-rate-too-high", (STILL, (RATE, 1.9), (LONGER, 2.0), (CLIP, 3.5)), {}),
        ("numerical-instability", (STILL, (RATE, 3.5), (FLOAT32, 2.0), (CLIP, 3.5)), {}),
        ("optimiser-state", (STILL, (RATE, 3.5), (MEMORY, 2.0), (CLIP, 3.5)), {}),
        ("optimiser-state", (STILL, (RATE, 2.1), (MEMORY, 2.0), (CLIP, 3.5)), {"at_once": True}),
        ("learning-rate-too-high", (STILL, (RATE, 2.1), (MEMORY, 2.0), (CLIP, 3.5)), {}),
        ("sparse-targets", (STILL, (RATE, 3.0), (remedy(r.TARGETS, "targets", "all"), 2.0)), {}),
        ("weight-decay-too-strong", (STILL, (RATE, 2.4), (remedy(r.DECAY, "weight_decay", "0"), 2.0)), {}),
        ("undetermined", (STILL, (RATE, 3.4), (CLIP, 3.5), *VAIN), {}),
        ("data-shift", ((FROZEN, WORSE), (RATE, WORSE), (CLIP, BAD), (PLACE, 2.0)), {}),
        ("carried-state", ((FROZEN, BAD), (RATE, BAD), (PLACE, BAD), (CARRIED, 2.0)), {"at_once": True}),
        ("damaged-weights", ((FROZEN, BAD), (RATE, BAD), *VAIN), {"at_once": True}),
        ("undetermined", ((FROZEN, BAD), (RATE, BAD), *VAIN), {}),
        ("numerical-instability", ((FROZEN, BAD), (RATE, BAD), *VAIN), {"error": 0.4}),
        ("numerical-instability", ((FROZEN, BAD), (FLOAT32, 2.0), *VAIN), {}),
    ],
)
def test_what_removes_the_climb_is_the_cause(
    seen: Callable[..., Seen], cause: str, curves: tuple[Curve, ...], changes: dict[str, float]
) -> None:
    report = judge(seen(*curves, **changes), broken=False)
    assert report.cause == cause
    assert report.symptom == "climb"
    assert report.outcomes[0].kind == r.AS_IT_WAS
    removed = [each.removed for each in report.outcomes[1:]]
    assert all(share is not None and 0 <= share <= 1 for share in removed)
    assert removed == sorted(removed, key=lambda share: -(share or 0.0))
    assert cause in CAUSES or cause in FURTHER_CAUSES


@pytest.mark.parametrize(
    ("knob", "old", "new", "cause"),
    [
        ("lr", "0.004", "0.3", "learning-rate-too-high"),
        ("clip", "1", "off", "exploding-gradient"),
        ("clip", "1", "0.001", "clip-too-tight"),
        ("clip_by", "norm", "value", "exploding-gradient"),
        ("bptt", "10", "10-200", "exploding-gradient"),
        ("bptt", "64", "2", "noisy-updates"),
        ("targets", "all", "last", "sparse-targets"),
        ("dropout", "0", "0.9", "noisy-updates"),
        ("weight_decay", "0", "3", "weight-decay-too-strong"),
        ("dtype", "float32", "bfloat16", "numerical-instability"),
    ],
)
def test_a_knob_that_was_turned_shortly_before_comes_first(
    seen: Callable[..., Seen], knob: str, old: str, new: str, cause: str
) -> None:
    left = remedy(r.CHANGE, knob, old)
    turns = (Change(40, 900, 1, knob, old, new),)
    report = judge(seen(STILL, (RATE, 2.0), (CLIP, 2.0), (left, 2.0), turns=turns), broken=False)
    assert report.cause == cause
    assert report.trial is not None
    assert (report.trial.knob, report.trial.value) == (knob, old)
    assert f"{knob} {old} → {new}, at update 40" in report.says


def test_a_sentence_says_what_was_seen(seen: Callable[..., Seen]) -> None:
    report = judge(seen(STILL, (RATE, 2.0), (CLIP, 2.8), (PLACE, BAD), (WINDOW, BAD)), broken=False)
    assert report.says == (
        "From update 11 on, the loss climbs from 2 to 3.6. These changes help: rate removes 100%, clip removes 50%. "
        "These changes make no difference: window. The loss climbs at another place in the text as well: the text is "
        "not the cause. So the steps are too long: the learning rate is too high."
    )
    assert (report.start, report.onset, report.before, report.after) == (10, 11, 2.0, BAD)


def test_a_harder_passage_is_not_blamed_on_what_is_learnt(seen: Callable[..., Seen]) -> None:
    # Half of the climb remains without learning: the part that a smaller rate leaves is due to the text.
    report = judge(seen((FROZEN, 2.9), (RATE, 2.8), (CLIP, 3.5), (PLACE, 3.0)), broken=False)
    assert report.cause == "learning-rate-too-high"
    assert next(each.removed for each in report.outcomes if each.kind == r.RATE) == 1.0


def test_numbers_that_break(seen: Callable[..., Seen], state: State) -> None:
    frozen = judge(seen((FROZEN, math.inf), (RATE, math.inf)), broken=True)
    assert (frozen.cause, frozen.symptom) == ("non-finite", "not-finite")
    made = seen(STILL, (RATE, 2.0), (CLIP, math.inf))
    broke = replace(made, replays=(replay(state, r.UNCHANGED, math.inf, 0.1), *made.replays[1:]))
    report = judge(broke, broken=True)
    assert report.cause == "learning-rate-too-high"
    assert "until numbers break" in report.says
    assert math.isinf(report.after)


def test_more_is_tried_only_where_the_learning_does_it_and_nothing_helped(seen: Callable[..., Seen]) -> None:
    assert needs_stronger(seen(STILL, (RATE, 3.4), (CLIP, 3.5)))
    assert not needs_stronger(seen(STILL, (RATE, 2.0), (CLIP, 3.5)))
    assert not needs_stronger(seen((FROZEN, BAD), (RATE, BAD), (PLACE, 2.0)))


def test_a_climb_that_does_not_come_back_is_said(seen: Callable[..., Seen]) -> None:
    made = seen()
    report = judge(replace(made, height=0.0), broken=False)
    assert report.cause == "undetermined"
    assert "did not climb again when the run was replayed from update 10" in report.says
    assert len(report.outcomes) == 1


def test_the_lab_keeps_a_report(seen: Callable[..., Seen]) -> None:
    report = judge(seen(STILL, (RATE, 2.0), (CLIP, math.inf), (PLACE, BAD)), broken=False)
    probe = probe_of(report, 3.0)
    assert report_of(probe) == report
    old = Probe(1, 1, "autopsy", 0.0, {"cause": "of another version"})
    assert last_report([probe, old]) == report
    assert last_report([old]) is None
