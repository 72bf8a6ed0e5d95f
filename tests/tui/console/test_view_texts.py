"""The views as pure functions: whatever was measured, and whatever was not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.text import Text

from engine.events import (
    HUGE,
    Cause,
    Change,
    Hypothesis,
    HypothesisStatus,
    Judged,
    Judgement,
    Note,
    NoteKind,
    Probe,
    Reading,
    Severity,
)
from engine.instruments.character_classes import CLASSES as ENGINE_CLASSES
from engine.session.snapshot import Snapshot
from tests.tui.conftest import NAMES, finding, point, probed, readings, trained
from tui.console.panes.by_lag import by_lag, chart, headline, mini
from tui.console.panes.gradient import gradient, norms
from tui.console.panes.instruments import BESIDE, INSTRUMENTS, instruments, time_share
from tui.console.panes.log import Tab, entries
from tui.console.panes.matrices import COLUMNS, matrices, rows, worst
from tui.console.panes.reading import CLASSES, reading
from tui.drawing.bars import lying, resampled, standing
from tui.words.prose import wrapped
from tui.words.readings import last, numbers
from tui.words.severity import first_sentence, gravest_first

View = Callable[[Snapshot, int, int], Text]
VIEWS: dict[str, View] = {
    "by-lag": by_lag,
    "matrices": lambda snapshot, width, _: matrices(snapshot, width),
    "reading": reading,
    "instruments": lambda snapshot, width, _: instruments(snapshot, width),
    "gradient": gradient,
}
SIZES = ((75, 17), (115, 33), (395, 92), (30, 5), (1, 1))

ANY_NUMBER = st.one_of(st.none(), st.sampled_from((HUGE, -HUGE, 0.0, 1.0, -1.0)), st.floats(-1e12, 1e12))


def changed(value: Any, into: float | None) -> Any:
    """The same reading with every number replaced."""
    if isinstance(value, tuple):
        return tuple(changed(each, into) for each in value)
    return value if isinstance(value, str) else into


def filled(into: float | None) -> dict[str, tuple[Probe, ...]]:
    values: dict[str, Reading] = {
        name: {field: changed(value, into) for field, value in reading.items()}
        for name, reading in readings(100).items()
    }
    return probed(**values)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("into", [None, HUGE, -HUGE, 0.0, 1.0])
def test_views_draw_whatever_was_measured(view: str, size: tuple[int, int], into: float | None) -> None:
    text = VIEWS[view](trained(probes=filled(into)), *size).plain
    assert "1e+300" not in text
    assert "nan" not in text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_views_draw_where_nothing_was_measured(view: str, size: tuple[int, int]) -> None:
    for snapshot in (Snapshot(), trained(probes={}), trained(probes=dict.fromkeys(readings(1), ()))):
        assert VIEWS[view](snapshot, *size).plain


@pytest.mark.parametrize("size", SIZES[:3])
@pytest.mark.parametrize("view", VIEWS)
def test_views_keep_to_their_width(view: str, size: tuple[int, int]) -> None:
    for streams in (1, 16):
        snapshot = trained(places=tuple((stream + 0.5) / streams for stream in range(streams)))
        assert max(line.cell_len for line in VIEWS[view](snapshot, *size).split("\n")) <= size[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_NUMBER, max_size=300), ANY_NUMBER, st.integers(1, 200), st.integers(1, 60))
def test_any_gradient_by_lag_is_drawn(
    relative: list[float | None], number: float | None, width: int, rows: int
) -> None:
    values: Reading = {"relative": tuple(relative), "decay": number, "half_life": number, "reach": number}
    snapshot = trained(probes=probed(gradient_by_lag=values))
    assert by_lag(snapshot, width, rows).plain
    assert norms(snapshot, width, rows).plain


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_NUMBER, max_size=40), st.lists(ANY_NUMBER, max_size=40), st.lists(st.floats(0, 1), max_size=64))
@example([1.0, -1.0], [0.0], [])
def test_any_control_is_drawn(losses: list[float | None], places: list[float | None], streams: list[float]) -> None:
    values: Reading = {"by_region": tuple(losses), "regions": tuple(places), "classes": tuple(losses[:7])}
    snapshot = trained(probes=probed(control=values), places=tuple(streams))
    assert reading(snapshot, 75, 17).plain


def test_what_the_views_take_over_from_the_instruments_is_theirs() -> None:
    assert CLASSES == ENGINE_CLASSES


def test_by_lag_says_how_far_the_gradient_reaches_and_where_the_window_ends() -> None:
    text = by_lag(trained(), 75, 17).plain
    for words in ("Beyond 64 characters less than 1 % arrives", "half-life 9.5 chars", "update 390", "┊ bptt 64"):
        assert words in text
    long = trained(settings=trained().settings.with_text("bptt", "200"))
    assert "bptt 200, is longer" in by_lag(long, 75, 17).plain


JUDGED = {
    "is not judged yet": (),
    "does not vanish too soon": (Judgement(Cause.VANISHING_GRADIENT, Judged.ABSENT),),
    "is known after 2 more looks": (Judgement(Cause.VANISHING_GRADIENT, Judged.NOT_YET, "2 more looks"),),
    "cannot be judged here: windows of 2": (Judgement(Cause.VANISHING_GRADIENT, Judged.CANNOT, "windows of 2"),),
}


@pytest.mark.parametrize(("words", "judgements"), JUDGED.items())
def test_by_lag_says_whether_the_gradient_vanishes(words: str, judgements: tuple[Judgement, ...]) -> None:
    assert words in by_lag(trained(findings=(), judgements=judgements), 75, 17).plain


def test_by_lag_says_that_the_gradient_vanishes_while_that_holds() -> None:
    found = finding(Cause.VANISHING_GRADIENT)
    assert "It vanishes too soon" in by_lag(trained(findings=(found,)), 75, 17).plain
    assert "It vanishes" not in by_lag(trained(findings=(replace(found, until_update=400),)), 75, 17).plain


@pytest.mark.parametrize(
    ("relative", "reach", "words"),
    [
        ((1.0, 0.1, 0.001), 2, "Beyond 2 characters"),
        ((1.0, 0.5, 0.3), 3, "Even 2 characters back"),
        ((1.0, 3.0, 40.0), 3, "explodes: 2 characters back it is 40 times"),
        ((1.0, math.nan, math.inf), 3, "explodes: 2 characters back it is ∞ times"),
        ((1.0, 0.5), math.nan, "not known"),
    ],
)
def test_by_lag_in_a_sentence(relative: tuple[float, ...], reach: float, words: str) -> None:
    assert words in headline(relative, reach)


def test_an_exploding_gradient_rises_to_the_right() -> None:
    line = mini(tuple(1.2**lag for lag in range(40)), 10)
    assert list(line) == sorted(line)
    assert line[0] < line[-1]


def test_the_matrix_that_stands_out_is_marked_and_said() -> None:
    text = matrices(trained(), 120).plain
    assert "▶ rnn.hh0" in text
    assert "24 times more than 1e-3; F says what is wrong." in text
    assert "24 times more than 1e-3; l lowers the rate." in matrices(trained(findings=()), 120).plain
    assert "forget 30 %" in text
    assert "loss error 2.0e-4, not finite 0 %, too small 0.1 %" in text


@pytest.mark.parametrize(
    ("instrument", "values", "words"),
    [
        ("update_ratio", {"ratios": (1e-3,) * 4}, "Nothing stands out"),
        ("update_ratio", {"ratios": (1e-3, 1e-7, 1e-3, 1e-3)}, "rnn.ih0: an update moves it by 1.0e-7"),
        ("update_ratio", {"ratios": (1e-3, 1e-7, 1e-3, 1e-3)}, "L raises the rate"),
        ("update_ratio", {"ratios": (1e-3, 0.0, 1e-3, 1e-3)}, "rnn.ih0: an update does not move it at all."),
        ("update_ratio", {"ratios": (1e-3, 1e-297, 1e-3, 1e-3)}, "rnn.ih0: an update does not move it at all."),
        ("update_ratio", {"ratios": (1e-3, HUGE, 1e-3, 1e-3)}, "l lowers the rate"),
        ("numerics", {"matrix_errors": (0.1, 0.1, 0.1, 0.6)}, "head: its gradient is off by 60 %"),
        ("numerics", {"matrix_errors": (None, 0.1, 0.1, 0.6)}, "embedding: not everything"),
    ],
)
def test_what_stands_out_in_words(instrument: str, values: Any, words: str) -> None:
    assert words in worst(rows(trained(probes=probed(**{instrument: values}))))[1]


@pytest.mark.parametrize("ratio", [0.0, 1e-297, 1e-7, 2.0, HUGE])
@pytest.mark.parametrize("severity", ["note", "warning", "problem"])
@pytest.mark.parametrize("until", [None, 390])
def test_the_matrices_leave_advice_to_an_open_finding(ratio: float, severity: str, until: int | None) -> None:
    found = (finding(severity=severity, until_update=until),)
    ratios = probed(update_ratio={"ratios": (ratio,) * 4})
    words = " ".join(matrices(trained(probes=ratios, findings=found), 115).plain.split())
    ill = until is None and severity != "note"
    assert ("F says what is wrong." in words) == ill
    assert ("L raises the rate" in words) == (not ill and ratio == 1e-7)
    assert ("l lowers the rate" in words) == (not ill and ratio > 1)


@pytest.mark.parametrize("width", [75, 115])
@pytest.mark.parametrize(
    "value", [0.0, 1e-297, 1.2e-149, -1.25e-149, 0.0409, 353.0, 12345.6, 1.23e299, 1e300, math.nan, math.inf]
)
def test_every_number_of_a_matrix_keeps_its_column(value: float, width: int) -> None:
    some: Reading = {"ratios": (value,) * 4, "norms": (value,) * 4}
    probes = probed(update_ratio=some, numerics={"matrix_errors": (value,) * 4}, gates={"saturated": (value,) * 5})
    points = tuple(replace(point(update), norms=(value,) * 4) for update in range(396, 401))
    for sort in range(len(COLUMNS)):
        lines = matrices(trained(probes=probes, recent=points), width, sort).plain.split("\n")[:5]
        assert max(len(line) for line in lines) <= width
        for line in lines:
            start = 2
            for column in COLUMNS:
                assert line[start : start + column.width].strip()
                assert " " in line[start - 1 : start + 1], line
                start += column.width
            assert line[start : start + 1] in (" ", "")


def test_matrices_are_sorted_by_each_column() -> None:
    for place, column in enumerate(COLUMNS):
        lines = matrices(trained(), 100, place).plain.split("\n")
        assert f"{column.heading}▼" in lines[0]
        names = [line[2:].split()[0] for line in lines[1:5]]
        assert sorted(names) == sorted(NAMES)
        if column.heading == "upd/w":
            assert names == ["rnn.hh0", "rnn.ih0", "embedding", "head"]


@pytest.mark.parametrize(
    ("knob", "value", "words"),
    [
        ("clip", "off", "clip off"),
        ("clip_by", "value", "100 % of the numbers are; the cosine of the direction kept is 1"),
        ("clip_by", "norm", "12 % of the updates are cut, in the median to 80 % of their size"),
        ("clip_by", "norm", "acts like a rate of 0.0037 instead of 0.004"),
    ],
)
def test_what_clipping_does_is_said(knob: str, value: str, words: str) -> None:
    snapshot = trained(settings=trained().settings.with_text(knob, value))
    assert words in matrices(snapshot, 300).plain


def test_what_is_read() -> None:
    text = reading(trained(), 75, 17).plain
    for words in (
        "hardest at 64.1 %: 2.4 nats",
        "worst stream at 63 %",
        "seen 1.520  held-out 1.640  gap +0.120",
        "upper        2.600",
        "rarest       5.200",
        "missed 12 back 0.030 · 1 back 0.020",
        "83 % known of 120",
        "names 3 of 40",
    ):
        assert words in text
    assert "digit" not in text
    assert text.count("▾") == 16


def test_an_even_text_has_no_hardest_region() -> None:
    even = probed(control={"by_region": (1.5,) * 32})
    assert "no region is much harder" in reading(trained(probes=even), 75, 17).plain


def test_invented_words_are_shown_safely() -> None:
    hostile = trained(probes=probed(words={"invented": ("\x1b[31mred", "[bold]", "a\u202eb")}))
    text = reading(hostile, 300, 17).plain
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]" in text


def test_instruments_say_when_and_what_it_took() -> None:
    text = instruments(trained(), 115).plain
    assert "control samples" in text
    assert "100 u" in text
    assert "not yet: S measures" in text
    assert "agreement: cosine 0.21, signal 0.04, noise 0.2, share 0.17" in text
    sharp: Reading = {"largest": 31.5, "product": 0.126, "bound": 38.0, "ratio": 0.0033, "preconditioned": 1}
    probe = Probe(395, 395 * 1024, "sharpness", 0.3, sharp)
    measured = instruments(trained(probes={**probed(), "sharpness": (probe,)}), 115).plain
    assert "× rate / bound 0.0033" in measured
    assert "largest 31.5, product 0.126, bound 38" in measured
    assert set(readings(1)) - {BESIDE} <= set(INSTRUMENTS)
    assert f"{0.016 / 31:.2%}"[:4] in text
    new = trained(probes={"new[x]": probed()["gates"]})
    assert "new[x]" in instruments(new, 115).plain


def test_the_time_before_a_run_went_on_does_not_count() -> None:
    probes = probed()["gates"]
    resumed = trained(log=(Note(250, 1, NoteKind.RESUME, ""),), seconds=4.0)
    assert time_share(resumed, probes) == pytest.approx(0.008 / 4.0)
    assert math.isnan(time_share(trained(seconds=0.0), probes))


def test_the_gradient_pane_has_update_ratios_and_lags_where_there_is_room() -> None:
    wide = norms(trained(), 70, 12).plain
    assert "upd/w 2e-2" in wide
    assert "half-life 9.5 chars" in wide
    narrow = norms(trained(), 28, 7).plain
    assert "upd/w" not in narrow
    assert "½ 9.5" in narrow
    assert "by lag" not in norms(trained(), 28, 6).plain


def test_findings_stand_in_the_log_where_they_were_found() -> None:
    lines = entries(trained(), Tab.LOG, None).plain.split("\n")
    assert lines[0] == "▲ learning-rate-too-high  since update 320"
    numbers = [int(line.split()[0]) for line in lines if line.lstrip()[:1].isdigit()]
    assert numbers == [350, 300, 200, 150, 110]
    assert "● sparse-targets  ended at update 180  Each update moves" in lines[-1]
    assert "Look at it" not in "\n".join(lines)


def test_what_went_back_stays_in_the_order_of_time() -> None:
    log = (Note(500, 1, NoteKind.OTHER, "first"), Note(100, 1, NoteKind.UNDO, "second"))
    lines = entries(trained(log=log, hypotheses=()), Tab.LOG, None).plain.split("\n")
    assert [line.split()[-1] for line in lines if "note" in line or NoteKind.UNDO in line] == ["second", "first"]


def test_an_empty_list_of_hypotheses_says_how_to_write_one_and_proposes_some() -> None:
    lines = entries(trained(hypotheses=(), findings=(), log=()), Tab.HYPOTHESES, (70, 16)).plain.split("\n")
    assert lines[0].startswith("No hypothesis yet: h writes one down")
    assert "· the learning rate is too high  lr=0.004,0.00133" in lines
    watched = entries(trained(hypotheses=(), findings=(), log=(), watched=True), Tab.HYPOTHESES, (70, 16)).plain
    assert watched.split("\n")[0] == lines[0]
    assert "·" not in watched


def test_a_hypothesis_that_was_written_down_is_not_proposed_again() -> None:
    mine = Hypothesis(1, "clipping at 1 helps", "", HypothesisStatus.OPEN, "shakespeare-1", 9)
    text = entries(trained(hypotheses=(mine,), findings=()), Tab.HYPOTHESES, (70, 30)).plain
    assert text.count("clipping at 1 helps") == 1


def test_the_way_to_compute_stands_with_the_instruments_and_not_in_the_log() -> None:
    log = (Note(7, 1, NoteKind.COMPUTE, "1 thread: 2 threads had fallen"),)
    snapshot = trained(log=log, findings=())
    assert "fallen" not in entries(snapshot, Tab.LOG, None).plain
    assert "7 1 thread: 2 threads had fallen" in instruments(snapshot, 100).plain


def test_hostile_findings_are_shown_safely() -> None:
    hostile = finding(says="bad \x1b[2J\x9b\n words. more", severity=Severity.PROBLEM)
    text = entries(trained(findings=(hostile,)), Tab.LOG, (60, 15)).plain
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "■ learning-rate-too-high" in text
    assert "bad ␛[2J" in text


def test_many_open_findings_leave_room() -> None:
    open_ones = tuple(finding(cause) for cause in list(Cause)[:9])
    lines = entries(trained(findings=open_ones), Tab.LOG, (70, 6)).plain.split("\n")
    assert lines[1].endswith("+ 7")
    assert max(len(line) for line in lines) <= 70


def test_the_gravest_comes_first() -> None:
    slight, grave = finding(Cause.PLATEAU, severity=Severity.NOTE), finding(severity=Severity.PROBLEM)
    found = [slight, grave, finding(Cause.OVERFITTING, until_update=9)]
    assert gravest_first(found) == [grave, slight]


def test_the_first_sentence_of_words() -> None:
    assert first_sentence("It is 2.5 now. Then more. And more.") == "It is 2.5 now."
    assert first_sentence("no stop") == "no stop"


def test_bars() -> None:
    assert standing([0.0, 1.0, math.nan], 0.0, 1.0, 2) == [" █ ", "▁█ "]
    assert lying(0.5, 1.0, 4) == "██  "
    assert lying(math.nan, 1.0, 4) == "    "
    assert resampled([1.0, 3.0, math.nan, 5.0], 2) == [2.0, 5.0]
    assert resampled([1.0, 2.0], 4) == [1.0, 1.0, 2.0, 2.0]
    assert resampled([], 4) == []


@given(st.text(max_size=200), st.integers(1, 40), st.integers(0, 8))
def test_wrapped_lines_fit(words: str, width: int, indent: int) -> None:
    lines = wrapped(words, width, indent=min(indent, width - 1))
    assert all(line.cell_len <= max(2, width) + 1 for line in lines)


def test_points_without_the_newer_numbers_are_drawn() -> None:
    old = tuple(
        replace(point(update), worst_loss=0.0, loss_spread=0.0, rate_used=0.0, clip_factor=1.0) for update in (1, 2)
    )
    snapshot = trained(recent=old, points=old, probes={})
    assert "acts like" not in matrices(snapshot, 75).plain
    assert "worst stream" not in reading(snapshot, 75, 17).plain


@pytest.mark.parametrize("width", range(24, 90, 3))
@pytest.mark.parametrize("sort", [0, 1, 5, 6])
def test_the_matrices_have_whole_columns_in_a_narrow_pane(width: int, sort: int) -> None:
    heading = matrices(trained(), width, sort).plain.split("\n")[0]
    assert len(heading) <= max(width, 36)
    assert set(heading.replace("▼", "").split()) <= {
        *("matrix", "gradient", "‖w‖", "upd/w", "error", "saturated", "finite", "recent", "gradients")
    }
    assert "▼" in heading


@pytest.mark.parametrize("width", range(20, 130))
def test_the_axis_of_lags_has_whole_numbers(width: int) -> None:
    snapshot = trained()
    relative = numbers(last(snapshot, "gradient_by_lag"), "relative")
    axis = chart(relative, snapshot.settings.bptt, width, 8)[-2].plain
    lags = [int(each) for each in axis.split()]
    assert len(lags) < 2 or {after - before for before, after in itertools.pairwise(lags)} == {lags[1]}


def test_changes_in_the_log_carry_the_numbers_that_the_chart_has() -> None:
    change = Change(150, 153_600, 7, "bptt", "64", "10")
    for entry in (change, replace(change, undone=True)):
        assert "┊7 bptt 64 → 10" in entries(trained(log=(entry,)), Tab.LOG, (70, 16)).plain


@pytest.mark.parametrize("width", [24, 27, 34, 60])
def test_proposed_hypotheses_differ_in_a_narrow_pane(width: int) -> None:
    lines = entries(trained(hypotheses=(), findings=(), log=()), Tab.HYPOTHESES, (width, 30)).plain.split("\n")
    proposed = [line for line in lines if line.startswith("· ")]
    assert len(proposed) > 5
    assert len(set(proposed)) == len(proposed)
