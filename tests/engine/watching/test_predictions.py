"""What a loss is given, by the graph behind its predictions, and which of its targets it counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from charrnn.masks import is_inverted, mask_of
from charrnn.predictions import Part, keeps_order, part_of
from charrnn.recurrent import Recurrent
from torch import Tensor, nn
from torch.nn import functional

BATCH, TIME, CLASSES = 3, 5, 7


def logits() -> Tensor:
    return torch.randn(BATCH, TIME, CLASSES, requires_grad=True) * 1


@pytest.mark.parametrize(
    ("cut", "part"),
    [
        (lambda each: each[:, :-1].contiguous().view(-1, CLASSES), Part(1, 0, TIME - 1)),
        (lambda each: each[:, 2:].reshape(-1, CLASSES), Part(1, 2, TIME - 2)),
        (lambda each: each[:, 1:-1].reshape(-1, CLASSES), Part(1, 1, TIME - 2)),
        (lambda each: each[1:], Part(0, 1, BATCH - 1)),
        (lambda each: each.narrow(-2, 1, 2).flatten(0, 1), Part(1, 1, 2)),
        (lambda each: each.view(-1, CLASSES), None),
        (lambda each: each[:, ::2].reshape(-1, CLASSES), None),
        (lambda each: (2 * each)[:, -1], None),
    ],
)
def test_the_part_of_the_predictions_that_is_used_is_known(cut: Callable[[Tensor], Tensor], part: Part | None) -> None:
    assert part_of(cut(logits())) == part


def test_predictions_without_a_graph_have_no_part() -> None:
    assert part_of(torch.zeros(2, 3)) is None
    assert not keeps_order(torch.zeros(2, 3))


@pytest.mark.parametrize("batch_first", [False, True])
def test_predictions_lie_as_the_inputs_do_unless_dimensions_are_swapped(batch_first: bool) -> None:
    rnn, head, recurrent = nn.LSTM(4, 6, batch_first=batch_first), nn.Linear(6, CLASSES), Recurrent()
    given = torch.randn(TIME, BATCH, 4)
    returned = rnn(given)
    recurrent.called(rnn, (given,), {}, returned)
    output = returned[0]
    assert keeps_order(head(output).reshape(-1, CLASSES))
    assert keeps_order(functional.dropout(head(output).tanh(), 0.5).view(-1, CLASSES))
    assert not keeps_order(head(output.transpose(0, 1)).reshape(-1, CLASSES))
    assert not keeps_order(head(output).permute(1, 0, 2).reshape(-1, CLASSES))


MASK = torch.tensor([1, 1, 0, 0, 1] * BATCH)


@pytest.mark.parametrize(
    "total",
    [
        lambda losses: (losses * MASK.view(BATCH, TIME)).sum() / MASK.sum(),
        lambda losses: (MASK.view(BATCH, TIME).float() * losses).mean(),
        lambda losses: losses.flatten()[MASK.bool()].mean(),
        lambda losses: losses[MASK.view(BATCH, TIME).bool()].mean(),
        lambda losses: torch.masked_select(losses, MASK.view(BATCH, TIME).bool()).mean(),
    ],
)
def test_the_losses_that_count_are_known(total: Callable[[Tensor], Tensor]) -> None:
    targets = torch.randint(0, CLASSES, (BATCH, TIME))
    losses = functional.cross_entropy(logits().transpose(1, 2), targets, reduction="none")
    mask = mask_of(total(losses), BATCH * TIME)
    assert mask is not None
    assert torch.equal(mask, MASK.bool())


@pytest.mark.parametrize(
    "total",
    [
        lambda losses: losses.mean(),
        lambda losses: (losses * torch.rand(BATCH, TIME)).mean(),
        lambda losses: (losses.mean(0) * torch.ones(TIME)).mean(),
    ],
)
def test_where_all_count_or_each_as_much_as_it_may_there_is_no_mask(total: Callable[[Tensor], Tensor]) -> None:
    losses = functional.cross_entropy(
        logits().transpose(1, 2), torch.randint(0, CLASSES, (BATCH, TIME)), reduction="none"
    )
    assert mask_of(total(losses), BATCH * TIME) is None


@pytest.mark.parametrize("whole", [False, True])
def test_of_a_graph_that_was_used_up_no_mask_is_known(whole: bool) -> None:
    losses = functional.cross_entropy(
        logits().transpose(1, 2), torch.randint(0, CLASSES, (BATCH, TIME)), reduction="none"
    )
    mask = MASK.view(BATCH, TIME).bool()
    total = (losses * mask).sum() if whole else losses[mask].sum()
    total.backward()  # type: ignore[no-untyped-call]
    assert mask_of(total, BATCH * TIME) is None


def test_a_mask_of_padding_alone_is_the_wrong_way_round() -> None:
    targets = torch.tensor([3, 4, 0, 0, 5])
    assert is_inverted(targets == 0, targets)
    assert not is_inverted(targets != 0, targets)
    assert not is_inverted(torch.tensor([True] * 5), targets)
    assert not is_inverted(torch.tensor([False] * 5), targets)
    assert not is_inverted(torch.tensor([0, 1, 1, 0, 1]) == 0, torch.tensor([0, 1, 1, 0, 1]))
