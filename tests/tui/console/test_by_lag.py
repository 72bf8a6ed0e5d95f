"""The gradient by lag, drawn."""

from __future__ import annotations

import pytest

from engine.windows import LengthLaw
from tui.console.panes.by_lag import chart


@pytest.mark.parametrize(
    ("width", "says"),
    [(100, "the window, bptt 35, is longer than the lags that were measured"), (44, "bptt 35: beyond")],
)
def test_a_window_beyond_the_lags_is_told_in_whole_words(width: int, says: str) -> None:
    lines = [line.plain for line in chart([0.5**lag for lag in range(35)], LengthLaw.fixed(35), width, 8)]
    assert lines[-1].strip() == says
    assert all(len(line) <= width for line in lines)
