"""How much one character tells of the next, against numbers that can be computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from charrnn.neighbours import MOST_CLASSES, Pairs


def alternating(count: int) -> torch.Tensor:
    return torch.arange(count) % 4


def test_what_determines_the_next_says_all_of_it() -> None:
    pairs = Pairs()
    for _ in range(10):
        pairs.count(alternating(401)[:-1], alternating(401)[1:])
    assert pairs.total == 4000
    assert pairs.information == pytest.approx(math.log(4), abs=0.01)
    assert pairs.gain(torch.tensor([0, 1, 2, 3]), torch.tensor([1, 2, 3, 0])) == pytest.approx(math.log(4), abs=0.02)
    assert pairs.gain(torch.tensor([0, 1]), torch.tensor([3, 0])) < -3


def test_what_is_drawn_at_random_says_nothing() -> None:
    torch.manual_seed(0)
    pairs = Pairs()
    pairs.count(torch.randint(0, 20, (8000,)), torch.randint(0, 20, (8000,)))
    assert abs(pairs.information) < 0.01
    assert abs(pairs.gain(torch.randint(0, 20, (2000,)), torch.randint(0, 20, (2000,)))) < 0.05


def test_of_many_classes_nothing_is_counted() -> None:
    pairs = Pairs()
    pairs.count(torch.tensor([1, MOST_CLASSES]), torch.tensor([1, 1]))
    pairs.count(torch.tensor([1]), torch.tensor([1]))
    assert pairs.total < 0
    assert pairs.information == 0
    assert math.isnan(pairs.gain(torch.tensor([1]), torch.tensor([1])))


def test_of_nothing_nothing_is_known() -> None:
    assert Pairs().information == 0
    assert math.isnan(Pairs().gain(torch.tensor([1]), torch.tensor([1])))
    pairs = Pairs()
    pairs.count(torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64))
    assert pairs.total == 0
