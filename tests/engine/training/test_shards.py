"""Streams that are shared out: bits depend on the number of shards, and on nothing else."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import UserError
from engine.network.compute import Compute, choose, has_bfloat16
from engine.network.model import CELLS
from engine.text.corpus import read_corpus
from engine.training import trainer as trainer_module
from engine.training.compiled import blas
from engine.training.state import COMPILED, State
from engine.training.trainer import Trainer
from engine.training.window import Passed
from tests.conftest import small
from tests.engine.training.test_exactness import assert_same_bits

WAYS = [0, 1, *([2] if blas.MULTIPLIES_BFLOAT16 else [])]
"""By torch, and by the compiled loops of each number type that this machine multiplies."""


def made(text: Path, shards: int, *, threads: int = 1, compiled: int = 0, **changes: Any) -> Trainer:
    settings = small(**{"streams": 5, "dropout": 0.2, "layers": 2, "dtype": "auto", **changes})
    dtype = COMPILED.get(compiled, torch.float32)
    compute = Compute(torch.device("cpu"), dtype, threads, compiled=bool(compiled), shards=shards)
    compute.apply()
    return Trainer(read_corpus(text, text.name, settings.vocabulary), settings, compute)


def trained(text: Path, shards: int, *, threads: int = 1, updates: int = 12, compiled: int = 0) -> State:
    trainer = made(text, shards, threads=threads, compiled=compiled)
    trainer.train(updates)
    trainer.train(updates)
    return trainer.state()


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("shards", [2, 3, 5])
def test_the_number_of_threads_changes_no_bit(text: Path, shards: int, compiled: int) -> None:
    alone = trained(text, shards, compiled=compiled)
    assert (alone.counters.shards, alone.counters.compiled) == (shards, compiled)
    for threads in (2, shards):
        assert_same_bits(alone, trained(text, shards, threads=threads, compiled=compiled), f"{threads} threads")


def test_threads_may_change_in_the_middle(text: Path) -> None:
    trainer = made(text, 3, threads=3)
    for threads in (3, 1, 2):
        trainer.use_threads(threads)
        for _ in range(4):
            trainer.train()
    straight = made(text, 3)
    for _ in range(12):
        straight.train()
    assert_same_bits(trainer.state(), straight.state(), "3, 1, 2 threads")


def test_other_shards_differ_by_rounding_alone(text: Path) -> None:
    one, other = (trained(text, shards, updates=3) for shards in (1, 3))
    for name, tensor in one.tensors.items():
        torch.testing.assert_close(tensor, other.tensors[name], rtol=1e-3, atol=1e-5, msg=name)
    assert any(not torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    assert torch.equal(one.random.dropout, other.random.dropout)


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("given", [1, 2, 4])
def test_a_state_goes_on_in_its_own_shards_whatever_the_machine_would_choose(
    text: Path, given: int, compiled: int
) -> None:
    trainer = made(text, 3, compiled=compiled)
    trainer.train(6)
    compute = Compute(trainer.compute.device, torch.float32, 2, shards=given, compiled=not compiled)
    other = Trainer.restored(trainer.corpus, trainer.state(), compute)
    assert (other.compute.shards, other.counters.compiled) == (3, compiled)
    for each in (trainer, other):
        each.train(6)
    assert_same_bits(trainer.state(), other.state(), "restored")


@pytest.mark.skipif(not has_bfloat16("lstm", torch.device("cpu")), reason="this machine has no lstm in bfloat16")
@pytest.mark.parametrize("compiled", [0, 1])
def test_a_state_goes_on_in_its_own_number_type_unless_another_is_asked_for(text: Path, compiled: int) -> None:
    trainer = made(text, 1, compiled=compiled)
    trainer.train(3)
    other = Compute(torch.device("cpu"), torch.bfloat16, 1)
    state = trainer.state()
    assert Trainer.restored(trainer.corpus, state, other).compute.dtype is torch.float32
    older = replace(state, counters=replace(state.counters, dtype=None))
    expected = torch.float32 if compiled else torch.bfloat16
    assert Trainer.restored(trainer.corpus, older, other).compute.dtype is expected
    asked = replace(state, settings=replace(state.settings, dtype="bfloat16"))
    found = Trainer.restored(trainer.corpus, asked, other)
    assert (found.compute.dtype, found.counters.dtype) == (torch.bfloat16, "bfloat16")
    assert not found.train(3).broken


def test_shards_do_not_share_the_rounded_weights_of_autocast() -> None:
    for shards, kept in ((1, True), (2, False)):
        with Compute(torch.device("cpu"), torch.bfloat16, 2, shards=shards).precision():
            assert torch.is_autocast_cache_enabled() is kept


@pytest.mark.parametrize("compiled", [0, 2])
def test_a_state_goes_on_where_torch_lacks_its_number_type(
    text: Path, compiled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = made(text, 1)
    trainer.train(3)
    state = trainer.state()
    state = replace(state, counters=replace(state.counters, compiled=compiled, dtype="bfloat16"))
    monkeypatch.setattr(trainer_module, "has_bfloat16", lambda *_: False)
    other = Trainer.restored(trainer.corpus, state, Compute(torch.device("cpu"), torch.float32, 1))
    assert other.compute.dtype is torch.float32
    assert not other.train(3).broken


def test_there_are_no_more_shards_than_streams(text: Path) -> None:
    assert made(text, 9, streams=2).counters.shards == 2


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", list(CELLS))
def test_compiled_passes_differ_from_autograd_by_rounding_alone(
    text: Path, cell: str, layers: int, targets: str, shards: int
) -> None:
    chosen: dict[str, Any] = {"cell": cell, "layers": layers, "targets": targets, "streams": 4, "bptt": "1-9"}
    one, other = made(text, 1, **chosen), made(text, shards, compiled=1, **chosen)
    for trainer in (one, other):
        trainer.train(3)
    for name, tensor in one.state().tensors.items():
        torch.testing.assert_close(tensor, other.state().tensors[name], rtol=1e-3, atol=1e-5, msg=name)
    assert torch.equal(one.state().random.dropout, other.state().random.dropout)


@pytest.mark.skipif(not blas.MULTIPLIES_BFLOAT16, reason="there is no product of bfloat16 here")
@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize("cell", list(CELLS))
def test_bfloat16_in_compiled_passes_costs_as_little_as_its_digits(text: Path, cell: str, targets: str) -> None:
    chosen: dict[str, Any] = {"cell": cell, "layers": 3, "targets": targets, "bptt": "9"}
    exact, rounded = (made(text, 1, compiled=compiled, **chosen) for compiled in (1, 2))
    for trainer in (exact, rounded):
        trainer.train(1)
    for one, other in zip(exact.network.parameters(), rounded.network.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        off = float((one.grad - other.grad).norm() / one.grad.norm())
        assert 0 < off < 0.03


def test_a_machine_without_products_in_bfloat16_goes_on_by_torch(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = made(text, 2, compiled=2)
    trainer.train(3)
    monkeypatch.setattr(blas, "MULTIPLIES_BFLOAT16", False)
    alone = Compute(torch.device("cpu"), torch.float32, 1)
    other = Trainer.restored(trainer.corpus, trainer.state(), alone)
    assert (other.compute.compiled, other.compute.dtype, other.counters.compiled) == (False, torch.float32, 0)
    assert not other.train(3).broken


@pytest.mark.parametrize("shards", [0, -1, 6, 10**9])
def test_shards_that_cannot_be_are_refused(text: Path, shards: int) -> None:
    trainer = made(text, 2)
    state = trainer.state()
    with pytest.raises(UserError, match=f"cannot be shared out over {shards} shards"):
        trainer.restore(replace(state, counters=replace(state.counters, shards=shards)))
    assert_same_bits(state, trainer.state(), "refused")


def test_an_update_that_is_not_finite_changes_nothing(text: Path) -> None:
    trainer = made(text, 2, threads=2)
    trainer.train(3)
    with torch.no_grad():
        trainer.network.head.bias[0] = math.nan
    before = trainer.state()
    assert trainer.train().broken
    after = trainer.state()
    for name, tensor in before.tensors.items():
        torch.testing.assert_close(tensor, after.tensors[name], rtol=0, atol=0, equal_nan=True, msg=name)
    assert before.counters == after.counters


def broken(*_: object) -> Passed:
    raise ZeroDivisionError


@pytest.mark.parametrize("compiled", WAYS)
def test_an_error_in_another_thread_reaches_whoever_trains(
    text: Path, compiled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = made(text, 2, threads=2, compiled=compiled)
    trainer.train()
    way = trainer._autograd._shards._way
    begin = way.begin
    monkeypatch.setattr(way, "begin", lambda *given: [begin(*given)[0], broken])
    with pytest.raises(ZeroDivisionError):
        trainer.train()


def test_one_stream_has_its_loops_back_after_another_number_type(text: Path) -> None:
    settings = small(streams=1, dtype="float32")
    trainer = Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))
    assert trainer.compiled
    if not has_bfloat16(settings.cell, trainer.compute.device):
        return
    for dtype in ("bfloat16", "float32"):
        trainer.turn(replace(settings, dtype=dtype))
        assert trainer.compiled is (dtype == "float32")
