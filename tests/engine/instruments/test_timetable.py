"""The schedule of the instruments: a small share of the time, and a first look soon."""

from __future__ import annotations

import pytest

from engine.instruments.timetable import AHEAD_SECONDS, FIRST_SECONDS, SHARES, Schedule


def simulate(seconds: float, takes: dict[str, float], step: float = 0.02) -> dict[str, list[float]]:
    """The times at which each instrument measures, given how long each takes."""
    schedule = Schedule()
    times: dict[str, list[float]] = {name: [] for name in SHARES}
    now = 0.0
    while now < seconds:
        now += step
        for name, took in takes.items():
            if schedule.due(name, now, took):
                schedule.took(name, took, now)
                times[name].append(now)
                now += took
                break
    return times


@pytest.mark.parametrize("seconds", [60.0, 600.0])
def test_all_together_take_three_per_cent_at_most(seconds: float) -> None:
    takes = dict.fromkeys(SHARES, 0.1) | {"validation": 1.5, "agreement": 0.2, "update_ratio": 0.003}
    times = simulate(seconds, takes)
    spent = sum(len(times[name]) * took for name, took in takes.items())
    # The first measurement of each is made however long it takes, so that short runs are measured too.
    assert spent - sum(takes.values()) <= 0.03 * seconds
    assert all(times.values())
    assert sum(SHARES.values()) * (seconds + AHEAD_SECONDS) <= 0.03 * seconds


def test_cheap_ones_are_looked_at_early_and_then_ever_more_seldom() -> None:
    times = simulate(3_000, {"control": 0.005})["control"]
    assert times[0] == pytest.approx(FIRST_SECONDS, abs=0.05)
    assert sum(time < 20 for time in times) >= 15
    last = [later - earlier for earlier, later in zip(times[-6:], times[-5:], strict=False)]
    assert min(last) >= 0.005 * times[-6]


def test_the_first_seconds_do_not_use_up_what_the_next_ones_need() -> None:
    times = simulate(30, {"control": 0.03, "update_ratio": 0.002, "agreement": 0.06})
    for name in ("control", "update_ratio"):
        within = [sum(begin <= time < begin + 6 for time in times[name]) for begin in (0, 6, 12, 18, 24)]
        assert min(within) >= 1
        assert max(within) <= 2 * min(within) + 2
    assert sum(time < 26 for time in times["agreement"]) >= 2


def test_what_would_take_too_long_is_not_begun() -> None:
    schedule = Schedule()
    assert not schedule.due("agreement", 1.0, guess=5.0)
    assert schedule.due("agreement", 110.0, guess=5.0)


def test_a_dear_one_is_given_up_and_tried_when_it_fits() -> None:
    schedule = Schedule()
    assert schedule.goes_on("validation", 0.01, 5.0, 10.0, asked=False)
    assert not schedule.goes_on("validation", 0.1, 0.5, 10.0, asked=False)
    assert schedule.goes_on("validation", 0.1, 0.5, 10.0, asked=True)
    schedule.took("validation", 0.5, 10.0, done=False)
    assert not schedule.due("validation", 20.0)
    assert schedule.due("validation", 101.0)
