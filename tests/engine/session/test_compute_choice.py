"""The choice of the fastest way to compute, and its later checks; the tests have their own clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from engine.budget import Budget
from engine.errors import UserError
from engine.network import compute
from engine.network.compute import Compute, choose
from engine.session import compute_choice as choosing
from engine.session.compute_choice import FILE, Choice, choose_quickest
from engine.session.thread_watch import FIRST_WAIT, WINDOW_SECONDS, Watch
from engine.settings import Settings
from engine.text.corpus import Corpus, read_corpus
from engine.training.trainer import Trainer
from tests.conftest import small

CPU = torch.device("cpu")
GOOD = {"dtype": "bfloat16", "threads": 2, "shards": 1, "compiled": False, "rates": {"chosen": 1.0, "alone": 1.0}}
OPEN = {"dtype": "auto", "threads": None}


@pytest.fixture
def corpus(text: Path) -> Corpus:
    return read_corpus(text, text.name, 1024)


@pytest.fixture(autouse=True)
def one_thread_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compute, "apply", lambda _compute: None)
    monkeypatch.setattr(choosing, "_has_loops", lambda: True)


class Timed:
    """Replaces the measurement: milliseconds per update, or per character in it, by number type and threads."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, milliseconds: dict[tuple[str, int], float], *, a_character: bool = False
    ) -> None:
        self.asked: list[tuple[str, int]] = []
        self.lengths: list[float] = []
        self._a_character = a_character
        self._milliseconds = milliseconds
        monkeypatch.setattr(choosing, "_seconds_an_update", self._take)
        monkeypatch.setattr(choosing, "_thread_counts", lambda: [2, 4])
        monkeypatch.setattr(choosing, "has_bfloat16", lambda _cell, _device: True)

    def _take(self, trainer: Trainer, _most: int = 0) -> float:
        word = str(trainer.compute.dtype).removeprefix("torch.") + " compiled" * trainer.compute.compiled
        key = f"{word} shared" if trainer.compute.shards > 1 else word, trainer.compute.threads
        if trainer.compute.compiled and key not in self._milliseconds:
            return 99.0
        self.asked.append(key)
        self.lengths.append(trainer.settings.bptt.mean)
        return self._milliseconds[key] / 1000 * (self.lengths[-1] if self._a_character else 1)


def quickest(corpus: Corpus, folder: Path, budget: Budget | None = None, **changes: object) -> Choice:
    settings = small(**{**OPEN, **changes})
    usual = Compute(CPU, torch.bfloat16 if settings.dtype == "auto" else torch.float32, settings.threads or 1)
    return choose_quickest(usual, corpus, settings, budget or Budget(), folder, lambda: None)


@pytest.fixture(autouse=True)
def without_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the machine of the test has built them must make no difference."""
    monkeypatch.setattr(choosing, "_has_loops", lambda: False)


@pytest.mark.parametrize(
    ("milliseconds", "dtype", "threads"),
    [
        ({("bfloat16", 1): 10, ("float32", 1): 20, ("bfloat16", 2): 6, ("bfloat16", 4): 4}, torch.bfloat16, 4),
        ({("bfloat16", 1): 10, ("float32", 1): 5, ("float32", 2): 9, ("float32", 4): 99}, torch.float32, 1),
        ({("bfloat16", 1): 10, ("float32", 1): 9.5, ("bfloat16", 2): 9.6, ("bfloat16", 4): 9.7}, torch.bfloat16, 1),
    ],
)
def test_the_quickest_is_taken_and_a_chance_is_not(
    corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    milliseconds: dict[tuple[str, int], float],
    dtype: torch.dtype,
    threads: int,
) -> None:
    Timed(monkeypatch, milliseconds)
    found = quickest(corpus, tmp_path)
    assert (found.compute.dtype, found.compute.threads) == (dtype, threads)
    assert found.rates is not None
    assert found.rates.chosen >= found.rates.alone


def test_streams_are_shared_out_where_that_is_the_quickest_and_that_is_remembered(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = Timed(
        monkeypatch,
        {
            ("bfloat16", 1): 10,
            ("float32", 1): 20,
            ("bfloat16", 2): 30,
            ("bfloat16", 4): 40,
            ("bfloat16 shared", 2): 9.5,
            ("float32 shared", 2): 6,
        },
    )
    # Seven streams are too few for four shards.
    found = quickest(corpus, tmp_path, streams=7)
    assert (found.compute.dtype, found.compute.threads, found.compute.shards) == (torch.float32, 2, 2)
    asked = len(timed.asked)
    assert quickest(corpus, tmp_path, streams=7) == found
    assert len(timed.asked) == asked


@pytest.mark.parametrize("quick", ["float32", "bfloat16"])
def test_compiled_loops_are_taken_where_they_are_the_quickest_and_there(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: str
) -> None:
    cost: dict[tuple[str, int], float] = {("bfloat16", 1): 10, ("float32", 1): 14, ("bfloat16", 2): 9.8}
    loops = {("float32 compiled", 1): 12, ("bfloat16 compiled", 1): 13, (f"{quick} compiled shared", 2): 4}
    shared = {("bfloat16 shared", 2): 9.7, ("float32 shared", 2): 15, **loops}
    timed = Timed(monkeypatch, {**cost, **shared, ("bfloat16", 4): 9.9})
    assert quickest(corpus, tmp_path, streams=7).compute.dtype is torch.bfloat16
    asked = len(timed.asked)
    assert quickest(corpus, tmp_path, streams=7).compute.dtype is torch.bfloat16
    assert len(timed.asked) == asked
    # Once they are built, they are measured, and the choice with them is kept.
    monkeypatch.setattr(choosing, "_has_loops", lambda: True)
    found = quickest(corpus, tmp_path, streams=7)
    assert found.compute == Compute(CPU, getattr(torch, quick), 2, compiled=True, shards=2)
    asked = len(timed.asked)
    assert quickest(corpus, tmp_path, streams=7) == found
    assert len(timed.asked) == asked


def test_a_cell_that_torch_computes_in_many_calls_may_always_gain_from_compiled_loops(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "_has_loops", lambda: True)
    Timed(monkeypatch, {("bfloat16", 1): 10, ("float32", 1): 30, ("bfloat16 compiled", 1): 3})
    monkeypatch.setattr(choosing, "_thread_counts", list)
    found = quickest(corpus, tmp_path, cell="gru")
    assert found.compute == Compute(CPU, torch.bfloat16, 1, compiled=True)


def test_what_was_found_is_remembered_for_the_machine_and_the_shape(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = Timed(
        monkeypatch,
        {("bfloat16", 1): 10, ("float32", 1): 20, ("bfloat16", 2): 6, ("bfloat16", 4): 4, ("float32", 2): 5},
    )
    first = quickest(corpus, tmp_path)
    asked = len(timed.asked)
    assert quickest(corpus, tmp_path) == first
    assert len(timed.asked) == asked
    quickest(corpus, tmp_path, hidden=24)
    assert len(timed.asked) == 2 * asked
    assert len(json.loads((tmp_path / FILE).read_text())) == 2


def test_where_there_is_no_bfloat16_it_is_neither_measured_nor_remembered(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = Timed(monkeypatch, {("bfloat16", 1): 1, ("bfloat16", 2): 1, ("bfloat16", 4): 1, ("float32", 1): 3})
    assert quickest(corpus, tmp_path, threads=1).compute.dtype is torch.bfloat16
    monkeypatch.setattr(choosing, "has_bfloat16", lambda _cell, _device: False)
    timed.asked.clear()
    found = choose_quickest(
        Compute(CPU, torch.float32, 1), corpus, small(**{**OPEN, "threads": 1}), Budget(), tmp_path, lambda: None
    )
    assert found.compute.dtype is torch.float32
    assert set(timed.asked) == {("float32", 1)}


def test_a_number_type_that_the_machine_lacks_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "has_bfloat16", lambda cell, _device: cell != "lstm")
    assert choose(small(cell="gru", dtype="bfloat16")).dtype is torch.bfloat16
    with pytest.raises(UserError, match=r"^--dtype bfloat16: this machine has no lstm in it; use --dtype float32"):
        choose(small(dtype="bfloat16"))


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', "\xff"])
def test_a_damaged_memory_is_made_anew(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    Timed(monkeypatch, {("bfloat16", 1): 10, ("float32", 1): 20, ("bfloat16", 2): 6, ("bfloat16", 4): 4})
    (tmp_path / FILE).write_text(content, "latin-1")
    assert quickest(corpus, tmp_path).compute.threads == 4
    for entry in (
        {**GOOD, "dtype": "int8"},
        {**GOOD, "rates": {"a": "b"}},
        {**GOOD, "threads": 9999},
        {**GOOD, "shards": 9999},
        {**GOOD, "compiled": 2},
        {name: value for name, value in GOOD.items() if name != "shards"},
        {name: value for name, value in GOOD.items() if name != "compiled"},
    ):
        shapes = json.loads((tmp_path / FILE).read_text())
        (tmp_path / FILE).write_text(json.dumps(dict.fromkeys(shapes, entry)))
        assert quickest(corpus, tmp_path).compute.threads == 4


@pytest.mark.parametrize(
    "budget", [Budget(updates=500), Budget(chars=500 * 21), Budget(seconds=5.0), Budget(updates=10**9, seconds=5.0)]
)
def test_a_short_training_is_not_measured_for(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: Budget
) -> None:
    timed = Timed(monkeypatch, {("bfloat16", 1): 10})
    found = quickest(corpus, tmp_path, budget)
    assert (found.compute.threads, found.rates) == (1, None)
    assert timed.asked == [("bfloat16", 1)]
    assert not (tmp_path / FILE).exists()


def test_a_huge_network_is_not_measured(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch, {("bfloat16", 1): 3000})
    assert quickest(corpus, tmp_path).rates is None
    assert len(timed.asked) == 1


def test_a_large_network_is_measured_on_shorter_windows(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost: dict[tuple[str, int], float] = {
        ("bfloat16", 1): 10,
        ("float32", 1): 20,
        ("bfloat16", 2): 6,
        ("bfloat16", 4): 4,
    }
    timed = Timed(monkeypatch, cost, a_character=True)
    assert quickest(corpus, tmp_path, bptt="100").compute.threads == 4
    # A window of 100 takes a second, and measuring may take a quarter of a second.
    assert timed.lengths == [8, 25, 25, 25, 25, 25]


def test_threads_that_the_user_sets_may_share_the_streams(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost: dict[tuple[str, int], float] = {("bfloat16", 3): 10, ("float32", 3): 20}
    Timed(monkeypatch, {**cost, ("bfloat16 shared", 3): 6, ("float32 shared", 3): 12})
    found = quickest(corpus, tmp_path, streams=7, threads=3).compute
    assert (found.dtype, found.threads, found.shards) == (torch.bfloat16, 3, 3)
    assert str(found) == "cpu bf16 ×3"
    # Loops that nobody shares out take one thread, whatever is set.
    assert str(Compute(CPU, torch.float32, 3, compiled=True)) == "cpu fp32 ×1 compiled"


def test_what_the_user_says_is_left_alone(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch, {("float32", 1): 10, ("float32", 2): 6, ("float32", 4): 4})
    assert quickest(corpus, tmp_path, dtype="float32", threads=1).rates is None
    assert timed.asked == []
    assert quickest(corpus, tmp_path, dtype="float32").compute.threads == 4
    assert {kind for kind, _ in timed.asked} == {"float32"}


def test_one_stream_is_not_measured(corpus: Corpus, tmp_path: Path) -> None:
    settings = small(streams=1, **OPEN)
    usual = choose(settings)
    assert choose_quickest(usual, corpus, settings, Budget(), tmp_path, lambda: None) == Choice(usual)


def test_a_real_measurement(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MEASURE_SECONDS", 0.01)
    settings: Settings = small(**OPEN)
    found = choose_quickest(choose(settings), corpus, settings, Budget(), tmp_path, lambda: None)
    assert found.rates is not None
    assert found.rates.alone > 0


def windows(watch: Watch, rate: Callable[[int], float], count: int) -> list[int]:
    """The number of threads after each window, given the speed for each number of threads."""
    threads = []
    for _ in range(count):
        watch.took(rate(watch.threads) * WINDOW_SECONDS, WINDOW_SECONDS)
        threads.append(watch.threads)
    return threads


def test_threads_that_pay_are_kept() -> None:
    assert set(windows(Watch(2, 100.0), lambda threads: 100.0 * threads, 50)) == {2}


def test_a_collapse_is_given_up_at_once_and_slowness_after_two_windows() -> None:
    assert windows(Watch(2, 100.0), lambda threads: 5.0 if threads > 1 else 90.0, 3) == [1, 1, 1]
    assert windows(Watch(2, 100.0), lambda threads: 80.0 if threads > 1 else 95.0, 3) == [2, 1, 1]


def test_several_threads_are_tried_again_ever_more_seldom() -> None:
    threads = windows(Watch(2, 100.0), lambda threads: 5.0 if threads > 1 else 90.0, 400)
    tries = [place for place, count in enumerate(threads) if count > 1]
    waits = [(later - sooner) * WINDOW_SECONDS for sooner, later in pairwise(tries)]
    assert tries[0] * WINDOW_SECONDS == pytest.approx(FIRST_WAIT, abs=2 * WINDOW_SECONDS)
    assert waits == sorted(waits)
    assert waits[0] > FIRST_WAIT


def test_several_threads_come_back_when_the_processors_do() -> None:
    watch = Watch(2, 100.0)
    assert windows(watch, lambda threads: 5.0 if threads > 1 else 90.0, 5)[-1] == 1
    assert windows(watch, lambda threads: 95.0 * threads, 200)[-100:] == [2] * 100


def test_a_machine_on_which_all_is_slow_keeps_what_is_better() -> None:
    watch = Watch(2, 100.0)
    threads = windows(watch, lambda threads: 60.0 if threads > 1 else 40.0, 60)
    assert threads[-1] == 2
    assert threads.count(1) < 6


def test_the_change_is_said() -> None:
    watch = Watch(2, 100.0)
    assert watch.took(1.0, WINDOW_SECONDS / 2) == ""
    assert watch.took(1.0, WINDOW_SECONDS / 2) == "1 thread: 2 threads had fallen to 4 char/s"
