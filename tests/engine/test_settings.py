"""Hyperparameters: ranges, what the user types, and how keys step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.settings import PRESETS, Number, Settings, knobs, setting, settings
from engine.windows import LONGEST, LengthLaw


@pytest.mark.parametrize("described", list(settings()), ids=lambda described: described.name)
@pytest.mark.parametrize(
    "text", ["", "banana", "nan", "inf", "-1", "1e999", "³", "0x10", "[bold]", "\x1b[31m", "9" * 400, "9" * 5000]
)
def test_nonsense_is_one_line_that_names_the_option(described: Any, text: str) -> None:
    with pytest.raises(UserError, match="expected") as caught:
        Settings().with_text(described.name, text)
    assert str(caught.value).startswith(described.option)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("described", list(settings()), ids=lambda described: described.name)
def test_every_bound_is_written_out_and_read_back(described: Any) -> None:
    kind = described.kind
    if not isinstance(kind, Number):
        return
    written = "from {:,} to {:,}" if kind.whole else "from {:.6g} to {:.6g}"
    assert written.format(kind.low, kind.high) in kind.expects
    for bound in (kind.low, kind.high):
        assert Settings().with_text(described.name, str(bound)).value(described.name) == bound
        assert Settings().with_text(described.name, kind.write(bound)).value(described.name) == bound


UNUSUAL = {
    "lr": {"1000000": "above", "1e9": "above", "1e30": "above", "3.4e38": "above", "1e-9": "below", "1e-38": "refused"},
    "weight_decay": {"20": "above", "1e30": "above", "-0.1": "refused"},
    "clip": {"1e-12": "below", "1e-30": "below", "1e7": "above", "0": "refused"},
    "temperature": {"11": "above", "1e30": "above", "-0.1": "refused"},
    "dropout": {"0.99": "above", "1": "above", "1.01": "refused"},
    "warmup": {"2000000": "above", "-1": "refused"},
}


@pytest.mark.parametrize(("name", "text", "where"), [(n, t, w) for n, each in UNUSUAL.items() for t, w in each.items()])
def test_whatever_float32_holds_is_taken_with_a_warning(name: str, text: str, where: str) -> None:
    if where == "refused":
        with pytest.raises(UserError):
            Settings().with_text(name, text)
        return
    chosen = Settings().with_text(name, text)
    assert Settings.from_plain(chosen.plain()) == chosen
    described = setting(name)
    (warning,) = chosen.warnings()
    assert warning == described.warning(chosen.value(name))
    assert warning.startswith(f"{name} {chosen.write(name)} is {where} the usual range of ")
    usual = warning.rpartition(" of ")[2]
    assert f"usually {usual}" in described.kind.expects


def test_a_warning_is_one_plain_line() -> None:
    assert list(Settings(lr=1e6).warnings()) == ["lr 1e+06 is above the usual range of 1e-05 to 0.1"]
    assert list(Settings(clip=None).warnings()) == []


@pytest.mark.parametrize("described", list(settings()), ids=lambda described: described.name)
def test_what_is_usual_is_allowed(described: Any) -> None:
    if isinstance(described.kind, Number) and described.kind.usual:
        assert all(described.kind.allows(bound) for bound in described.kind.usual)


@pytest.mark.parametrize("described", list(settings()), ids=lambda described: described.name)
def test_what_is_written_is_read_back(described: Any) -> None:
    text = Settings().write(described.name)
    assert Settings().with_text(described.name, text) == Settings()


def test_plain_values_survive() -> None:
    chosen = Settings(clip=None, bptt=LengthLaw.parse("10-40"), threads=3)
    assert Settings.from_plain(chosen.plain()) == chosen


@pytest.mark.parametrize(
    "values",
    [
        {"nonsense": 1},
        {"hidden": 1e99},
        {"hidden": "256"},
        {"hidden": True},
        {"cell": ["lstm"]},
        {"bptt": 5},
        {"lr": None},
    ],
)
def test_a_strangers_values_are_checked(values: dict[str, object]) -> None:
    with pytest.raises(UserError):
        Settings.from_plain(values)


@pytest.mark.parametrize("described", list(knobs()), ids=lambda described: described.name)
@pytest.mark.parametrize("direction", [-1, 1])
def test_stepping_stays_in_range_and_ends(described: Any, direction: int) -> None:
    value = getattr(Settings(), described.name)
    for _ in range(200):
        value = described.kind.step(value, direction)
        assert described.kind.allows(value)


def test_the_knobs_are_those_that_may_change() -> None:
    names = {described.name for described in knobs()}
    assert names == {"bptt", "targets", "clip", "clip_by", "lr", "dropout", "weight_decay", "dtype"} | {
        "temperature",
        "top_k",
        "top_p",
        "min_p",
    }


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset: str) -> None:
    for name, value in PRESETS[preset].items():
        assert setting(name).kind.allows(value)
        assert not setting(name).warning(value)


@pytest.mark.parametrize("text", ["40", "10-40", "geom:11", "1", str(LONGEST)])
def test_laws_are_read_and_written(text: str) -> None:
    assert str(LengthLaw.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["0", "-5", "40-10", "0-4", "geom:0", "geom:", "10-", f"{LONGEST + 1}", "1.5", "40 chars"]
)
def test_what_is_no_law_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a length"):
        LengthLaw.parse(text)


@pytest.mark.parametrize(
    ("law", "factor", "scaled"), [("40", 0.5, "20"), ("10-40", 4, "40-160"), ("geom:11", 0.01, "geom:1")]
)
def test_a_scaled_law_keeps_its_kind(law: str, factor: float, scaled: str) -> None:
    assert str(LengthLaw.parse(law).scaled(factor)) == scaled


def test_laws_draw_what_they_say() -> None:
    random = np.random.Generator(np.random.PCG64(0))
    fixed = LengthLaw.parse("40").draw(random, 10)
    uniform = LengthLaw.parse("10-40").draw(random, 4000)
    geometric = LengthLaw.parse("geom:11").draw(random, 20000)
    assert fixed.tolist() == [40] * 10
    assert (uniform.min(), uniform.max()) == (10, 40)
    assert np.mean(uniform) == pytest.approx(25, rel=0.03)
    assert geometric.min() == 1
    assert np.mean(geometric) == pytest.approx(11, rel=0.05)
    # A step on each character with chance 1/11 leaves a window longer than 20 with chance (10/11)^20.
    assert np.mean(geometric > 20) == pytest.approx((10 / 11) ** 20, rel=0.1)


@pytest.mark.parametrize(
    ("law", "reach"), [("40", 40), ("10-40", 40), ("geom:1", 1), ("geom:11", 32), ("geom:100", 299)]
)
def test_the_reach_of_a_law_is_exceeded_by_one_window_in_twenty_at_most(law: str, reach: int) -> None:
    found = LengthLaw.parse(law)
    assert found.reach == reach
    assert np.mean(found.draw(np.random.default_rng(1), 50_000) > reach) <= 0.052


@pytest.mark.parametrize("law", ["40", "10-40", "3-10000", "geom:11", "geom:1000"])
def test_lengths_are_the_same_however_many_are_drawn_together(law: str) -> None:
    together = np.random.Generator(np.random.PCG64(5))
    apart = np.random.Generator(np.random.PCG64(5))
    lengths = LengthLaw.parse(law).draw(together, 60).tolist()
    assert [int(LengthLaw.parse(law).draw(apart, count)[-1]) for count in (1, 2, 3, 4, 50)] == [
        lengths[last] for last in (0, 2, 5, 9, 59)
    ]
    assert apart.bit_generator.state == together.bit_generator.state


@given(st.integers(1, LONGEST), st.integers(1, LONGEST), st.sampled_from([-1, 1]))
def test_a_stepped_law_is_of_its_kind_and_valid(one: int, other: int, direction: int) -> None:
    low, high = sorted((one, other))
    law = LengthLaw.parse(f"{low}-{high}")
    stepped = law.stepped(direction)
    assert (stepped.high - law.high) * direction >= 0
    assert LengthLaw.parse(str(stepped)) == stepped
