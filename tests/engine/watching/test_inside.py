"""What happens inside recurrent modules, against torch's own modules stepped one at a time, and autograd."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from charrnn.inside import Inside
from charrnn.unrolled import cells_of
from torch import Tensor, nn

KINDS = [nn.RNN, nn.GRU, nn.LSTM]
CELLS = [nn.RNNCell, nn.GRUCell, nn.LSTMCell]
SIZE, LANES, TIME = 7, 2, 9


def made(kind: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    module = kind(5, SIZE, **options)
    with torch.no_grad():
        for each in module.parameters():
            each.mul_(3.0)
    return module


def states_of(module: Any, layers: int = 1) -> Any:
    torch.manual_seed(2)
    hidden, memory = torch.randn(2, layers, LANES, SIZE)
    return (hidden, memory) if isinstance(module, nn.LSTM | nn.LSTMCell) else hidden


def seen(module: Any, given: Tensor, state: Any, output: Tensor, loss: Tensor) -> dict[str, dict[str, Any]]:
    inside = Inside()
    inside.called(module, (given, state), {}, (output, None))
    loss.backward()  # type: ignore[no-untyped-call]
    return inside.measure(exact=True)


def layer_of(module: Any, layer: int, kind: Any) -> Any:
    """One layer of a stack as a module of its own, with the same weights."""
    alone = kind(module.input_size if layer == 0 else SIZE, SIZE)
    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(alone, f"{part}_l0").data.copy_(getattr(module, f"{part}_l{layer}").data)
    return alone


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("batch_first", [False, True])
def test_the_gradient_by_lag_is_that_of_torchs_modules_stepped_one_by_one(
    kind: Any, layers: int, batch_first: bool
) -> None:
    module = made(kind, num_layers=layers, batch_first=batch_first)
    given, state = torch.randn(TIME, LANES, 5), states_of(module, layers)
    shown = given.transpose(0, 1) if batch_first else given
    output, _ = module(shown, state)
    factors = torch.randn(LANES, SIZE)
    last = output[:, -1] if batch_first else output[-1]
    found = seen(module, shown, state, output, (last * factors).sum())["gradient_by_lag"]

    stack = [layer_of(module, layer, kind) for layer in range(layers)]
    now = [
        tuple(each[layer : layer + 1] for each in state) if isinstance(state, tuple) else state[layer : layer + 1]
        for layer in range(layers)
    ]
    hidden: list[list[Tensor]] = [[] for _ in stack]
    for step in given:
        below = step[None]
        for layer, alone in enumerate(stack):
            below, after = alone(below, now[layer])
            # Its output and its state are one tensor here, whose gradient is that of both ways.
            below = after[0] if isinstance(after, tuple) else after
            below.retain_grad()
            hidden[layer].append(below)
            now[layer] = after
    (hidden[-1][-1][0] * factors).sum().backward()  # type: ignore[no-untyped-call]
    squares = [
        sum((one.grad.square().sum((0, 2)) for one in steps if one.grad is not None), torch.zeros(LANES))
        for steps in zip(*hidden, strict=True)
    ]
    sizes = [float(each.mean().sqrt()) for each in reversed(squares)]
    assert found["norm"] == pytest.approx(sizes[0], rel=1e-4)
    assert found["relative"] == pytest.approx([each / sizes[0] for each in sizes], rel=1e-3, abs=1e-6)
    assert 0 < found["decay"] < 10
    assert found["reach"] <= TIME


@pytest.mark.parametrize("kind", CELLS)
def test_cells_called_one_step_at_a_time_are_read_alike(kind: Any) -> None:
    cell = made(kind)
    state: Any = tuple(each[0] for each in states_of(cell)) if kind is nn.LSTMCell else states_of(cell)[0]
    inside, given = Inside(), torch.randn(TIME, LANES, 5)
    hidden = torch.zeros(())
    for step in given:
        after = cell(step, state)
        inside.called(cell, (step, state), {}, after)
        state, hidden = after, after[0] if isinstance(after, tuple) else after
    hidden.square().sum().backward()  # type: ignore[no-untyped-call]
    readings = inside.measure(exact=False)
    assert len(readings["gradient_by_lag"]["relative"]) == TIME
    assert readings["gradient_by_lag"]["norm"] == pytest.approx(
        float((2 * hidden.detach()).square().sum(1).mean().sqrt()), rel=1e-4
    )
    assert 0 <= readings["gates"]["share"] <= 1
    assert "numerics" not in readings


def test_saturation_counts_units_at_the_ends_of_their_range() -> None:
    module = made(nn.RNN)
    with torch.no_grad():
        module.weight_ih_l0.zero_()
        module.weight_hh_l0.zero_()
        module.bias_hh_l0.zero_()
        module.bias_ih_l0.copy_(torch.tensor([5.0, -5.0, 5.0, 0.0, 0.0, 0.0, 0.0]))
    given = torch.randn(TIME, LANES, 5)
    output, _ = module(given)
    found = seen(module, given, None, output, output.sum())["gates"]
    assert found["share"] == pytest.approx(3 / 7)
    assert found["frozen"] == pytest.approx(3 / 7)
    assert found["memory"] is None


def test_an_lstm_that_keeps_everything_has_a_long_memory() -> None:
    module = made(nn.LSTM)
    with torch.no_grad():
        for each in module.parameters():
            each.zero_()
        module.bias_ih_l0[SIZE : 2 * SIZE] = math.log(9)  # a sigmoid of 0.9
    given = torch.randn(TIME, LANES, 5)
    output, _ = module(given)
    found = seen(module, given, None, output, output.sum())["gates"]
    assert found["forget"] == pytest.approx(0.9)
    assert found["memory"] == pytest.approx(10.0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_beside_float64_is_that_of_the_gradient_of_all_weights(kind: Any) -> None:
    module = made(kind)
    given = torch.randn(TIME, LANES, 5)
    output, _ = module(given)
    factors = torch.randn_like(output)
    error = seen(module, given, None, output, (output * factors).sum())["numerics"]["gradient_error"]
    rough = torch.cat([each.grad.flatten() for each in module.parameters()]).double()
    exact = made(kind).double()
    (exact(given.double())[0] * factors.double()).sum().backward()
    precise = torch.cat([each.grad.flatten() for each in exact.parameters()])
    expected = float((rough - precise).norm() / precise.norm())
    # Both round in another order: the size is what is compared.
    assert expected / 30 < error < 30 * expected
    assert error < 1e-5


def test_half_numbers_have_a_large_error() -> None:
    module = made(nn.GRU).bfloat16()
    given = torch.randn(TIME, LANES, 5, dtype=torch.bfloat16)
    output, _ = module(given)
    readings = seen(module, given, None, output, output.float().square().sum())
    assert 1e-3 < readings["numerics"]["gradient_error"] < 1


def test_a_long_window_is_read_at_its_end_from_the_state_that_it_had_there() -> None:
    for kind in KINDS:
        module = made(kind)
        given = torch.randn(100, LANES, 5)
        output, _ = module(given)
        readings = seen(module, given, None, output, output[-1].sum())
        assert len(readings["gradient_by_lag"]["relative"]) == 64
        assert readings["gradient_by_lag"]["norm"] == pytest.approx(math.sqrt(SIZE), rel=1e-4)


def test_modules_of_another_form_are_left_alone() -> None:
    assert cells_of(nn.LSTM(5, SIZE, bidirectional=True)) is None
    assert cells_of(nn.LSTM(5, SIZE, proj_size=3)) is None
    assert cells_of(nn.Linear(5, SIZE)) is None


def test_a_module_that_returns_something_else_than_torchs_is_not_read() -> None:
    class GRU(nn.GRU):
        def forward(self, given: Tensor, hx: Any = None) -> Any:  # type: ignore[override]
            output, state = super().forward(given, hx)
            return 2 * output, state

    module = GRU(5, SIZE)
    given = torch.randn(TIME, LANES, 5)
    output, _ = module(given)
    assert seen(module, given, None, output, output.sum()) == {}


def test_a_module_whose_output_gets_no_gradient_is_read_without_it() -> None:
    module, given = made(nn.LSTM), torch.randn(TIME, LANES, 5)
    output, (hidden, _) = module(given)
    found = seen(module, given, None, output, hidden.square().sum())
    assert "gates" in found
    assert "gradient_by_lag" not in found


def test_nothing_of_the_program_changes() -> None:
    results = []
    for measured in (False, True):
        module = made(nn.LSTM, num_layers=2, dropout=0.3)
        torch.manual_seed(5)
        given = torch.randn(TIME, LANES, 5)
        output, _ = module(given)
        inside = Inside()
        if measured:
            inside.called(module, (given,), {}, (output, None))
        output.square().sum().backward()
        if measured:
            assert inside.measure(exact=True)
        results.append([*(each.grad for each in module.parameters()), torch.rand(3)])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
