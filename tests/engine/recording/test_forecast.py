"""Forecasts: of losses that follow a power law, of whatever numbers, and of trainings that nothing was fitted to."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import Change, Point
from engine.recording.forecast import Forecast, forecast
from engine.recording.history import History
from engine.recording.outlook import FARTHEST, GROWTH, HORIZONS, Forecaster

STORED = Path(__file__).parent / "stored_runs.json"
"""Trainings of random networks on several texts: characters, losses in nats, and updates of each of their points. They
were made after everything in `forecast` had been chosen, with other seeds than those it was chosen by."""

CHARS_PER_SECOND = 10_000


def points(losses: list[float] | np.ndarray, step: int = 1000) -> list[Point]:
    """Points with given losses, `step` characters apart."""
    return [
        Point(
            update=number,
            chars=number * step,
            seconds=number * step / CHARS_PER_SECOND,
            loss=float(loss),
            grad_norm=1.0,
            grad_norm_max=1.0,
            clipped=0.0,
            norms=(),
            lr=0.004,
            updates=1,
        )
        for number, loss in enumerate(losses, start=1)
    ]


def power_law(count: int, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Losses 1.2 + 3·n^−0.4."""
    scatter = np.random.default_rng(seed).normal(0, noise, count) if noise else np.zeros(count)
    return 1.2 + 3 * np.arange(1, count + 1) ** -0.4 + scatter


def test_a_power_law_goes_on_as_it_began() -> None:
    found = forecast(points(power_law(500)), until=1_000_000)
    assert found is not None
    chars, losses = (np.array(each) for each in found.course)
    assert chars[0] == 500_000
    assert found.chars == chars[-1] == pytest.approx(1_000_000)
    assert losses == pytest.approx(1.2 + 3 * (chars / 1000) ** -0.4, abs=1e-3)
    low, high = found.interval
    assert low < found.loss < high
    assert high - low < 0.01


def test_the_interval_becomes_wider_with_noise_and_distance() -> None:
    quiet, noisy = (forecast(points(power_law(500, noise=noise)), until=1_000_000) for noise in (0.005, 0.05))
    assert quiet is not None
    assert noisy is not None

    def width(each: Forecast) -> float:
        return each.interval[1] - each.interval[0]

    assert width(noisy) > 2 * width(quiet)
    widths = np.array(noisy.upper[1]) - np.array(noisy.lower[1])
    assert (np.diff(widths) > 0).all()


def test_most_intervals_hold_where_the_law_is_true() -> None:
    true = 1.2 + 3 * 800**-0.4
    runs = [points(power_law(400, noise=0.05, seed=seed)) for seed in range(100)]
    found = [each for run in runs if (each := forecast(run, until=800_000)) is not None]
    held = sum(low <= true <= high for low, high in (each.interval for each in found))
    assert len(found) == 100
    assert held >= 80


@pytest.mark.parametrize("losses", [[], [2.0], [2.0] * 5, [math.nan] * 50, [math.inf] * 50])
def test_nothing_is_said_of_too_short_a_past(losses: list[float]) -> None:
    assert forecast(points(losses), until=10**6) is None


def test_a_warm_up_does_not_count() -> None:
    warming = [replace(each, lr=min(0.004, each.update * 1e-5)) for each in points(power_law(500))]
    assert forecast(warming[:380], until=600_000) is None
    after = forecast(warming, until=600_000)
    alone = forecast(warming[399:], until=600_000)
    assert after is not None
    assert after == alone


def test_nothing_is_said_of_the_past_itself() -> None:
    assert forecast(points(power_law(100)), until=100_000) is None


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=60), st.floats(0, 1e12))
def test_any_numbers_give_finite_forecasts_or_none(losses: list[float], until: float) -> None:
    found = forecast(points(losses), until)
    if found is not None:
        lines = np.array([*found.course, *found.lower, *found.upper])
        assert np.isfinite(lines).all()


def test_at_half_time_the_interval_of_80_percent_holds_7_to_9_of_10_ends() -> None:
    held = []
    for run in json.loads(STORED.read_text()):
        there = [
            replace(point, chars=chars, updates=updates, lr=rate)
            for point, chars, updates, rate in zip(
                points(run["losses"]), run["chars"], run["updates"], run["lr"], strict=True
            )
        ]
        whole = there[-1].chars
        end = [each for each in there if each.chars > 0.94 * whole]
        found = forecast([each for each in there if each.chars <= whole / 2], until=0.97 * whole)
        if found is not None:
            loss = np.average([each.loss for each in end], weights=[each.updates for each in end])
            low, high = found.interval
            held.append(low <= loss <= high)
    assert len(held) >= 40
    assert 0.7 <= np.mean(held) <= 0.9


def history(count: int, *changes: Change) -> History:
    """The history of a training whose loss follows the power law."""
    found = History([], [], list(changes))
    for point in points(power_law(count)):
        found.add(point)
    return found


def test_a_forecast_reaches_a_round_time_ahead_as_far_as_its_past_allows() -> None:
    outlook = Forecaster().outlook(history(500), None)
    assert outlook is not None
    seconds = 500_000 / CHARS_PER_SECOND
    assert outlook.seconds in HORIZONS
    assert seconds / 4 < outlook.seconds <= FARTHEST * seconds / 2
    assert outlook.forecast.chars == pytest.approx(500_000 + outlook.seconds * CHARS_PER_SECOND)
    assert not outlook.is_end


def test_it_reaches_to_the_end_of_a_budget_that_is_near() -> None:
    near, far = (Forecaster().outlook(history(500), used) for used in (0.8, 0.1))
    assert near is not None
    assert near.is_end
    assert near.forecast.chars == pytest.approx(500_000 / 0.8)
    assert far is not None
    assert not far.is_end


def test_after_a_change_the_law_begins_anew() -> None:
    before = points(np.full(400, 3.0))
    after = [replace(each, update=each.update + 400, chars=each.chars + 400_000) for each in points(power_law(200))]
    found = forecast([*before, *after], until=800_000, since=400_000)
    assert found is not None
    assert found.loss == pytest.approx(1.2 + 3 * 400**-0.4, abs=1e-3)


def test_what_was_before_a_change_does_not_count() -> None:
    change = Change(400, 400_000, 1, "lr", "0.004", "0.001")
    assert Forecaster().outlook(history(401, change), None) is None
    later = Forecaster().outlook(history(470, change), None)
    undone = Forecaster().outlook(history(470, replace(change, undone=True)), None)
    assert later is not None
    assert undone is not None
    assert later.seconds < undone.seconds


def test_it_is_made_anew_when_there_is_more_to_go_by() -> None:
    forecaster, past = Forecaster(), history(500)
    first = forecaster.outlook(past, None)
    more = points(power_law(600))
    for point in more[500 : int(500 * GROWTH)]:
        past.add(point)
        assert forecaster.outlook(past, None) is first
    for point in more[int(500 * GROWTH) :]:
        past.add(point)
    assert forecaster.outlook(past, None) is not first


def test_nothing_is_said_where_nothing_was_trained_in_this_process() -> None:
    assert Forecaster().outlook(History(points(power_law(500)), [], []), None) is None
    assert Forecaster().outlook(History([], [], []), None) is None
