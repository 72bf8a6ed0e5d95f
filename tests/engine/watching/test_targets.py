"""Targets: their entropy is that of all of them together, and is told ever more seldom."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from charrnn.targets import ENOUGH, GROWS, MOST_AT_ONCE, MOST_CLASSES, Targets
from torch import Tensor, nn

from tests.engine.watching.here import watching


def entropy(targets: list[int]) -> float:
    """The entropy of a sample in nats, with Miller's correction, computed one class after the other."""
    counts = Counter(targets).values()
    shares = [count / len(targets) for count in counts]
    return -sum(share * math.log(share) for share in shares) + (len(shares) - 1) / (2 * len(targets))


def counted(classes: int, targets: Tensor, by: Targets | None = None) -> Any:
    """The entropy that is told of targets, and how many they are; None where nothing is told."""
    return (by or Targets()).count(classes, targets)


def drawn(count: int, *weights: float, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(torch.tensor(weights), count, replacement=True, generator=generator)


# --- the entropy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [(1.0, 1.0), (8.0, 1.0, 1.0), (5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0)])
@pytest.mark.parametrize("shape", [(-1,), (8, -1), (2, 4, -1)])
def test_the_entropy_is_that_of_all_targets(weights: tuple[float, ...], shape: tuple[int, ...]) -> None:
    targets = drawn(400, *weights)
    found = counted(len(weights), targets.reshape(shape))
    assert found == (pytest.approx(entropy(targets.tolist()), rel=1e-12), 400)


def test_targets_of_several_calls_are_one_sample() -> None:
    targets, counter = drawn(300, 6.0, 3.0, 1.0), Targets()
    told = [found for part in targets.chunk(43) if (found := counted(3, part, counter)) is not None]
    assert len(told) > 2
    for value, count in told:
        assert value == pytest.approx(entropy(targets.tolist()[:count]), rel=1e-12)


def test_one_class_alone_has_no_entropy() -> None:
    assert counted(5, torch.full((100,), 3)) == (0.0, 100)


def test_classes_that_do_not_occur_count_nothing() -> None:
    targets = drawn(200, 1.0, 2.0)
    found = counted(1000, targets)
    assert found == (pytest.approx(entropy(targets.tolist())), 200)


def test_what_is_counted_stays_as_it_is() -> None:
    """Targets that need a gradient, as soft ones do, have none here; and the program's are not touched."""
    targets = drawn(100, 1.0, 2.0)
    before = targets.clone()
    assert counted(2, targets) is not None
    assert torch.equal(targets, before)


def test_of_very_many_targets_the_first_are_counted() -> None:
    found = counted(2, torch.arange(2 * MOST_AT_ONCE) % 2)
    assert found == (pytest.approx(math.log(2), abs=1e-4), MOST_AT_ONCE)


def test_numbers_of_any_size_are_counted() -> None:
    for kind in (torch.int64, torch.int32, torch.uint8):
        found = counted(3, drawn(90, 1.0, 1.0, 1.0).to(kind))
        assert found is not None
        assert found[1] == 90


# --- what is no target -----------------------------------------------------------------------------------------------


def test_ignored_targets_are_none() -> None:
    targets = drawn(300, 3.0, 1.0)
    targets[::3] = -100
    found = counted(2, targets)
    assert found == (pytest.approx(entropy([each for each in targets.tolist() if each >= 0])), 200)


@pytest.mark.parametrize("targets", [torch.full((50,), -100), torch.zeros(0, dtype=torch.int64)])
def test_a_first_batch_without_a_target_tells_nothing(targets: Tensor) -> None:
    counter, later = Targets(), drawn(100, 1.0, 1.0)
    assert counted(2, targets, counter) is None
    assert counted(2, later, counter) == (pytest.approx(entropy(later.tolist())), 100)


def test_a_later_batch_without_a_target_changes_nothing() -> None:
    counter, some = Targets(), drawn(100, 1.0, 1.0)
    assert counted(2, some, counter) is not None
    assert counted(2, torch.full((50,), -100), counter) is None
    assert counted(2, some, counter) == (pytest.approx(entropy(2 * some.tolist())), 200)


@pytest.mark.parametrize("classes", [0, 1, MOST_CLASSES + 1])
def test_one_class_or_too_many_tell_nothing(classes: int) -> None:
    assert counted(classes, torch.zeros(10_000, dtype=torch.int64)) is None


def test_targets_on_another_device_are_not_waited_for() -> None:
    assert counted(5, torch.zeros(1000, dtype=torch.int64, device="meta")) is None


@pytest.mark.parametrize(
    "ignored",
    [
        -100,
        pytest.param(0),
    ],
)
def test_the_programs_own_ignored_class_is_none(ignored: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of padding, which is most often 0, and may be most of a batch."""
    targets = 1 + drawn(400, 2.0, 1.0, 1.0)
    targets[:300] = ignored
    head = nn.Parameter(torch.zeros(400, 4))
    optimizer = torch.optim.SGD([head], lr=0.1)
    with watching(tmp_path, monkeypatch) as here:
        loss = nn.functional.cross_entropy(head, targets, ignore_index=ignored)
        torch.autograd.backward(loss)
        optimizer.step()
    (told,) = (each for each in here.told("probe") if each["instrument"] == "targets")
    assert told["values"]["counted"] == 100
    assert told["values"]["entropy"] == pytest.approx(entropy(targets[300:].tolist()))


# --- when it is told -------------------------------------------------------------------------------------------------


def test_it_is_told_once_there_are_enough_for_each_class() -> None:
    counter, four = Targets(), torch.tensor([0, 1, 2, 3])
    told = [place for place in range(1, ENOUGH + 1) if counted(9, four, counter) is not None]
    assert told == [ENOUGH]


def test_it_is_told_again_when_there_are_twice_as_many() -> None:
    counter, two = Targets(), torch.tensor([0, 1])
    told = [2 * place for place in range(1, 400) if counted(2, two, counter) is not None]
    assert told == [2 * ENOUGH * GROWS**power for power in range(len(told))]
    assert len(told) == 5


def test_a_class_that_comes_late_is_waited_for() -> None:
    counter = Targets()
    assert counted(3, torch.tensor([0, 1] * ENOUGH), counter) is not None
    assert counted(3, torch.tensor([2] + [0, 1] * (ENOUGH // 2)), counter) is None
    assert counted(3, torch.tensor([2] * ENOUGH), counter) is not None


# --- other numbers of classes ----------------------------------------------------------------------------------------


def test_another_number_of_classes_is_another_sample() -> None:
    """Another training in the same program, whose targets mean something else."""
    counter, first, second = Targets(), drawn(300, 1.0, 1.0), drawn(200, 1.0, 2.0, 3.0, 4.0, seed=1)
    assert counted(2, first, counter) == (pytest.approx(entropy(first.tolist())), 300)
    assert counted(4, second, counter) == (pytest.approx(entropy(second.tolist())), 200)


def test_two_losses_in_turn_do_no_harm() -> None:
    """Two heads of one network may have other numbers of classes."""
    counter = Targets()
    for _ in range(50):
        for classes in (2, 5):
            found = counted(classes, torch.zeros(3, dtype=torch.int64), counter)
            assert found is None or found[0] == 0.0
    assert counted(5, torch.zeros(300, dtype=torch.int64), counter)[0] == 0.0


def test_a_target_beyond_the_classes_does_no_harm() -> None:
    """As 255 is in pictures, for what belongs to no class."""
    targets = drawn(400, 1.0, 1.0)
    targets[::2] = 255
    assert counted(2, targets) is not None


def test_a_huge_number_for_what_is_ignored_does_no_harm() -> None:
    targets = drawn(400, 1.0, 1.0)
    targets[::2] = 2**60
    assert counted(2, targets) is not None
