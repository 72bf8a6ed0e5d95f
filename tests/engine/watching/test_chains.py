"""Recurrence that a program has written itself, found in the graph of its loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from charrnn import chains
from charrnn.chains import chain_of, graph_of
from torch import Tensor, nn

STEPS, HIDDEN, INPUTS = 9, 8, 5


class Two(nn.Module):
    """A layer for the input and one for the state."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.keep = nn.Linear(INPUTS, HIDDEN), nn.Linear(HIDDEN, HIDDEN)

    def forward(self, given: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.read(given) + self.keep(state))


class Joined(nn.Module):
    """One layer for both, side by side, as in torch's tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(INPUTS + HIDDEN, HIDDEN)

    def forward(self, given: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.both(torch.cat([given, state], 1)))


class Gated(nn.Module):
    """A GRU of plain products."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.ParameterList(nn.Parameter(torch.randn(INPUTS, HIDDEN)) for _ in range(3))
        self.back = nn.ParameterList(nn.Parameter(0.3 * torch.randn(HIDDEN, HIDDEN)) for _ in range(3))

    def forward(self, given: Tensor, state: Tensor) -> Tensor:
        (r, z, n), (ur, uz, un) = self.into, self.back
        reset, update = torch.sigmoid(given @ r + state @ ur), torch.sigmoid(given @ z + state @ uz)
        return (1 - update) * torch.tanh(given @ n + (reset * state) @ un) + update * state


class LookedUp(nn.Module):
    """Rows of a table for the input, and states without a batch, as in min-char-rnn."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Parameter(torch.randn(INPUTS, HIDDEN))
        self.back = nn.Parameter(0.3 * torch.randn(HIDDEN, HIDDEN))

    def forward(self, given: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.into[int(given.argmax()) % INPUTS] + state[0] @ self.back)[None]


class Upright(nn.Module):
    """States that stand upright, as in programs that follow numpy."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.back = (
            nn.Parameter(torch.randn(HIDDEN, INPUTS)),
            nn.Parameter(0.3 * torch.randn(HIDDEN, HIDDEN)),
        )

    def forward(self, given: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.into @ given[:1].t() + self.back @ state.t()).t()


class Reset(nn.Module):
    """A GRU's gates by hand: what is looked up goes into the reset gate, and behind it into the new state."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Embedding(INPUTS, HIDDEN)
        self.reset, self.keep, self.new = (nn.Linear(2 * HIDDEN, HIDDEN) for _ in range(3))

    def forward(self, given: Tensor, state: Tensor) -> Tensor:
        read = self.into(given.argmax(1))
        reset = torch.sigmoid(self.reset(torch.cat([read, state], 1)))
        keep = torch.sigmoid(self.keep(torch.cat([read, state], 1)))
        return keep * state + (1 - keep) * torch.tanh(self.new(torch.cat([read, reset * state], 1)))


def loss_of(cell: Any, state: Tensor, steps: int = STEPS) -> Tensor:
    total = torch.zeros(())
    for _ in range(steps):
        state = cell(torch.randn(len(state), INPUTS), state)
        total = total + state.square().sum()
    return total


@pytest.mark.parametrize("kind", [Two, Joined, Gated, LookedUp, Upright, Reset])
@pytest.mark.parametrize("sequences", [1, 3])
def test_the_steps_of_a_cell_by_hand_and_its_first_state_are_known(kind: Any, sequences: int) -> None:
    torch.manual_seed(0)
    sequences = 1 if kind in (LookedUp, Upright) else sequences
    fresh, carried = torch.zeros(sequences, HIDDEN), torch.randn(sequences, HIDDEN)
    for state, empty in ((fresh, True), (carried, False)):
        graph = graph_of(loss_of(kind(), state))
        assert graph is not None
        chain = chain_of(graph)
        assert chain is not None
        assert (chain.length, chain.begins_empty) == (STEPS, empty)


def test_a_state_that_is_never_cut_makes_chains_longer_and_longer() -> None:
    cell, state, lengths = Two(), torch.zeros(2, HIDDEN), []
    for _ in range(3):
        for _ in range(4):
            state = cell(torch.randn(2, INPUTS), state)
        graph = graph_of(state.sum())
        assert graph is not None
        chain = chain_of(graph)
        assert chain is not None
        lengths.append(chain.length)
    assert lengths == [4, 8, 12]


def side_by_side() -> Tensor:
    layer = nn.Linear(HIDDEN, HIDDEN)
    return torch.stack([layer(torch.randn(2, HIDDEN)).sum() for _ in range(6)]).sum()


@pytest.mark.parametrize(
    "loss",
    [
        nn.Sequential(*(nn.Linear(HIDDEN, HIDDEN) for _ in range(6)))(torch.randn(3, HIDDEN)).sum(),
        side_by_side(),
        nn.Linear(HIDDEN, 1)(torch.randn(3, HIDDEN)).sum(),
        nn.Transformer(8, 2, 2, 2, 16, batch_first=True)(torch.randn(2, 4, 8), torch.randn(2, 4, 8)).sum(),
    ],
)
def test_what_is_used_once_or_side_by_side_is_no_recurrence(loss: Tensor) -> None:
    graph = graph_of(loss)
    assert graph is not None
    assert chain_of(graph) is None


def test_saturated_units_are_counted_in_the_graph() -> None:
    cell = Two()
    with torch.no_grad():
        for each in cell.parameters():
            each.zero_()
        cell.keep.bias.copy_(torch.tensor([9.0, -9.0, 0, 0, 0, 0, 0, 0]))
    graph = graph_of(loss_of(cell, torch.zeros(2, HIDDEN)))
    assert graph is not None
    assert graph.saturated() == {"share": pytest.approx(0.25), "frozen": pytest.approx(0.25)}


def test_a_graph_that_is_too_large_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "MOST_NODES", 50)
    assert graph_of(loss_of(Two(), torch.zeros(2, HIDDEN), 20)) is None


def test_a_graph_that_was_used_up_is_read_as_far_as_it_goes() -> None:
    loss = loss_of(Two(), torch.zeros(2, HIDDEN))
    loss.backward()  # type: ignore[no-untyped-call]
    graph = graph_of(loss)
    assert graph is not None
    assert graph.saturated() is None
    chain = chain_of(graph)
    assert chain is not None
    assert (chain.length, chain.begins_empty) == (STEPS, None)


def test_a_loss_without_a_graph_has_none() -> None:
    graph = graph_of(torch.zeros(()))
    assert graph is not None
    assert chain_of(graph) is None
    assert graph.saturated() is None
