"""The places where lanes are measured: every budget ends, and at the same places whatever the pace."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.budget import Budget, Position
from engine.race.ladder import RUNGS, STEPS, next_stretch, share
from engine.race.plan import Plan
from tests.conftest import small
from tests.engine.race.conftest import plan


def climbed(raced: Plan, window: int, pace: float) -> list[tuple[Position, bool]]:
    """The ends of all slices of a lane, given the characters per window and the characters per second."""
    now, measured = Position(), Position()
    found: list[tuple[Position, bool]] = []
    while not found or share(raced, now) < 1 or not found[-1][1]:
        stretch = next_stretch(raced, raced.settings, now, measured)
        for end in stretch.ends:
            while end.reached(now) is None:
                chars = now.chars + window
                now = Position(now.updates + 1, chars, chars / pace)
        found.append((now, stretch.rung))
        measured = now if stretch.rung else measured
        assert len(found) < 1_000
    return found


@given(
    chars=st.integers(1, 10**6),
    window=st.integers(1, 5_000),
    pace=st.floats(10, 1e6),
)
def test_a_budget_of_characters_ends_at_its_end_measured_there(chars: int, window: int, pace: float) -> None:
    ends = climbed(plan(budget=Budget(chars=chars)), max(window, chars // 5_000), pace)
    last, rung = ends[-1]
    assert rung
    assert chars <= last.chars < chars + max(window, chars // 5_000)


@given(updates=st.integers(1, 3_000), pace=st.floats(10, 1e6))
def test_a_budget_of_updates_ends_at_its_end_measured_there(updates: int, pace: float) -> None:
    last, rung = climbed(plan(budget=Budget(updates=updates)), 64, pace)[-1]
    assert (last.updates, rung) == (updates, True)


@settings(max_examples=25)
@given(seconds=st.floats(0.5, 200), window=st.integers(1, 500), pace=st.floats(1e3, 1e5))
def test_a_budget_of_seconds_ends_about_there_measured_there(seconds: float, window: int, pace: float) -> None:
    raced = plan(budget=Budget(seconds=seconds), settings=small(streams=1, bptt=str(window)))
    last, rung = climbed(raced, window, pace)[-1]
    assert rung
    assert seconds <= last.seconds <= 1.01 * seconds + (8 * window + 1 + window) / pace


@given(whole=st.integers(1, 3_000), window=st.integers(1, 300), chars=st.booleans(), pace=st.floats(1, 1e4))
def test_slices_that_end_early_skip_no_rung(whole: int, window: int, chars: bool, pace: float) -> None:
    raced = plan(budget=Budget(chars=whole) if chars else Budget(updates=whole))
    at_once, in_parts = climbed(raced, window, 1e12), climbed(raced, window, pace)
    assert [(end.updates, end.chars) for end, rung in in_parts if rung] == [
        (end.updates, end.chars) for end, rung in at_once if rung
    ]


@pytest.mark.parametrize("pace", [100.0, 5e3, 1e9])
def test_the_places_of_measuring_do_not_depend_on_the_pace(pace: float) -> None:
    raced = plan(budget=Budget(chars=64_000))
    rungs = [end.chars for end, rung in climbed(raced, 10, pace) if rung]
    assert rungs == [64_000 * step // STEPS for step in RUNGS]


def test_a_slow_lane_is_cut_into_short_slices() -> None:
    raced = plan(budget=Budget(chars=64_000))
    ends = [end.seconds for end, _ in climbed(raced, 10, 500.0)]
    lasted = [after - before for before, after in zip([0.0, *ends], ends, strict=False)]
    assert max(lasted[1:]) <= 4.0
