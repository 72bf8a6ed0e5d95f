"""Numbers on their way into JSON and back."""

from __future__ import annotations

import json
import math

import pytest

from engine.events import HUGE, as_float, as_number


@pytest.mark.parametrize("value", [0.0, -1.5, 1e299, math.inf, -math.inf, math.nan])
def test_a_number_comes_back_from_json(value: float) -> None:
    written = json.dumps(as_number(value), allow_nan=False)
    assert as_float(json.loads(written)) == pytest.approx(value, nan_ok=True)


def test_what_json_lacks_is_none_or_huge() -> None:
    assert [as_number(value) for value in (math.nan, math.inf, -math.inf)] == [None, HUGE, -HUGE]
