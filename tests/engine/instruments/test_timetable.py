"""The timetable of the instruments: dense at the start, and a small share of the time in the end."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest

from engine.instruments.timetable import KEPT, LEAST_SECONDS, SHARES, SPARSE, Schedule, allowed

TAKES = {
    "control": 0.11,
    "agreement": 0.037,
    "gradient_by_lag": 0.032,
    "validation": 0.025,
    "numerics": 0.024,
    "gates": 0.012,
    "clipping": 0.0025,
    "update_ratio": 0.005,
}
"""The seconds that each measurement takes on a processor that can just afford all of them."""


def expecting(takes: dict[str, float]) -> Schedule:
    """A schedule that expects each measurement to take as long as it does."""
    schedule = Schedule()
    for name, took in takes.items():
        schedule.expect(name, took)
    return schedule


def simulate(seconds: float, takes: dict[str, float], step: float = 0.02, **due: Any) -> dict[str, list[float]]:
    """The times at which each instrument measures, given how long each takes."""
    schedule = expecting(takes)
    times: dict[str, list[float]] = {name: [] for name in SHARES}
    now = 0.0
    while (now := now + step) < seconds:
        for name, took in takes.items():
            if schedule.due(name, now, **due):
                schedule.took(name, took, now)
                times[name].append(now)
                now += took
                break
    return times


def spent(times: dict[str, list[float]], takes: dict[str, float]) -> float:
    return sum(len(times[name]) * took for name, took in takes.items())


@pytest.mark.parametrize(("seconds", "share"), [(60.0, 0.08), (600.0, 0.03), (6_000.0, 0.03)])
@pytest.mark.parametrize("urgent", [False, True])
def test_all_together_take_no_more_than_their_share(seconds: float, share: float, urgent: bool) -> None:
    takes = dict.fromkeys(SHARES, 0.1) | {"validation": 1.5, "agreement": 0.2, "update_ratio": 0.003}
    times = simulate(seconds, takes, step=max(0.02, seconds / 10_000), urgent=urgent)
    # The first measurement of each is made however long it takes, so that short runs are measured too.
    assert spent(times, takes) - sum(takes.values()) <= share * seconds
    assert all(times.values())


def test_what_is_allowed_grows_by_ever_less() -> None:
    assert allowed(60) == pytest.approx(0.08 * 60)
    assert allowed(600) == pytest.approx(0.03 * 600)
    assert allowed(3_600) - allowed(3_500) == pytest.approx(0.02 * 100)
    rates = [allowed(now + 1) - allowed(now) for now in range(1, 1_000)]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(rates))
    assert sum(SHARES.values()) == pytest.approx(1)


def test_each_measures_eight_times_in_half_a_minute() -> None:
    times = simulate(30, TAKES)
    assert min(len(each) for each in times.values()) >= 8
    # Denser at the start: as many in the first third as in the other two, or nearly.
    assert all(sum(time < 10 for time in each) >= 0.4 * len(each) for each in times.values())


def test_the_validation_loss_is_of_now() -> None:
    """It comes with each control sample: eight times in the first minute, and every fifteen seconds after."""
    times = simulate(7_200, TAKES, step=0.1)["control"]
    assert sum(time < 60 for time in times) >= 8
    assert max(later - earlier for earlier, later in pairwise([0.0, *times])) <= 16


def test_cheap_ones_are_looked_at_early_and_then_ever_more_seldom() -> None:
    times = simulate(3_000, {"control": 0.005})["control"]
    assert times[0] == pytest.approx(LEAST_SECONDS, abs=0.05)
    assert sum(time < 20 for time in times) >= 15
    last = [later - earlier for earlier, later in zip(times[-6:], times[-5:], strict=False)]
    assert min(last) >= SPARSE * times[-6]


def test_a_look_that_a_finding_waits_for_comes_first() -> None:
    now, schedule = 20.0, expecting({"control": 0.1})
    while schedule.due("control", now):
        schedule.took("control", 0.1, now)
        now += 1
    assert not schedule.due("control", now)
    assert schedule.due("control", now, urgent=True)
    for _ in range(100):
        schedule.took("control", 0.1, now)
    assert not schedule.due("control", now + 1, urgent=True)


def test_a_look_that_a_finding_waits_for_is_made_in_advance() -> None:
    now, schedule = 90.0, expecting({"control": 0.1})
    while schedule.due("control", now):
        schedule.took("control", 0.1, now)
        now += 1
    plain, counts = deepcopy(schedule), {False: 0, True: 0}
    for _ in range(20):
        now += 0.5
        for urgent, each in ((False, plain), (True, schedule)):
            if each.due("control", now, urgent=urgent):
                each.took("control", 0.1, now)
                counts[urgent] += 1
    assert counts[True] >= counts[False] + 3


@pytest.mark.parametrize("seconds", [10, 60, 300])
def test_one_that_a_finding_waits_for_takes_nothing_from_the_others(seconds: int) -> None:
    """However long it is waited for, the others are made nearly as often as if nobody waited."""
    counts = []
    for waits in (False, True):
        schedule, now = expecting(TAKES), 0.0
        made = dict.fromkeys(TAKES, 0)
        while (now := now + 0.05) < seconds:
            due = (name for name in TAKES if schedule.due(name, now, urgent=waits and name == "agreement"))
            if (name := next(due, None)) is not None:
                schedule.took(name, TAKES[name], now)
                now += TAKES[name]
                made[name] += 1
        counts.append(made)
    plain, beside = counts
    assert beside["agreement"] > 1.4 * plain["agreement"]
    assert all(beside[name] >= KEPT * plain[name] - 1 for name in TAKES)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_that_was_held_up_is_made_again_all_the_same(which: int) -> None:
    """A busy machine may take the processor away in the middle of a measurement, for long."""
    schedule, times = expecting(TAKES), 0
    for now in range(1, 31):
        for name, took in TAKES.items():
            if schedule.due(name, now):
                held_up = name == "update_ratio" and times == which
                schedule.took(name, 0.8 if held_up else took, now)
                times += name == "update_ratio"
    assert times >= 8


def test_a_slow_spell_does_not_make_what_was_measured_before_dearer() -> None:
    schedule, now = expecting({"control": 0.1}), 0.0
    while (now := now + 1) < 3_600:
        if schedule.due("control", now):
            schedule.took("control", 0.1, now)
    begun = now
    for _ in range(9):
        while not schedule.due("control", now):
            now += 1
        schedule.took("control", 0.3, now)
    assert now - begun < 600


def test_a_first_one_that_takes_long_keeps_no_other_from_being_made() -> None:
    schedule, times = expecting(TAKES), 0
    schedule.took("validation", 1.5, 30.0)
    for now in range(31, 61):
        for name, took in TAKES.items():
            if name != "validation" and schedule.due(name, now):
                schedule.took(name, took, now)
                times += name == "control"
    assert times >= 8


def test_what_would_take_too_long_is_not_begun() -> None:
    schedule = expecting({"agreement": 5.0})
    assert not schedule.due("agreement", 1.0)
    assert schedule.due("agreement", 110.0)


def test_a_dear_one_is_given_up_and_tried_when_it_fits() -> None:
    schedule = Schedule()
    assert schedule.goes_on("validation", 0.01, 5.0, 10.0, asked=False)
    assert not schedule.goes_on("validation", 0.1, 1.0, 10.0, asked=False)
    assert schedule.goes_on("validation", 0.1, 1.0, 10.0, asked=True)
    schedule.took("validation", 1.0, 10.0, done=False)
    assert not schedule.due("validation", 20.0)
    assert schedule.due("validation", 201.0)
