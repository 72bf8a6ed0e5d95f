"""Charts and sparklines of every kind of numbers, and safe text."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.events import Change, Point, Validation
from engine.recording.forecast import Forecast
from tests.tui.conftest import point
from tui.drawing.axes import log_ticks, told_apart
from tui.drawing.curves import MOST_CURVES, SYMBOLS, Curve, drawn_once, names, smoothed
from tui.drawing.figure import LOWEST, NARROWEST
from tui.drawing.loss_chart import View, loss_chart
from tui.drawing.sparklines import BARS, share_line, sparkline
from tui.words.safe_text import visible

POINTS = [point(update) for update in range(1, 400)]
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ANY_NUMBER, max_size=30),
    st.lists(ANY_NUMBER, max_size=5),
    st.booleans(),
    st.floats(0.001, 1),
    st.integers(0, 90),
    st.integers(0, 40),
)
def test_a_chart_of_any_numbers_fits(
    losses: list[float], validations: list[float], log: bool, share: float, width: int, height: int
) -> None:
    points = [replace(POINTS[place], loss=loss) for place, loss in enumerate(losses)]
    measured = [Validation(place, place * 3000, loss) for place, loss in enumerate(validations)]
    changes = [Change(place, place * 2000, place, "lr", "1", "2") for place in range(5)]
    text = loss_chart([Curve("a", points, measured)], changes, View(log, share), width, height).text
    if width >= NARROWEST and height >= LOWEST:
        lines = text.plain.split("\n")
        assert len(lines) <= height
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("losses", [[2.0], [2.0] * 50, [0.0] * 3, [-1.0, 1.0], [1e-300, 1e300], [1e9, 1e-9, 5.0]])
@pytest.mark.parametrize("log", [False, True])
def test_extreme_but_finite_losses_are_drawn(losses: list[float], log: bool) -> None:
    points = [replace(POINTS[place], loss=loss) for place, loss in enumerate(losses)]
    text = loss_chart([Curve("a", points)], [], View(log), 60, 12).text.plain
    assert any("\u2800" < character <= "\u28ff" for character in text)


def test_what_there_is_to_see() -> None:
    validations = [Validation(200, 204_800, 1.7)]
    change = Change(300, 307_200, 1, "bptt", "64", "10")
    text = loss_chart([Curve("a", POINTS, validations)], [change], View(), 80, 20).text.plain
    for mark in ("◆", "┊", "200k", "400k"):
        assert mark in text
    assert "no loss yet" in loss_chart([Curve("a", [])], [], View(), 80, 20).text.plain
    assert "too small" in loss_chart([Curve("a", POINTS)], [], View(), NARROWEST - 1, 20).text.plain


def test_only_the_last_part_is_drawn_when_asked() -> None:
    text = loss_chart([Curve("a", POINTS)], [], View(share=0.1), 80, 20).text.plain
    assert "400k" in text
    assert "200k" not in text


def test_smoothing_of_equal_values_is_that_value_and_reaches_a_new_level() -> None:
    level = [replace(each, loss=3.0) for each in POINTS]
    assert smoothed(level)[1] == pytest.approx([3.0] * len(level))
    stepped = [replace(each, loss=3.0 if each.update < 200 else 1.0) for each in POINTS]
    assert smoothed(stepped)[1][-1] == pytest.approx(1.0, abs=0.01)
    assert smoothed([]) == ([], [])


@given(st.lists(ANY_NUMBER, max_size=50), st.integers(-1, 60))
def test_a_sparkline_of_any_numbers_fits(values: list[float], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == max(0, min(width, len(values)))
    assert set(line) <= set(BARS) | {" "}


def test_a_sparkline_is_logarithmic() -> None:
    assert sparkline([1, 10, 100], 3) == "▁▅█"
    assert sparkline([1, 1.001], 2) == "▁▁"
    assert sparkline([1, math.nan, 0, 100], 4) == "▁  █"


def test_shares_are_linear() -> None:
    assert share_line([0, 0.5, 1, math.nan, 7], 5) == "▁▅█ █"
    assert share_line([0, 0, 1], 2) == "▁█"
    assert share_line([1], -1) == ""


@pytest.mark.parametrize(
    ("low", "high", "count", "losses"),
    [
        (1.4, 5.2, 4, ["1.5", "2", "3", "5"]),
        (1.5, 1.9, 3, ["1.6", "1.8"]),
        (1, 30, 3, ["1", "3", "10", "30"]),
        (1e-6, 1e9, 3, ["1e-06", "1", "1e+06"]),
    ],
)
def test_a_logarithmic_axis_has_round_losses(low: float, high: float, count: int, losses: list[str]) -> None:
    ticks = log_ticks(math.log10(low) - 1e-9, math.log10(high) + 1e-9, count)
    assert [f"{10**tick:.3g}" for tick in ticks] == losses


@given(st.floats(-6, 9), st.floats(1e-3, 15), st.integers(2, 20))
@example(0.2578125, 0.001, 2)
def test_a_logarithmic_axis_has_a_few_ticks_within_its_range(low: float, length: float, count: int) -> None:
    ticks = log_ticks(low, low + length, count)
    assert 1 <= len(ticks) <= count + 4
    assert all(low - 1e-9 <= tick <= low + length + 1e-9 for tick in ticks)


@given(st.text())
def test_what_is_made_visible_is_printable(text: str) -> None:
    assert visible(text, lines=False).isprintable() or not text.isascii()
    shown = visible(text, lines=True)
    for character in shown:
        assert character == "\n" or not (ord(character) < 32 or 0x7F <= ord(character) < 0xA0)
        assert (
            character
            not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u2028\u2029\ufeff"
        )
        assert not "\ud800" <= character <= "\udfff"


def test_lines_and_tabs_stay_only_where_asked() -> None:
    assert visible("a\n\tb", lines=True) == "a\n    b"
    assert visible("a\n\tb\x1b", lines=False) == "a␊␉b␛"
    assert visible("[bold]ü日本[/]", lines=False) == "[bold]ü日本[/]"
    assert isinstance(POINTS[0], Point)


def other(name: str, since: int, end: int = 400, loss: float = 5.0) -> Curve:
    """A run that went other ways from an update on."""
    points = [*POINTS[:since], *(replace(each, loss=loss) for each in POINTS[since:end])]
    validations = [Validation(update, update * 1024, 2.0 if update <= since else loss) for update in (50, 250, 350)]
    return Curve(name, points, validations)


def test_what_runs_share_is_drawn_once() -> None:
    first, fork, stranger = other("a", 400), other("b", 200), other("c", 0, loss=6.0)
    forks_fork = Curve("d", [*fork.points[:300], *(replace(each, loss=7.0) for each in POINTS[300:])])
    found = drawn_once([first, fork, stranger, forks_fork, first])
    assert [curve.name for curve in found] == ["a", "b", "c", "d", "a"]
    assert [curve.since for curve in found] == [0, 200 * 1024, 0, 300 * 1024, first.points[-1].chars]
    assert [each.update for each in found[1].validations] == [250, 350]
    assert found[4].validations == []
    assert [len(curve.points) for curve in found] == [399] * 5  # what lies before is smoothed with it


def test_every_line_has_its_number_and_every_validation_its_symbol() -> None:
    forks = [other(f"fork{each}", 60 * each, loss=4.0 + each) for each in range(1, 6)]
    curves = drawn_once([other("live", 400), *forks])
    assert len(curves) == MOST_CURVES
    text = loss_chart(curves, [], View(), 120, 30).text.plain
    body = "\n".join(line.split("┤", 1)[-1] for line in text.split("\n")[:-1])
    for number, symbol in enumerate(SYMBOLS, start=1):
        assert str(number) in body
        assert symbol in body
    left = [line.split("┤", 1)[-1][:10] for line in text.split("\n")[:-1]]
    assert not any(str(number) in line for line in left for number in range(2, 7))


@pytest.mark.parametrize("room", [10, 60, 200])
def test_the_names_of_curves_are_cut_to_the_room_there_is(room: int) -> None:
    curves = [Curve(f"shakespeare-{number}\x1b", []) for number in range(1, 7)]
    text = names(curves, room)
    assert "\x1b" not in text
    assert all(f"{number}{symbol} " in text for number, symbol in enumerate(SYMBOLS, start=1))
    if room == 200:
        assert "1◆ shakespeare-1␛  2◇ shakespeare-2␛" in text
    if room >= 60:
        assert len(text) <= room
    if room == 60:
        assert "1◆ …e-1␛  2◇ …e-2␛" in text
    assert names([Curve("", [])], room) == "1◆ "


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1.5, 2.0, 2.5], ["1.5", "2", "2.5"]),
        ([1.678, 1.680, 1.682], ["1.678", "1.68", "1.682"]),
        ([0.1 + 0.2, 0.35], ["0.3", "0.35"]),
        ([], []),
    ],
)
def test_labels_of_an_axis_differ(values: list[float], labels: list[str]) -> None:
    assert told_apart(values) == labels


def flat(*losses: float, count: int = 100) -> Curve:
    """A curve that begins with these losses, a hundredth of it each, and stays at the last one."""
    course = [*losses, *[losses[-1]] * (count - len(losses))]
    return Curve("a", [replace(point(place + 1), chars=1000 * place, loss=loss) for place, loss in enumerate(course)])


def test_levels_that_the_chart_reaches_are_lines_with_their_names() -> None:
    levels = {"pairs": 2.4, "uniform": 9.0}
    lines = loss_chart([flat(3.0, 2.0, count=50)], [], View(share=0.999), 80, 20, (), levels).text.plain.split("\n")
    (line,) = [line for line in lines if "pairs" in line]
    assert line.rstrip().endswith("┄ pairs")
    assert line.count("┄") > 50
    assert "uniform" not in "\n".join(lines)


def highest(chart: str) -> float:
    """The highest number on the axis of losses."""
    return max(float(found[1]) for line in chart.split("\n") if (found := re.match(r" *([0-9.]+)┤", line)))


def test_the_steep_fall_at_the_beginning_does_not_squeeze_the_rest() -> None:
    course = flat(9.0, 2.0).points
    steep = Curve("a", [replace(each, loss=each.loss - 0.002 * place) for place, each in enumerate(course)])
    assert highest(loss_chart([steep], [], View(), 80, 20).text.plain) < 3
    assert highest(loss_chart([flat(9.0, 8.0, 7.0, 2.0)], [], View(share=0.99), 80, 20).text.plain) > 5


def test_a_fall_that_takes_most_of_the_run_is_shown_whole() -> None:
    slow = Curve("a", [replace(point(place + 1), chars=1000 * place, loss=9 - 0.08 * place) for place in range(100)])
    assert highest(loss_chart([slow], [], View(), 80, 20).text.plain) >= 8


def at(update: int, number: int) -> Change:
    """A change of the learning rate, at an update."""
    return Change(update, POINTS[update - 1].chars, number, "lr", "1", "2")


def test_changes_carry_the_numbers_that_the_log_gives_them() -> None:
    lines = loss_chart([Curve("a", POINTS)], [at(100, 1), at(300, 12)], View(), 90, 20).text.plain.split("\n")
    assert "┊1" in lines[0]
    assert "┊12" in lines[0]


def test_a_number_for_which_there_is_no_room_is_left_out() -> None:
    lines = loss_chart([Curve("a", POINTS)], [at(100, 11), at(101, 12)], View(), 90, 20).text.plain.split("\n")
    assert "12" not in lines[0]


@pytest.mark.parametrize("width", [30, 70, 121])
def test_the_cursor_stands_at_its_column_and_each_column_has_its_characters(width: int) -> None:
    chart = loss_chart([Curve("a", POINTS)], [], View(), width, 20)
    for column in (chart.first, chart.first + 7, width - 1):
        drawn = loss_chart([Curve("a", POINTS)], [], View(cursor=chart.chars_at(column)), width, 20)
        assert {line[column] for line in drawn.text.plain.split("\n")[:-2]} == {"│"}
    assert chart.chars_at(-5) == chart.chars_at(chart.first) == chart.left
    assert chart.chars_at(width + 9) == pytest.approx(chart.right)


def test_levels_of_one_row_share_a_line() -> None:
    levels = {"triples": 2.02, "xz": 2.0199}
    lines = loss_chart([Curve("a", POINTS)], [], View(), 80, 16, (), levels).text.plain.split("\n")
    assert sum(line.rstrip().endswith("triples, xz") for line in lines) == 1


def test_each_line_ends_in_its_name_in_a_row_of_its_own() -> None:
    curves = [
        Curve(f"run-{each}", [replace(point, loss=point.loss + each / 100) for point in POINTS]) for each in (1, 2, 3)
    ]
    lines = loss_chart(curves, [], View(), 90, 20).text.plain.split("\n")
    ends = [line.split()[-1] for line in lines if "run-" in line]
    assert sorted(ends) == ["run-1", "run-2", "run-3"]


def test_a_forecast_goes_on_where_the_loss_ends() -> None:
    last = POINTS[-1]
    there = (float(last.chars), 1.5 * last.chars)
    forecast = Forecast((there, (last.loss, 1.5)), (there, (last.loss, 1.1)), (there, (last.loss, 1.9)))
    without, chart = (loss_chart([Curve("a", POINTS)], [], View(), 90, 20, (), {}, each) for each in (None, forecast))
    assert chart.right > 1.4 * without.right
    rows = [line.rfind("·") for line in chart.text.plain.split("\n") if "·" in line]
    assert len(rows) >= 3  # the loss that is expected, between the two edges of its interval
    assert max(rows) >= 86
    assert "·" not in without.text.plain
