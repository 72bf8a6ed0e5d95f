"""How much instruments read: all of their samples where the machine is quick enough, and less where it is not."""

from __future__ import annotations

import itertools
import time

import pytest

from engine.instruments.control import FEWEST_LANES, LANES
from engine.instruments.effort import LEAST, affordable
from engine.instruments.prober import Prober
from engine.instruments.timetable import allowed
from engine.network.compute import choose
from engine.text.corpus import read_corpus
from engine.training.trainer import Trainer
from tests.conftest import small


@pytest.fixture
def trainer() -> Trainer:
    text = "the quick brown fox jumps over the lazy dog; pack my box. " * 400
    return Trainer(read_corpus(text.encode(), "a text", 1024), small(), choose(small()))


@pytest.mark.parametrize(("seconds", "effort"), [(1e-6, 1.0), (0.01, 1.0), (0.0233, 0.5), (0.0388, 0.3), (9.0, LEAST)])
def test_it_falls_with_the_machines_speed(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch, seconds: float, effort: float
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: seconds * next(ticks))
    found = affordable(trainer.subject())
    assert found.share == pytest.approx(effort, abs=0.01)
    # Ten rounds of them fit into what is allowed in half a minute, unless even the least is too much.
    assert effort == LEAST or 10 * found.seconds <= 1.01 * allowed(30)


def test_a_short_text_makes_no_machine_look_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    short = Trainer(read_corpus(b"the quick brown fox; " * 10, "a text", 1024), small(), choose(small()))
    ticks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: 0.02 * next(ticks))
    assert affordable(short.subject()).share == LEAST


@pytest.mark.parametrize(("effort", "lanes"), [(1.0, LANES), (0.5, LANES // 2), (0.05, FEWEST_LANES)])
def test_less_effort_reads_fewer_places(trainer: Trainer, effort: float, lanes: int) -> None:
    whole, part = (Prober(trainer, effort=each).measure("control").values for each in (1.0, effort))
    assert len(regions := part["regions"]) == lanes  # type: ignore[arg-type]
    assert isinstance(whole["seen"], float)
    assert part["seen"] == pytest.approx(whole["seen"], rel=0.02)
    # The lanes that are given go before the effort: they are those of the readings so far.
    assert Prober(trainer, lanes=lanes).measure("control").values["regions"] == regions


@pytest.mark.parametrize("instrument", ["agreement", "gradient_by_lag", "gates", "numerics"])
def test_the_other_instruments_still_measure_with_the_least_effort(trainer: Trainer, instrument: str) -> None:
    assert (
        Prober(trainer, effort=LEAST).measure(instrument).values.keys()
        == Prober(trainer).measure(instrument).values.keys()
    )
