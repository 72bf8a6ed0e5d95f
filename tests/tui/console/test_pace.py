"""The time between two drawings."""

from __future__ import annotations

from itertools import accumulate

import pytest

from tui.console.pace import LEAST, MOST, REMEMBERED, SHARE, Pace


@pytest.mark.parametrize(
    ("took", "seconds"),
    [
        ([0.001] * 3, LEAST),
        ([0.016] * 3, 0.016 / SHARE),
        ([0.5] * 3, MOST),
        ([2.0, 0.001, 0.001], LEAST),  # a pane that was drawn for the first time
        ([0.001] * REMEMBERED + [0.4] * REMEMBERED, MOST),
    ],
)
def test_drawing_takes_a_small_share_of_the_time(took: list[float], seconds: float) -> None:
    pace = Pace(7.0)
    assert [pace.seconds(now) for now in accumulate(took, initial=7.0)][-1] == pytest.approx(seconds)
