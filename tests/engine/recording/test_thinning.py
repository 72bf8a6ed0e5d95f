"""Merged points keep the sums and means of the points that they were made of."""

from __future__ import annotations

import itertools
import math
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import Point
from engine.recording.thinning import Thinner, merge


def make(raw: list[tuple[int, int, float]]) -> list[Point]:
    points, chars, updates = [], 0, 0
    for more_chars, more_updates, value in raw:
        chars, updates = chars + more_chars, updates + more_updates
        points.append(
            Point(updates, chars, updates / 10, value, value, 2 * value, value / 10, (value,), 1e-3, more_updates)
        )
    return points


steps = st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 50), st.floats(0, 10)), min_size=2, max_size=12)


@given(steps, st.data())
def test_merging_does_not_depend_on_the_grouping(raw: list[tuple[int, int, float]], data: st.DataObject) -> None:
    points = make(raw)
    cut = data.draw(st.integers(1, len(points) - 1))
    begin = points[cut - 1].chars
    left = reduce(lambda one, other: merge(one, other, 0), points[:cut])
    right = reduce(lambda one, other: merge(one, other, begin), points[cut:])
    whole = reduce(lambda one, other: merge(one, other, 0), points)
    grouped = merge(left, right, 0)
    assert grouped.loss == pytest.approx(whole.loss, abs=1e-9)
    assert grouped.grad_norm == pytest.approx(whole.grad_norm, abs=1e-9)
    assert grouped.updates == sum(updates for _, updates, _ in raw)
    by_chars = sum(chars * value for chars, _, value in raw) / sum(chars for chars, _, _ in raw)
    by_updates = sum(updates * value for _, updates, value in raw) / grouped.updates
    assert whole.loss == pytest.approx(by_chars, abs=1e-9)
    assert (whole.grad_norm, whole.norms[0]) == pytest.approx((by_updates, by_updates), abs=1e-9)
    assert whole.grad_norm_max == max(2 * value for _, _, value in raw)


@pytest.mark.parametrize(
    ("updates", "most"), [(100_000, 6_000), pytest.param(1_000_000, 9_000, marks=pytest.mark.soak)]
)
def test_very_many_updates_stay_small(updates: int, most: int) -> None:
    thinner = Thinner()
    kept = []
    for update in range(1, updates + 1):
        point = Point(update, update * 1024, update / 50, 1.0, 1.0, 1.0, 0.0, (), 1e-3, 1)
        if (merged := thinner.add(point)) is not None:
            kept.append(merged)
    assert len(kept) < most
    assert sum(point.updates for point in kept) + updates - kept[-1].update == updates
    spans = [math.log(after.chars / before.chars) for before, after in itertools.pairwise(kept[2000:])]
    assert max(spans) < 0.003


def test_flush_gives_what_is_not_complete() -> None:
    thinner = Thinner()
    assert thinner.add(make([(1000, 1, 2.0)])[0]) is not None
    assert thinner.flush() is None
    thinner.restart(10**9)
    late = Point(5, 10**9 + 10, 1.0, 1.0, 1.0, 1.0, 0.0, (), 1e-3, 1)
    assert thinner.add(late) is None
    assert thinner.flush() == late
