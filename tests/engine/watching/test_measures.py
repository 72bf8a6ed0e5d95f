"""What is measured of an update: how far it moves weights, and clipping that a program does itself."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import torch
from charrnn.measures import ClippedByHand, copies, moved
from charrnn.models import grouped
from torch import nn

from tests.engine.watching.here import watching


def stepped(*pairs: tuple[float, float]) -> ClippedByHand:
    clipped = ClippedByHand()
    for arrived, left in pairs:
        clipped.arrived = arrived
        clipped.step(left)
    return clipped


def test_what_leaves_the_same_norm_of_different_gradients_clips() -> None:
    clipped = stepped((3.0, 1.0), (5.0, 1.0), (2.0, 1.0), (0.5, 0.5), (4.0, 1.0))
    assert clipped.bound == 1.0
    share, factor = clipped.take()
    assert share == pytest.approx(2 / 3)  # It was known from the third on.
    assert factor == pytest.approx(0.5)
    assert clipped.take() == (share, factor)  # As long as no other gradient is measured.


def test_the_norm_before_is_told_where_it_was_clipped() -> None:
    clipped = stepped((3.0, 1.0), (5.0, 1.0))
    clipped.arrived = 2.0
    assert clipped.step(1.0) == 2.0
    clipped.arrived = 0.4
    assert clipped.step(0.4) is None
    assert clipped.arrived is None


@pytest.mark.parametrize("seed", range(5))
def test_other_changes_of_gradients_do_not(seed: int) -> None:
    draw = random.Random(seed)
    norms = [draw.uniform(0.5, 5) for _ in range(40)]
    for left in (lambda norm: norm, lambda norm: norm / 65536, lambda norm: norm * draw.uniform(0.2, 0.9)):
        clipped = stepped(*((norm, left(norm)) for norm in norms))
        assert clipped.bound is None
        assert clipped.take() == (0.0, 1.0)


def test_gradients_of_one_length_tell_nothing() -> None:
    assert stepped(*[(2.0, 1.0)] * 10).bound is None


def test_a_bound_that_is_no_longer_kept_is_none() -> None:
    assert stepped((3.0, 1.0), (5.0, 1.0), (2.0, 1.0), (4.0, 3.0)).bound is None


def test_without_a_measurement_nothing_is_known() -> None:
    clipped = ClippedByHand()
    assert clipped.step(1.0) is None
    assert clipped.bound is None


def test_lengths_of_updates_and_sizes_of_matrices_are_those_of_plain_arithmetic() -> None:
    weight, other = (torch.nn.Parameter(each.clone()) for each in (torch.eye(3), 2 * torch.ones(2, 2)))
    optimizer = torch.optim.SGD([weight, other], lr=0.1)
    groups = grouped([weight, other], ["weight", "other"])
    before = copies(groups, optimizer)
    with torch.no_grad():
        weight += 0.5 * torch.eye(3)
    found = moved(groups, before)
    assert found.norms == pytest.approx([math.sqrt(3), 4.0])
    assert found.ratios == pytest.approx([0.5, 0.0])
    assert found.whole == pytest.approx(math.sqrt(0.75 / 19))
    assert moved(groups, before[:1]).norms == []


@pytest.mark.parametrize(
    ("dtype", "rate", "told"), [("bfloat16", 1e-4, True), ("bfloat16", 1.0, False), ("float32", 1e-4, False)]
)
def test_updates_that_coarse_numbers_swallow_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, rate: float, told: bool
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr("charrnn.measures.Allowance.is_left", True)
    weight = nn.Parameter(torch.ones(8, 8, dtype=getattr(torch, dtype)))
    with watching(tmp_path, monkeypatch) as here:
        optimizer = torch.optim.SGD([weight], lr=rate)
        for _ in range(8):
            optimizer.zero_grad()
            (weight * torch.randn(8, 8)).sum().backward()
            optimizer.step()
    assert ("updates-lost" in [each["fact"] for each in here.told("fact")]) == told
