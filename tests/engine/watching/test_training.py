"""The loss of an update: of what loss functions return, or of what the backward pass begins at."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from charrnn.training import Losses
from torch import Tensor

PARTS = (0.2, 0.04)


def root(value: float, *, divided: float = 1.0) -> Tensor:
    """A loss with a graph."""
    return torch.tensor(value * divided, requires_grad=True) / divided


def taken(parts: Sequence[float], *roots: Tensor) -> float | None:
    """The loss of one update with these losses, each its part of them, and these backward passes."""
    losses = Losses()
    each = max(1, len(parts) // len(roots))
    for place, one in enumerate(roots):
        for part in parts[place * each : (place + 1) * each]:
            losses.add(part, 1)
        losses.backward_begins([one])
    return losses.take()[0]


@pytest.mark.parametrize(
    ("parts", "roots", "loss"),
    [
        ((2.0,), [root(2.0)], 2.0),
        ((2.0, 4.0), [root(6.0)], 3.0),  # added up, as over time
        ((2.0, 4.0), [root(3.0)], 3.0),  # their mean
        ((2.0, 4.0), [root(2.0 / 2), root(4.0 / 2)], 3.0),  # accumulated
        (PARTS, [root(0.2 / 0.03 + 0.25 * 0.04)], 0.2 / 0.03 + 0.25 * 0.04),  # with weights of their own
        (PARTS, [root(0.02)], 0.02),
        ((), [root(1.5)], 1.5),
        ((), [root(0.5, divided=2.0), root(0.75, divided=2.0)], 1.25),  # divided by their number
        ((2.0, -4.0), [root(9.0)], -1.0),  # nothing is known of losses below 0
    ],
)
def test_the_loss_of_an_update(parts: Sequence[float], roots: Sequence[Tensor], loss: float) -> None:
    found = taken(parts, *roots)
    assert found == pytest.approx(loss)


def test_losses_with_weights_are_told_as_such_from_then_on() -> None:
    losses = Losses()
    assert losses.needs_roots
    for update in range(3):
        for part in PARTS:
            losses.add(part, 8)
        assert losses.needs_roots is (update > 0)
        losses.backward_begins([root(7.0)])
        assert losses.is_weighed
        assert losses.take() == (7.0, 16)
    assert losses.take() == (None, 0)
