"""Numbers as text."""

from __future__ import annotations

import math

import pytest

from tui.words.numbers import INFINITE, UNKNOWN, clock, duration, mean, nats, percent, scientific, short, written


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (1.55, "1.5500"),
        (9999.9, "9999.9000"),
        (1e4, "1.00e+04"),
        (3e34, "3.00e+34"),
        (math.nan, "nan"),
        (None, UNKNOWN),
    ],
)
def test_a_loss_is_short(loss: float | None, text: str) -> None:
    assert nats(loss) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (950, "950"), (12_345, "12.3k"), (1_240_000, "1.24M"), (5e9, "5G")]
)
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.125, "12.5 %"), (1, "100 %"), (2e-5, "0.002 %"), (math.nan, UNKNOWN), (math.inf, INFINITE)]
)
def test_a_share_is_a_percentage_or_a_sign(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0021, 2, "2.1e-3"),
        (0.013, 2, "0.013"),
        (0.013, 1, "1e-2"),
        (12345, 2, "1.2e4"),
        (0, 2, "0"),
        (math.nan, 2, "–"),
    ],
)
def test_a_small_number_takes_few_columns(value: float, digits: int, text: str) -> None:
    assert scientific(value, digits) == text


def test_what_is_not_finite_is_a_sign() -> None:
    assert [written(value) for value in (1.2345, math.nan, math.inf, -math.inf)] == ["1.23", "–", "∞", "−∞"]
    assert written(1.2345, ".1f") == "1.2"


def test_a_mean_leaves_out_what_is_not_finite() -> None:
    assert mean([1.0, math.nan, 3.0, math.inf]) == 2.0
    assert math.isnan(mean([math.nan]))
    assert math.isnan(mean([]))


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (31.9, "0:31"), (600, "10:00"), (3727, "1:02:07")])
def test_a_clock_has_hours_where_there_are_some(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0.0, "0 s"), (0.813, "0.813 s"), (59.4, "59.4 s"), (60.0, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_are_read_easily(seconds: float, says: str) -> None:
    assert duration(seconds) == says
