"""A validation set that was trained on is known by its sequences, and one of its own is left in peace."""

from __future__ import annotations

import pytest
import torch
from charrnn.overlap import MOST_CHECKED, Overlap
from torch import Tensor


def data(count: int, length: int = 12, seed: int = 0) -> Tensor:
    return torch.randint(0, 30, (count, length), generator=torch.Generator().manual_seed(seed))


def validated(overlap: Overlap, rows: Tensor, batch: int = 16) -> bool:
    told = False
    for begin in range(0, len(rows), batch):
        overlap.given(rows[begin : begin + batch])
        told |= overlap.loss_computed()
    return told


@pytest.mark.parametrize("turned", [False, True])
def test_what_was_trained_on_is_found_whichever_way_it_lies(turned: bool) -> None:
    overlap, rows = Overlap(), data(200)
    for begin in range(0, 200, 20):
        batch = rows[begin : begin + 20]
        overlap.trained(batch.t() if turned else batch)
    checked = rows[torch.randperm(200, generator=torch.Generator().manual_seed(1))][:64]
    found = False
    for begin in range(0, 64, 16):
        batch = checked[begin : begin + 16]
        overlap.given(batch.t() if turned else batch)
        found |= overlap.loss_computed()
    assert found
    assert overlap.is_done


def test_part_of_the_training_data_is_enough() -> None:
    overlap, rows = Overlap(), data(200)
    overlap.trained(rows[:100])
    assert validated(overlap, rows[50:150])
    assert 0.3 * overlap.checked < overlap.found < overlap.checked


def test_other_data_is_not_taken_for_it() -> None:
    overlap = Overlap()
    overlap.trained(data(500))
    assert not validated(overlap, data(500, seed=1))
    assert not overlap.is_done


def test_a_program_that_looks_at_both_parts_is_left_in_peace() -> None:
    overlap = Overlap()
    overlap.trained(data(200))
    told = [validated(overlap, each) for each in (data(200, seed=1)[:48], data(200)[:48]) * 3]
    assert not any(told)


def test_short_sequences_and_those_of_few_numbers_say_nothing() -> None:
    for rows in (data(200, length=6), data(200) % 3, data(200).float()):
        overlap = Overlap()
        overlap.trained(rows)
        assert not validated(overlap, rows)


def test_texts_that_are_alike_by_themselves_say_nothing() -> None:
    rows = data(4, length=12)[torch.randint(0, 4, (300,), generator=torch.Generator().manual_seed(2))]
    overlap = Overlap()
    overlap.trained(rows[:200])
    assert not validated(overlap, rows[200:])


def test_it_is_looked_for_only_so_often() -> None:
    overlap = Overlap()
    overlap.trained(data(10))
    validated(overlap, data(2 * MOST_CHECKED, seed=3))
    assert overlap.is_done
    assert overlap.checked < MOST_CHECKED + 64
