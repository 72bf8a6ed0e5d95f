"""What a window is: how far its gradient goes back, what it learns from, and updates that no optimiser makes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import pytest
import torch
from charrnn.by_hand import ByHand, UpdatesByHand
from charrnn.journal import Writer
from charrnn.loop import Loop
from charrnn.predictions import Part
from charrnn.recurrent import CARRIED, FRESH, NONE, Recurrent
from charrnn.sequences import Sequences, Window, one_hot
from charrnn.windows import Windows
from torch import Tensor, nn

KINDS = (nn.RNN, nn.GRU, nn.LSTM)


def detached(state: Any) -> Any:
    return state.detach() if isinstance(state, Tensor) else tuple(each.detach() for each in state)


def call(module: nn.Module, *args: Any) -> Any:
    return nn.Module.__call__(module, *args)


def gradients(module: nn.Module, output: Tensor) -> list[Tensor]:
    weight = torch.arange(output.numel(), dtype=output.dtype).reshape(output.shape)
    return list(torch.autograd.grad((output * weight).sum(), list(module.parameters())))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bound", [1, 3, 5, 12, 40])
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_shorter_window_has_the_gradient_of_one_whose_state_is_cut(
    kind: type[nn.RNNBase], bound: int, batch_first: bool
) -> None:
    torch.manual_seed(0)
    module = kind(4, 6, batch_first=batch_first).double()
    given = torch.randn(12, 3, 4, dtype=torch.float64)
    outputs, state = [], None
    for part in given.split(bound):
        output, state = module(
            part.transpose(0, 1) if batch_first else part, None if state is None else detached(state)
        )
        outputs.append(output)
    expected = torch.cat(outputs, 1 if batch_first else 0)
    recurrent = Recurrent(window=bound)
    found, last = recurrent.shortened(call, module, (given.transpose(0, 1) if batch_first else given,), {})
    assert torch.allclose(found, expected)
    for one, other in zip(gradients(module, found), gradients(module, expected), strict=True):
        assert torch.allclose(one, other)
    for one, other in zip(*(each if isinstance(each, tuple) else (each,) for each in (last, state)), strict=True):
        assert torch.equal(one, other)


def test_a_cell_is_cut_every_so_many_steps() -> None:
    torch.manual_seed(0)
    cell, given = nn.GRUCell(4, 6).double(), torch.randn(7, 2, 4, dtype=torch.float64)
    states: list[list[Tensor]] = []
    for cuts in (False, True):
        recurrent, state = Recurrent(window=3), torch.zeros(2, 6, dtype=torch.float64)
        for step in range(7):
            if cuts:
                state = cell(given[step], state.detach() if step % 3 == 0 else state)
            else:
                args = (given[step], state)
                state = recurrent.shortened(call, cell, args, {})
                recurrent.called(cell, args, {}, state)
        states.append(gradients(cell, state))
    for one, other in zip(*states, strict=True):
        assert torch.allclose(one, other)


def test_the_steps_of_a_gradient_are_counted_until_the_state_is_cut() -> None:
    module, recurrent, state = nn.LSTM(4, 6), Recurrent(), None
    for window in range(4):
        for _ in range(3):
            args = (torch.randn(2, 1, 4), state)
            returned = module(*args)
            recurrent.called(module, args, {}, returned)
            state = returned[1]
        recurrent.backward_begins()
        state = detached(state) if window != 1 else state
    assert recurrent.take() == [6, 6, 12, 6]
    assert recurrent.take() == []


@pytest.mark.parametrize(("state", "kind"), [("none", NONE), ("zeros", FRESH), ("own", CARRIED), ("copy", CARRIED)])
def test_what_a_window_begins_with_is_told(state: str, kind: str) -> None:
    module, recurrent = nn.GRU(4, 6), Recurrent()
    given = torch.randn(2, 1, 4)
    first = module(given)
    recurrent.called(module, (given,), {}, first)
    recurrent.window_ends()
    own = first[1].detach()
    states = {"none": None, "zeros": torch.zeros(1, 1, 6), "own": own, "copy": own.clone()}
    args = (given, states[state])
    recurrent.called(module, args, {}, module(*args))
    assert recurrent.given == kind


# --- what is learnt from ---------------------------------------------------------------------------------------------


def learnt(ids: Tensor, targets: Tensor, sequences: Sequences | None = None) -> Window:
    sequences = sequences or Sequences()
    sequences.ids_given(ids)
    sequences.targets_given(targets)
    window = sequences.window_ends()
    assert window is not None
    return window


TEXT = torch.randint(0, 50, (400,), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shift", [0, 1, 2, 3, -1, -2])
@pytest.mark.parametrize("time", [0, 1])
def test_how_far_targets_are_ahead_is_found(shift: int, time: int) -> None:
    lanes = torch.stack([TEXT[begin + 10 : begin + 60] for begin in (0, 100, 200)], 1 - time)
    ids, targets = lanes.narrow(time, 5, 30), lanes.narrow(time, 5 + shift, 30)
    window = learnt(ids, targets.flatten())
    assert (window.shift, window.axis if shift else time) == (shift, time)


def test_targets_of_another_kind_are_no_next_inputs() -> None:
    assert learnt(TEXT[:60].reshape(3, 20), TEXT[300:360]).shift is None


@pytest.mark.parametrize("continues", [False, True])
def test_windows_that_continue_each_other_are_told_from_others(continues: bool) -> None:
    sequences = Sequences()
    for place in range(10):
        begin = 20 * place if continues else 37 * place % 300
        learnt(TEXT[begin : begin + 20, None], TEXT[begin + 1 : begin + 21], sequences)
    assert (sequences.windows, sequences.continued) == (9, 9 if continues else 0)


def test_steps_of_one_window_are_taken_together() -> None:
    sequences = Sequences()
    for step in range(20):
        sequences.ids_given(TEXT[[step, 100 + step]])
        sequences.targets_given(TEXT[[step + 1, 101 + step]])
    window = sequences.window_ends()
    assert window is not None
    assert (window.axis, window.shift, window.ids.shape) == (0, 1, (20, 2))


@pytest.mark.parametrize(("batch_first", "confused"), [(True, False), (False, True)])
def test_a_module_that_steps_along_the_batch_is_found(batch_first: bool, confused: bool) -> None:
    ids = TEXT[:36].reshape(6, 6)
    window = learnt(ids, torch.cat([TEXT[1:36], TEXT[36:37]]))
    given = nn.Embedding(50, 4)(ids)
    assert window.is_confused_by(given, 1 if batch_first else 0) is confused


def test_vectors_of_zeros_and_a_one_stand_for_numbers() -> None:
    ids = TEXT[:12].reshape(3, 4)
    vectors = nn.functional.one_hot(ids, 50).float()
    found = one_hot(vectors)
    assert found is not None
    assert torch.equal(found, ids)
    assert one_hot(vectors + 0.1) is None
    assert one_hot(ids) is None
    assert one_hot(None) is None


class Told:
    """Takes what is told of windows, in place of a journal and of a loop's order."""

    model_site = None

    def __init__(self) -> None:
        self.grows: list[int] = []
        self.records: list[dict[str, Any]] = []

    def model_called(self) -> None:
        pass

    def graph_grows(self, length: int) -> None:
        self.grows.append(length)

    def write(self, _kind: str, **values: Any) -> None:
        self.records.append(values)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_graph_that_grows_at_each_update_is_told(cut: bool, by_hand: bool) -> None:
    told, module, layer = Told(), nn.GRU(4, 6), nn.Linear(6, 6)
    windows, state = Windows(cast("Writer", told), cast("Loop", told)), torch.zeros(1, 1, 6)
    for update in range(12):
        given = torch.randn(5, 1, 4)
        if by_hand:
            for _ in range(5):
                state = torch.tanh(layer(state))
            loss = state.sum()
        else:
            output, after = module(given, state)
            windows.recurrent_called(module, (given, state), {}, (output, after))
            state, loss = after, output.sum()
        windows.backward_begins([loss])
        windows.update_ended(update)
        state = state.detach() if cut else state
    assert told.grows == ([] if cut else [40, 45, 50, 55, 60])


def test_the_window_of_a_shortened_call_is_the_shorter_one() -> None:
    module, recurrent = nn.GRU(4, 6), Recurrent(window=5)
    given = torch.randn(12, 2, 4)
    recurrent.called(module, (given,), {}, recurrent.shortened(call, module, (given,), {}))
    recurrent.backward_begins()
    assert recurrent.take() == [5]


def test_sequences_of_growing_lengths_are_no_growing_graph() -> None:
    told, module = Told(), nn.GRU(4, 6)
    windows = Windows(cast("Writer", told), cast("Loop", told))
    for update in range(12):
        given = torch.randn(20 + update, 1, 4)
        returned = module(given)
        windows.recurrent_called(module, (given,), {}, returned)
        windows.backward_begins([returned[0].sum()])
        windows.update_ended(update)
    assert told.grows == []


def test_a_part_of_the_predictions_is_compared_with_its_inputs() -> None:
    lanes = torch.stack([TEXT[begin : begin + 21] for begin in (0, 100, 200)])
    ids, following = lanes[:, :-1], lanes[:, 1:]
    for targets, part, shift in (
        (following[:, :-1], Part(1, 0, 19), 1),  # the last prediction is left out, and so is the last target
        (following[:, 1:], Part(1, 1, 19), 1),  # the first, as where a network reads itself in
        (following[:, 1:], Part(1, 0, 19), 2),  # the last prediction, and the first target
    ):
        sequences = Sequences()
        sequences.ids_given(ids)
        sequences.targets_given(targets.flatten(), part)
        window = sequences.window_ends()
        assert window is not None
        assert window.shift == shift


@pytest.mark.parametrize("in_order", [False, True])
def test_targets_that_lie_along_the_other_dimension_are_found(in_order: bool) -> None:
    lanes, sequences = torch.stack([TEXT[begin : begin + 21] for begin in (0, 100, 200)]), Sequences()
    sequences.ids_given(lanes[:, :-1].t())
    sequences.targets_given(lanes[:, 1:].flatten(), in_order=in_order)
    window = sequences.window_ends()
    assert window is not None
    assert (window.axis, window.crossed) == (None, in_order)


def test_the_only_targets_of_sequences_are_found() -> None:
    sequences = Sequences()
    for ids, targets, found in (
        (TEXT[:60].reshape(3, 20), TEXT[:3], True),
        (TEXT[:60].reshape(20, 3), TEXT[:3], True),
        (TEXT[:60].reshape(3, 20), TEXT[:60], False),
        (TEXT[:9].reshape(3, 3), TEXT[:3], False),
    ):
        sequences.ids_given(ids)
        sequences.targets_given(targets)
        assert (sequences.only is not None) is found
        if sequences.only is not None:
            assert sequences.only.ids.shape == (3, 20)
        sequences.window_ends()


def test_places_as_targets_are_the_same_in_every_batch() -> None:
    sequences = Sequences()
    for _ in range(30):
        sequences.targets_given((torch.arange(32) + 16) % 32)
        sequences.window_ends()
    assert sequences.same == 0


# --- by hand ---------------------------------------------------------------------------------------------------------


class Updates:
    """Takes updates."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.parameters = 0

    def update_begins(self, optimizer: ByHand, norms: Mapping[int, float] | None = None) -> None:
        assert norms == {}
        self.rates.append(optimizer.param_groups[0]["lr"])
        self.parameters = sum(each.numel() for each in optimizer.param_groups[0]["params"])

    def update_ended(self, optimizer: ByHand) -> None:
        pass

    def norms_of(self, _optimizer: ByHand) -> dict[int, float]:
        return {}


@pytest.mark.parametrize("zeroed", [False, True])
def test_updates_by_hand_are_found_with_their_rate(zeroed: bool) -> None:
    torch.manual_seed(0)
    updates, kept = Updates(), []
    by_hand = UpdatesByHand(updates, lambda: kept.append(1))
    weight = nn.Parameter(torch.zeros(5))
    for update in range(20):
        if zeroed:
            weight.grad = None
        by_hand.backward_begins()
        torch.autograd.backward((weight * torch.randn(5) - 0.1 * weight).sum())
        by_hand.backward_ended()
        with torch.no_grad():
            weight -= (0.5 if update < 10 else 0.25) * weight.grad  # type: ignore[operator]
    assert updates.rates[0] == pytest.approx(0.5)
    assert updates.rates[-1] == pytest.approx(0.25)
    assert updates.parameters == 5
    assert bool(kept) != zeroed


def test_what_an_earlier_model_left_is_not_taken_for_the_one_that_learns() -> None:
    earlier = nn.Parameter(torch.ones(4000))
    earlier.sum().backward()
    updates = Updates()
    by_hand = UpdatesByHand(updates, lambda: None)
    weight = nn.Parameter(torch.zeros(5))
    for _ in range(8):
        weight.grad = None
        by_hand.backward_begins()
        torch.autograd.backward((weight * torch.randn(5)).sum())
        by_hand.backward_ended()
        with torch.no_grad():
            weight -= 0.5 * weight.grad  # type: ignore[operator]
    assert updates.rates[0] == pytest.approx(0.5)
    assert updates.parameters == 5
    assert earlier.grad is not None


def test_what_no_update_changes_has_none() -> None:
    updates = Updates()
    by_hand = UpdatesByHand(updates, lambda: None)
    weight = nn.Parameter(torch.zeros(5))
    for _ in range(40):
        by_hand.backward_begins()
        torch.autograd.backward(weight.sum())
        by_hand.backward_ended()
    assert updates.rates == []


def steps(updates: Updates, change: Any, passes: int = 1, count: int = 12, zeroed: bool = True) -> None:
    """A program that makes its updates by hand, each after so many backward passes."""
    torch.manual_seed(0)
    by_hand = UpdatesByHand(updates, lambda: None)
    weight, bias = nn.Parameter(torch.randn(3)), nn.Parameter(torch.randn(1))
    for _ in range(count):
        for each in (weight, bias):
            each.grad = None if zeroed else torch.zeros_like(each)
        for _ in range(passes):
            by_hand.backward_begins()
            torch.autograd.backward((weight * torch.randn(3) + bias).square().sum())
            by_hand.backward_ended()
        change(weight, bias, by_hand)
    by_hand.look_for_update()


def plainly(weight: Tensor, bias: Tensor, _by_hand: UpdatesByHand) -> None:
    for each in (weight, bias):
        assert each.grad is not None
        each.data -= 0.1 * each.grad


def clipped(weight: Tensor, bias: Tensor, by_hand: UpdatesByHand) -> None:
    nn.utils.clip_grad_norm_([weight, bias], 0.05)
    by_hand.clipped()
    plainly(weight, bias, by_hand)


def clipped_by_hand(weight: Tensor, bias: Tensor, by_hand: UpdatesByHand) -> None:
    for each in (weight, bias):
        assert each.grad is not None
        each.grad.mul_(0.01)
    plainly(weight, bias, by_hand)


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_every_update_by_hand_is_counted(passes: int) -> None:
    updates = Updates()
    steps(updates, plainly, passes)
    assert len(updates.rates) == 12


@pytest.mark.parametrize("zeroed", [True, False])
@pytest.mark.parametrize("change", [plainly, clipped, clipped_by_hand])
def test_the_rate_by_hand_is_that_of_the_gradient_as_it_is_used(change: Any, zeroed: bool) -> None:
    updates = Updates()
    steps(updates, change, zeroed=zeroed)
    assert updates.rates == [pytest.approx(0.1)] * 12


def test_a_change_that_is_no_multiple_of_the_gradient_has_no_rate() -> None:
    def by_sign(weight: Tensor, bias: Tensor, _by_hand: UpdatesByHand) -> None:
        for each in (weight, bias):
            assert each.grad is not None
            each.data -= 0.1 * each.grad.sign()

    updates = Updates()
    steps(updates, by_sign)
    assert len(updates.rates) == 12
    assert all(math.isnan(each) for each in updates.rates)
