"""Knobs: an update uses what a console has set, and the program goes on with what is its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from charrnn.knobs import Knobs, RefusedError
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, ReduceLROnPlateau

from tests.engine.watching.here import watching

UPDATES = 24
INPUTS = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
TARGETS = torch.randn(16, 3, generator=torch.Generator().manual_seed(2))

Make = Callable[[list[dict[str, Any]]], Optimizer]
Schedule = Callable[[Optimizer], Callable[[], object]]
"""Returns what the program does with its learning rates after each update."""

OPTIMIZERS: Mapping[str, Make] = {
    "SGD": lambda groups: SGD(groups, lr=0.1, momentum=0.9),
    "Adam": lambda groups: Adam(groups, lr=0.1),
    "AdamW": lambda groups: AdamW(groups, lr=0.1, weight_decay=0.3),
    "RMSprop": lambda groups: RMSprop(groups, lr=0.1),
}


def by_hand(optimizer: Optimizer) -> Callable[[], object]:
    """The first group's rate falls with the number of the update, and the second's stays."""
    made = iter(range(1, UPDATES + 1))

    def lower() -> None:
        optimizer.param_groups[0]["lr"] = 0.1 / (1 + 0.25 * next(made))

    return lower


def on_plateaus(optimizer: Optimizer) -> Callable[[], object]:
    schedule = ReduceLROnPlateau(optimizer, factor=0.7, patience=3)
    return lambda: schedule.step(1.0)


SCHEDULES: Mapping[str, Schedule] = {
    "none": lambda _optimizer: lambda: None,
    "LambdaLR": lambda optimizer: LambdaLR(optimizer, lambda made: 0.93**made).step,
    "a warm-up": lambda optimizer: LambdaLR(optimizer, lambda made: min(1.0, (made + 1) / 15)).step,
    "CosineAnnealingLR": lambda optimizer: CosineAnnealingLR(optimizer, T_max=17).step,
    "on plateaus": on_plateaus,
    "by hand": by_hand,
}


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def groups_of(model: nn.Module) -> list[dict[str, Any]]:
    """Weights, and biases with a learning rate of their own and without weight decay."""
    weights = [each for each in model.parameters() if each.dim() == 2]
    biases = [each for each in model.parameters() if each.dim() == 1]
    return [{"params": weights}, {"params": biases, "lr": 0.02, "weight_decay": 0.0}]


def gradient(model: nn.Module) -> None:
    model.zero_grad()
    torch.autograd.backward(nn.functional.mse_loss(model(INPUTS), TARGETS))


def weights_of(model: nn.Module) -> list[Tensor]:
    return [each.detach().clone() for each in model.parameters()]


def rates_of(optimizer: Optimizer) -> list[Any]:
    return [group["lr"] for group in optimizer.param_groups]


def heeding(knobs: Knobs, optimizer: Optimizer) -> Optimizer:
    """The same optimiser, whose updates use the knobs, as those of a watched program do."""
    optimizer.register_step_pre_hook(lambda optimizer, _args, _kwargs: knobs.begin(optimizer))
    optimizer.register_step_post_hook(lambda _optimizer, _args, _kwargs: knobs.end())
    return optimizer


def by_knobs(make: Make, schedule: Schedule, turns: Mapping[int, str]) -> tuple[list[Tensor], list[list[float]]]:
    """Weights after a training whose rate is turned after some updates, and the rates that the program saw."""
    model, knobs = network(), Knobs()
    optimizer = heeding(knobs, make(groups_of(model)))
    step, seen = schedule(optimizer), []
    for update in range(1, UPDATES + 1):
        gradient(model)
        optimizer.step()
        seen.append(rates_of(optimizer))
        if update in turns:
            knobs.turn("lr", turns[update], optimizer)
        seen.append(rates_of(optimizer))
        step()
    return weights_of(model), seen


def own_rates(make: Make, schedule: Schedule) -> list[list[float]]:
    """The program's own rates at each update, from a schedule of an optimiser that trains nothing."""
    optimizer = make(groups_of(network()))
    step, rates = schedule(optimizer), []
    for _ in range(UPDATES):
        rates.append(rates_of(optimizer))
        optimizer.step()
        step()
    return rates


def by_multiples(make: Make, rates: list[list[float]], turns: Mapping[int, str]) -> list[Tensor]:
    """Weights after the same training without a schedule or knobs, at multiples of these rates."""
    model = network()
    optimizer = make(groups_of(model))
    wanted = own = math.nan
    for update, own_ones in enumerate(rates, start=1):
        for group, rate in zip(optimizer.param_groups, own_ones, strict=True):
            # A rate that is as it was when the other one was set is that one, and not its product to the last bit.
            group["lr"] = rate if math.isnan(own) else wanted if rate == own else rate * (wanted / own)
        gradient(model)
        optimizer.step()
        if update in turns:
            own = math.nan if turns[update] == "own" else own_ones[0]
            wanted = math.nan if turns[update] == "own" else float(turns[update])
    return weights_of(model)


def same(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


# --- the learning rate -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_turned_rate_multiplies_the_programs_own(optimizer: str, schedule: str) -> None:
    make, scheduled = OPTIMIZERS[optimizer], SCHEDULES[schedule]
    turns = {5: "0.03", 11: "0.37", 16: "own", 20: "1e-4"}
    trained, seen = by_knobs(make, scheduled, turns)
    own = own_rates(make, scheduled)
    assert seen == [rates for rates in own for _ in range(2)]
    assert same(trained, by_multiples(make, own, turns))
    assert not same(trained, by_multiples(make, own, {}))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_knobs_that_nobody_turned_change_nothing(optimizer: str) -> None:
    make, schedule = OPTIMIZERS[optimizer], SCHEDULES["CosineAnnealingLR"]
    own = own_rates(make, schedule)
    assert same(by_knobs(make, schedule, {})[0], by_multiples(make, own, {}))


def test_the_very_number_is_used_where_the_program_has_no_schedule() -> None:
    optimizer, knobs = SGD([nn.Parameter(torch.ones(2))], lr=0.02), Knobs()
    assert 0.02 * (0.7 / 0.02) != 0.7
    assert knobs.turn("lr", "0.7", optimizer) == ("0.02", "0.7")
    knobs.begin(optimizer)
    used = rates_of(optimizer)
    knobs.end()
    assert (used, rates_of(optimizer)) == ([0.7], [0.02])


def test_groups_with_the_same_rate_keep_the_same_rate() -> None:
    """As those with and without weight decay do, whose rates a schedule computes one after the other."""
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    groups: list[dict[str, Any]] = [{"params": [first]}, {"params": [second], "weight_decay": 0.0}]
    optimizer = AdamW(groups, lr=0.04)
    schedule, knobs = LambdaLR(optimizer, lambda _made: 0.5), Knobs()
    assert rates_of(optimizer) == schedule.get_last_lr() == [0.02, 0.02]
    knobs.turn("lr", "0.7", optimizer)
    knobs.begin(optimizer)
    used = rates_of(optimizer)
    knobs.end()
    assert used == [0.7, 0.7]


def test_the_old_value_is_that_of_the_next_update() -> None:
    parameter, knobs = nn.Parameter(torch.ones(2)), Knobs()
    optimizer = SGD([parameter], lr=0.1)
    assert knobs.turn("lr", "0.4", optimizer) == ("0.1", "0.4")
    optimizer.param_groups[0]["lr"] = 0.05
    assert knobs.turn("lr", "0.3", optimizer) == ("0.2", "0.3")
    assert knobs.turn("lr", "own", optimizer) == ("0.3", "0.05")
    knobs.begin(optimizer)
    assert rates_of(optimizer) == [0.05]
    knobs.end()


def test_a_rate_that_is_set_during_an_update_stays() -> None:
    """By a closure, for one."""
    optimizer, knobs = SGD([nn.Parameter(torch.ones(2))], lr=0.1), Knobs()
    knobs.turn("lr", "0.4", optimizer)
    knobs.begin(optimizer)
    optimizer.param_groups[0]["lr"] = 0.07
    knobs.end()
    assert rates_of(optimizer) == [0.07]


def test_an_update_that_raised_leaves_the_programs_rate_after_the_next() -> None:
    optimizer, knobs = SGD([nn.Parameter(torch.ones(2))], lr=0.1), Knobs()
    knobs.turn("lr", "0.4", optimizer)
    for _ in range(3):
        knobs.begin(optimizer)
        assert rates_of(optimizer) == [0.4]
    knobs.end()
    assert rates_of(optimizer) == [0.1]


def test_an_update_that_raises_leaves_the_programs_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule such as `CosineAnnealingLR` computes the next rate from the one that it finds."""
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with watching(tmp_path, monkeypatch) as here:
        here.ask("turn", knob="lr", value="0.4")
        gradient(model)
        optimizer.step()
        assert here.replies() == [("lr 0.1 → 0.4", False)]

        def fails() -> float:
            raise ValueError("no more data")

        with pytest.raises(ValueError, match="no more data"):
            optimizer.step(fails)
        seen = rates_of(optimizer)
    assert seen == [0.1]


def test_a_rate_in_a_tensor_stays_the_programs_tensor() -> None:
    model, knobs, rate = network(), Knobs(), torch.tensor(0.125)
    optimizer = SGD(model.parameters(), lr=rate)
    heeding(knobs, optimizer)
    assert knobs.turn("lr", "0.25", optimizer) == ("0.125", "0.25")
    before = weights_of(model)
    gradient(model)
    gradients = [each.grad for each in model.parameters()]
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.125
    for old, new, slope in zip(before, weights_of(model), gradients, strict=True):
        assert slope is not None
        assert torch.equal(new, old - 0.25 * slope)


# --- what stands in the optimiser's groups ---------------------------------------------------------------------------


SETTINGS: list[tuple[Make, str, str, str, Mapping[str, Any], Mapping[str, Any]]] = [
    (lambda groups: AdamW(groups, weight_decay=0.1), "weight_decay", "0.5", "0.1", {"weight_decay": 0.5}, {}),
    (lambda groups: SGD(groups, momentum=0.9), "momentum", "0.5", "0.9", {"momentum": 0.5}, {"momentum": 0.5}),
    (lambda groups: SGD(groups), "momentum", "0.75", "0", {"momentum": 0.75}, {"momentum": 0.75}),
    (lambda groups: RMSprop(groups), "momentum", "0", "0", {"momentum": 0.0}, {"momentum": 0.0}),
    (lambda groups: Adam(groups), "beta1", "0.8", "0.9", {"betas": (0.8, 0.999)}, {"betas": (0.8, 0.999)}),
    (lambda groups: Adam(groups), "beta2", "0.95", "0.999", {"betas": (0.9, 0.95)}, {"betas": (0.9, 0.95)}),
]


@pytest.mark.parametrize(("make", "knob", "text", "old", "first", "second"), SETTINGS)
def test_a_setting_is_turned_in_the_groups_that_have_it(
    make: Make, knob: str, text: str, old: str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> None:
    """Biases, whose weight decay is 0, keep it."""
    trained = []
    for turned in (True, False):
        model, knobs = network(), Knobs()
        optimizer = heeding(knobs, make(groups_of(model)))
        for update in range(8):
            if update == 4 and turned:
                assert knobs.turn(knob, text, optimizer) == (old, f"{float(text):.6g}")
            elif update == 4:
                for group, values in zip(optimizer.param_groups, (first, second), strict=True):
                    group.update(values)
            gradient(model)
            optimizer.step()
        assert optimizer.param_groups[1]["weight_decay"] == 0
        trained.append(weights_of(model))
    assert same(*trained)


def test_weight_decay_where_no_group_has_any_is_turned_in_all() -> None:
    optimizer = SGD([{"params": [nn.Parameter(torch.ones(1))]}, {"params": [nn.Parameter(torch.ones(1))]}])
    assert Knobs().turn("weight_decay", "0.25", optimizer) == ("0", "0.25")
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.25, 0.25]


def test_groups_without_weight_decay_stay_so_when_it_is_turned_off_and_on() -> None:
    optimizer, knobs = AdamW(groups_of(network()), weight_decay=0.1), Knobs()
    knobs.turn("weight_decay", "0", optimizer)
    knobs.turn("weight_decay", "0.05", optimizer)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.05, 0.0]


# --- the other knobs -------------------------------------------------------------------------------------------------


def test_a_bound_is_a_number_off_or_the_programs_own() -> None:
    optimizer, knobs = SGD([nn.Parameter(torch.ones(1))]), Knobs()
    assert knobs.turn("clip", "0.5", optimizer) == ("own", "0.5")
    assert knobs.clip == 0.5
    assert knobs.turn("clip", "off", optimizer) == ("0.5", "off")
    assert knobs.clip == math.inf
    assert knobs.turn("clip", "own", optimizer) == ("off", "own")
    assert knobs.clip is None


def test_a_window_is_a_number_or_the_programs_own() -> None:
    optimizer, knobs = SGD([nn.Parameter(torch.ones(1))]), Knobs()
    assert knobs.turn("bptt", "40", optimizer) == ("own", "40")
    assert knobs.turn("bptt", "own", optimizer) == ("40", "own")
    assert knobs.window is None


@pytest.mark.parametrize(
    ("bound", "program"),
    [("2", None), ("2", "norm"), ("off", "norm"), ("2", "value"), ("off", "value")],
)
def test_a_bound_takes_the_place_of_the_programs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, program: str | None
) -> None:
    """The program clips to 0.5, by one of torch's functions or not at all; its gradient is (3, 4)."""
    weight = nn.Parameter(torch.zeros(2))
    optimizer = SGD([weight], lr=1.0)

    def update() -> None:
        optimizer.zero_grad()
        torch.autograd.backward((weight * torch.tensor([3.0, 4.0])).sum())
        if program == "norm":
            nn.utils.clip_grad_norm_([weight], max_norm=0.5)
        if program == "value":
            nn.utils.clip_grad_value_([weight], 0.5)
        optimizer.step()

    with watching(tmp_path, monkeypatch) as here:
        here.ask("turn", knob="clip", value=bound)
        update()
        assert here.replies() == [(f"clip own → {bound}", False)]
        before = weight.detach().clone()
        update()
    step = before - weight.detach()
    expected = {"off": [3.0, 4.0], "2": [2.0, 2.0] if program == "value" else [1.2, 1.6]}[bound]
    assert step.tolist() == pytest.approx(expected, rel=1e-5)


def test_a_bound_is_that_of_one_optimiser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Knobs are of the optimiser that updates the most parameters."""
    many, few = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(1))
    optimizers = SGD([many], lr=1.0), SGD([few], lr=1.0)

    def update() -> None:
        for optimizer, weight in zip(optimizers, (many, few), strict=True):
            optimizer.zero_grad()
            torch.autograd.backward((4 * weight).sum())
            nn.utils.clip_grad_norm_([weight], max_norm=0.5)
            optimizer.step()

    with watching(tmp_path, monkeypatch) as here:
        update()
        here.ask("turn", knob="clip", value="2")
        update()
        before = few.item()
        update()
        assert here.replies() == [("clip own → 2", False)]
    assert before - few.item() == pytest.approx(0.5, rel=1e-5)


# --- refusals --------------------------------------------------------------------------------------------------------


REFUSED = [
    (SGD, "dropout", "0.5", "dropout is the program's own: from here lr, clip,"),
    (SGD, "", "1", "is the program's own"),
    (SGD, "lr", "fast", "lr 'fast': expected a number from "),
    (SGD, "lr", "", "lr '': expected a number"),
    (SGD, "lr", "nan", "lr 'nan': expected a number"),
    (SGD, "lr", "inf", "lr 'inf': expected a number"),
    (SGD, "lr", "-0.1", "lr '-0.1': expected a number"),
    (SGD, "lr", "0", "lr '0': expected a number from 1e-38 to 3.4e+38"),
    (SGD, "lr", "1e39", "lr '1e39': expected a number"),
    (SGD, "lr", "off", "lr 'off': expected a number"),
    (SGD, "lr", "9" * 500, "lr '9999"),
    (SGD, "clip", "tight", "expected a number from 1e-38 to 3.4e+38, or off"),
    (SGD, "clip", "0", "clip '0'"),
    (SGD, "bptt", "0", "bptt '0'"),
    (SGD, "bptt", "off", ", or own"),
    (SGD, "weight_decay", "-1", "weight_decay '-1': expected a number from 0"),
    (SGD, "weight_decay", "own", "weight_decay 'own'"),
    (SGD, "momentum", "1", "momentum '1'"),
    (SGD, "momentum", "-0.5", "momentum '-0.5'"),
    (Adam, "momentum", "0.9", "momentum: Adam has none"),
    (SGD, "beta1", "0.9", "beta1: SGD has none"),
    (RMSprop, "beta2", "0.9", "beta2: RMSprop has none"),
    (Adam, "beta1", "1", "beta1 '1'"),
    (Adam, "beta2", "high", "beta2 'high': expected a number from 0"),
]


@pytest.mark.parametrize(("kind", "knob", "text", "words"), REFUSED)
def test_what_cannot_be_set_is_refused_in_one_line(
    kind: Callable[..., Optimizer], knob: str, text: str, words: str
) -> None:
    optimizer, knobs = kind([nn.Parameter(torch.ones(2))], lr=0.1), Knobs()
    before = {name: value for name, value in optimizer.param_groups[0].items() if name != "params"}
    with pytest.raises(RefusedError) as refused:
        knobs.turn(knob, text, optimizer)
    says = str(refused.value)
    assert words in says
    assert "\n" not in says
    assert len(says) < 160
    assert {name: value for name, value in optimizer.param_groups[0].items() if name != "params"} == before
    assert knobs == Knobs()


def test_a_rate_of_0_has_no_multiple() -> None:
    optimizer, knobs = SGD([nn.Parameter(torch.ones(2))], lr=0.1), Knobs()
    knobs.turn("lr", "0.2", optimizer)
    schedule = CosineAnnealingLR(optimizer, T_max=2)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    assert rates_of(optimizer) == [0.0]
    with pytest.raises(RefusedError, match="the program's own learning rate is 0 now"):
        knobs.turn("lr", "0.3", optimizer)
    assert knobs.rate == (0.2, 0.1)
    knobs.begin(optimizer)
    assert rates_of(optimizer) == [0.0]
    knobs.end()


def test_a_rate_that_is_set_where_the_programs_is_nearly_zero_is_used_as_it_is() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer, knobs = SGD([weight], lr=1e-9), Knobs()
    knobs.turn("lr", "0.01", optimizer)
    for own in (1e-9, 1e-8, 0.1):
        optimizer.param_groups[0]["lr"] = own
        knobs.begin(optimizer)
        assert optimizer.param_groups[0]["lr"] == 0.01
        knobs.end()
        assert optimizer.param_groups[0]["lr"] == own
