"""States: training on from one gives the same bits, and what is written of one is read back as it was."""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from charrnn.states import State, size_of, write
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop

# --- trainings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Training:
    """A training whose inputs are random numbers.

    Attributes:
        optimizers: its optimisers.
        models: what they update.
        update: makes one update, and returns the loss.
    """

    optimizers: list[Optimizer]
    models: list[nn.Module]
    update: Callable[[], float]

    def state(self) -> State:
        return State.of(self.optimizers, self.models)

    def course(self, updates: int) -> tuple[list[float], list[Any]]:
        """The losses of some updates, and everything that torch holds after them."""
        losses = [self.update() for _ in range(updates)]
        held = [*(each.state_dict() for each in self.models), *(each.state_dict() for each in self.optimizers)]
        return losses, [plain(each) for each in held]


def plain(value: Any) -> Any:
    """The same with every tensor as its type and numbers, which can be compared."""
    if isinstance(value, Tensor):
        return str(value.dtype), value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def of(make: Callable[[list[nn.Parameter]], Optimizer], *layers: nn.Module, scale: Callable[[], float]) -> Training:
    model = nn.Sequential(*layers)
    optimizer = make(list(model.parameters()))

    def loss_of(inputs: Tensor) -> Tensor:
        return nn.functional.mse_loss(model(inputs), inputs[:, :2])

    def update() -> float:
        inputs = scale() * torch.randn(8, 4)

        def closure() -> float:
            optimizer.zero_grad()
            loss = loss_of(inputs)
            torch.autograd.backward(loss)
            return loss.item()

        found = optimizer.step(closure)
        assert found is not None
        return float(found)

    return Training([optimizer], [model], update)


def one() -> float:
    return 1.0


def two_optimisers() -> Training:
    first, second = nn.Linear(4, 8), nn.Linear(8, 2)
    optimizers: list[Optimizer] = [Adam(first.parameters(), lr=0.05), SGD(second.parameters(), lr=0.05, momentum=0.9)]

    def update() -> float:
        inputs = torch.randn(8, 4)
        loss = nn.functional.mse_loss(second(first(inputs).tanh()), inputs[:, :2])
        for each in optimizers:
            each.zero_grad()
        torch.autograd.backward(loss)
        for each in optimizers:
            each.step()
        return loss.item()

    return Training(optimizers, [first, second], update)


def recurrent() -> Training:
    """A recurrent network with dropout between its layers."""
    network, head = nn.LSTM(3, 5, num_layers=2, dropout=0.3), nn.Linear(5, 3)
    optimizer = AdamW([*network.parameters(), *head.parameters()], lr=0.05, amsgrad=True)

    def update() -> float:
        inputs = torch.randn(6, 2, 3)
        loss = nn.functional.mse_loss(head(network(inputs)[0]), inputs)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        return loss.item()

    return Training([optimizer], [network, head], update)


TRAININGS: Mapping[str, Callable[[], Training]] = {
    "SGD": lambda: of(lambda its: SGD(its, lr=0.05), nn.Linear(4, 2), scale=one),
    "momentum": lambda: of(lambda its: SGD(its, lr=0.05, momentum=0.9, nesterov=True), nn.Linear(4, 2), scale=one),
    "Adam": lambda: of(lambda its: Adam(its, lr=0.05), nn.Linear(4, 2), scale=one),
    "RMSprop": lambda: of(lambda its: RMSprop(its, centered=True, momentum=0.5), nn.Linear(4, 2), scale=one),
    "LBFGS": lambda: of(lambda its: LBFGS(its, lr=0.5, max_iter=3), nn.Linear(4, 2), scale=one),
    "dropout": lambda: of(lambda its: Adam(its), nn.Linear(4, 9), nn.Dropout(0.4), nn.Linear(9, 2), scale=one),
    "BatchNorm": lambda: of(
        lambda its: Adam(its), nn.Linear(4, 9), nn.BatchNorm1d(9, momentum=None), nn.Linear(9, 2), scale=one
    ),
    "python's random": lambda: of(lambda its: SGD(its, lr=0.05), nn.Linear(4, 2), scale=random.random),
    "numpy's random": lambda: of(lambda its: SGD(its, lr=0.05), nn.Linear(4, 2), scale=lambda: float(np.random.rand())),
    "two optimisers": two_optimisers,
    "recurrent": recurrent,
}


@pytest.fixture(autouse=True)
def _seeds() -> None:
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)


# --- in memory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("name", TRAININGS)
def test_training_on_from_a_restored_state_gives_the_same_bits(name: str, before: int) -> None:
    """Before the first update too, where no optimiser has gathered anything; and as often as one likes."""
    training = TRAININGS[name]()
    training.course(before)
    state = training.state()
    first = training.course(4)
    for _ in range(2):
        state.restore()
        assert training.course(4) == first
    assert training.course(1)[0] != first[0][:1]


@pytest.mark.parametrize("name", TRAININGS)
def test_what_is_kept_and_written_changes_no_bit(name: str, tmp_path: Path) -> None:
    courses = []
    for looked_at in (False, True):
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)
        training = TRAININGS[name]()
        for _ in range(3):
            training.update()
            if looked_at:
                training.state()
                assert size_of(training.optimizers, training.models) > 0
                write(tmp_path / "state.safetensors", training.optimizers, training.models, {})
        courses.append(training.course(2))
    assert courses[0] == courses[1]


def test_the_settings_of_each_group_are_those_of_the_state() -> None:
    parameters = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))]
    optimizer = AdamW([{"params": parameters[:1], "lr": 0.1}, {"params": parameters[1:], "weight_decay": 0.0}])
    state = State.of([optimizer], [])
    before = [{name: each for name, each in group.items() if name != "params"} for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group.update(lr=0.7, weight_decay=0.5, betas=(0.1, 0.2))
    state.restore()
    after = [{name: each for name, each in group.items() if name != "params"} for group in optimizer.param_groups]
    assert after == before


def test_parameters_stay_where_they_lie() -> None:
    """The program, its graphs and its optimiser hold them."""
    training = TRAININGS["Adam"]()
    parameters = [*training.models[0].parameters()]
    places = [each.data_ptr() for each in parameters]
    training.course(2)
    state = training.state()
    training.course(2)
    state.restore()
    now = [*training.models[0].parameters()]
    assert all(one is other for one, other in zip(parameters, now, strict=True))
    assert [each.data_ptr() for each in now] == places


def test_a_parameter_that_was_replaced_stays_as_it_is() -> None:
    training = TRAININGS["SGD"]()
    (layer,) = training.models[0].children()
    state = training.state()
    layer.weight = nn.Parameter(torch.full((2, 4), 7.0))
    state.restore()
    assert layer.weight.tolist() == [[7.0] * 4] * 2


def test_a_buffer_that_a_module_replaces_at_each_update_is_put_back() -> None:
    """As the hidden state of a module that carries it itself."""

    class Carrying(nn.Module):
        hidden: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))
            self.register_buffer("hidden", torch.zeros(2))

    model = Carrying()
    optimizer = SGD(model.parameters(), lr=0.1)
    state = State.of([optimizer], [model])
    model.hidden = model.hidden + 1
    state.restore()
    assert model.hidden.tolist() == [0.0, 0.0]


def test_a_buffer_whose_numbers_lie_in_one_place_does_no_harm() -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.ones(1, 2).expand(3, 2))
    optimizer = SGD(model.parameters(), lr=0.1)
    state = State.of([optimizer], [model])
    with torch.no_grad():
        model.weight += 1
    state.restore()
    assert same(model.weight, state.parameters[0][1])


def test_a_rate_in_a_tensor_is_put_back_as_often_as_one_likes() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(2))], lr=torch.tensor(0.5))
    state = State.of([optimizer], [])
    for _ in range(2):
        optimizer.param_groups[0]["lr"].fill_(0.25)  # As schedules do.
        state.restore()
    assert optimizer.param_groups[0]["lr"].item() == 0.5


def test_a_rate_in_a_tensor_stays_the_programs() -> None:
    rate = torch.tensor(0.5)
    optimizer = SGD([nn.Parameter(torch.ones(2))], lr=rate)
    State.of([optimizer], []).restore()
    rate.fill_(0.25)
    assert optimizer.param_groups[0]["lr"].item() == 0.25


class Counting(SGD):
    """An optimiser with something that is of no parameter, as those that people write have."""

    def step(self, closure: Any = None) -> Any:
        state: dict[Any, Any] = self.state
        state["updates"] = state.get("updates", 0) + 1
        return super().step(closure)


def test_what_an_optimiser_has_beside_its_parameters_is_put_back() -> None:
    training = of(lambda its: Counting(its, lr=0.05, momentum=0.9), nn.Linear(4, 2), scale=one)
    training.course(2)
    state = training.state()
    first = training.course(3)
    state.restore()
    assert training.course(3) == first


def test_what_an_optimiser_has_beside_its_parameters_is_measured() -> None:
    training = of(lambda its: Counting(its, lr=0.05), nn.Linear(4, 2), scale=one)
    training.course(1)
    assert size_of(training.optimizers, training.models) >= 4 * (4 * 2 + 2)


# --- the size --------------------------------------------------------------------------------------------------------


def test_the_size_is_that_of_parameters_buffers_and_slots() -> None:
    model = nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9), nn.Linear(9, 9))
    model[2].weight = nn.Parameter(torch.ones(9, 9, dtype=torch.float64))
    model.append(nn.Linear(9, 9))
    model[3].weight = model[2].weight
    floats = [4 * 9, 9, 9, 9, 9, 9]  # Weight and bias of the first three layers but one, and the bias of the last.
    buffers = 4 * 9 + 4 * 9 + 8
    parameters = 4 * sum(floats) + 8 * 9 * 9
    optimizer = Adam(model.parameters())
    assert size_of([optimizer], [model]) == parameters + buffers
    for each in model.parameters():
        each.grad = torch.ones_like(each)
    optimizer.step()
    steps = 4 * len(list(model.parameters()))
    assert size_of([optimizer], [model]) == 3 * parameters + buffers + steps


def bytes_in(value: Any) -> int:
    """The bytes of all tensors in a value."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, Mapping):
        return sum(map(bytes_in, value.values()))
    return sum(map(bytes_in, value)) if isinstance(value, list | tuple) else 0


def test_the_size_is_that_of_a_history_too() -> None:
    training = TRAININGS["LBFGS"]()
    training.course(4)
    (optimizer,) = training.optimizers
    slots = sum(bytes_in(slot) for slot in optimizer.state.values())
    parameters = sum(map(bytes_in, training.models[0].parameters()))
    assert size_of(training.optimizers, training.models) == parameters + slots


# --- on the disk -----------------------------------------------------------------------------------------------------


class Odd(nn.Module):
    """Tensors of many types and shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.coarse = nn.Parameter(torch.randn(3, 5).bfloat16())
        self.float16 = nn.Parameter(torch.randn(5).half())
        self.float64 = nn.Parameter(torch.randn(2, 3, dtype=torch.float64))
        self.turned = nn.Parameter(torch.randn(3, 4).t())
        self.part = nn.Parameter(torch.randn(6, 6)[1::2, ::3])
        self.empty = nn.Parameter(torch.zeros(0, 5))
        self.scalar = nn.Parameter(torch.tensor(1.5))
        self.reader = nn.Embedding(5, 4)
        self.writer = nn.Linear(4, 5, bias=False)
        self.writer.weight = self.reader.weight
        self.register_buffer("steps", torch.tensor(2**40 + 1))
        self.register_buffer("mask", torch.tensor([True, False, True]))
        self.register_buffer("spread", torch.randn(1, 3).expand(4, 3))
        self.register_buffer("none", None)
        for place, kind in enumerate((torch.int32, torch.int16, torch.int8, torch.uint8)):
            self.register_buffer(f"whole{place}", torch.arange(3, dtype=kind))
        self.register_buffer("unsaved", torch.ones(3), persistent=False)


def same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)


def trained(*models: nn.Module) -> list[Optimizer]:
    """An optimiser of each model that has made an update."""
    optimizers: list[Optimizer] = [SGD(each.parameters(), lr=0.25, momentum=0.5) for each in models]
    for optimizer in optimizers:
        for each in optimizer.param_groups[0]["params"]:
            each.grad = torch.ones_like(each)
    for optimizer in optimizers:
        optimizer.step()
    return optimizers


def test_what_is_written_is_read_back_as_it_was(tmp_path: Path) -> None:
    model = Odd()
    (optimizer,) = trained(model)
    path = tmp_path / "new" / "folder" / "update-7.safetensors"
    write(path, [optimizer], [model], {"update": "7"})
    read = load_file(path)
    expected = {f"model.{name}": each for name, each in model.state_dict().items()}
    places = {id(each): place for place, each in enumerate(optimizer.param_groups[0]["params"])}
    for parameter, slot in optimizer.state.items():
        expected[f"optimizer.{places[id(parameter)]}.momentum_buffer"] = slot["momentum_buffer"]
    expected["generator.torch"] = torch.get_rng_state()
    assert read.keys() == expected.keys()
    assert [name for name in expected if not same(read[name], expected[name])] == []
    assert not any("unsaved" in name for name in read)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_state_that_was_read_goes_on_in_the_same_bits(tmp_path: Path) -> None:
    """By means of torch alone, as its user would."""
    training = TRAININGS["Adam"]()
    training.course(3)
    write(tmp_path / "state", training.optimizers, training.models, {})
    losses, held = training.course(4)
    other, read = TRAININGS["Adam"](), load_file(tmp_path / "state")
    other.models[0].load_state_dict(
        {name.removeprefix("model."): each for name, each in read.items() if name.startswith("model.")}
    )
    (optimizer,) = other.optimizers
    for place, parameter in enumerate(optimizer.param_groups[0]["params"]):
        slots = {name: read[f"optimizer.{place}.{name}"] for name in ("step", "exp_avg", "exp_avg_sq")}
        optimizer.state[parameter] = slots
    torch.set_rng_state(read["generator.torch"])
    assert other.course(4) == (losses, held)


def test_several_models_and_optimisers_have_names_of_their_own(tmp_path: Path) -> None:
    models = nn.Linear(2, 3), nn.Linear(3, 2)
    write(tmp_path / "state", trained(*models), models, {})
    read = load_file(tmp_path / "state")
    assert same(read["model.weight"], models[0].weight)
    assert same(read["model2.weight"], models[1].weight)
    assert same(read["optimizer.1.momentum_buffer"], torch.ones(3))
    assert same(read["optimizer2.0.momentum_buffer"], torch.ones(2, 3))


def test_settings_and_numbers_that_are_no_tensors_are_in_its_metadata(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2)
    settings: list[dict[str, Any]] = [{"params": [layer.weight]}, {"params": [layer.bias], "weight_decay": 0.0}]
    optimizer = AdamW(settings, lr=0.125)
    state: dict[Any, Any] = optimizer.state
    state[layer.weight] = {"calls": 3, "signs": torch.ones(2)}
    write(tmp_path / "ü.safetensors", [optimizer], [layer], {"update": "12", "what": 'naïve "text"\n'})
    with safe_open(tmp_path / "ü.safetensors", "pt") as file:
        metadata = file.metadata()
        assert file.get_tensor("optimizer.0.signs").tolist() == [1.0, 1.0]
    groups = metadata.pop("optimizer.groups")
    assert metadata == {"format": "pt", "update": "12", "what": 'naïve "text"\n', "optimizer.0.calls": "3"}
    assert json.loads(groups) == [
        {"lr": 0.125, "weight_decay": 0.01, "betas": [0.9, 0.999]},
        {"lr": 0.125, "weight_decay": 0.0, "betas": [0.9, 0.999]},
    ]


def test_what_a_file_cannot_hold_is_left_out(tmp_path: Path) -> None:
    model = nn.Module()
    model.complex = nn.Parameter(torch.ones(2, dtype=torch.complex64))
    model.sparse = nn.Parameter(torch.eye(2).to_sparse())
    model.plain = nn.Parameter(torch.ones(3))
    write(tmp_path / "state", [SGD(model.parameters(), lr=0.1)], [model], {})
    assert load_file(tmp_path / "state").keys() == {"model.plain", "generator.torch"}


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (full, OSError),
        pytest.param(interrupted, KeyboardInterrupt),
    ],
)
def test_nothing_is_left_where_it_cannot_be_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    fault: Callable[..., None],
    kind: type[BaseException],
) -> None:
    """What was there before stays whole."""
    model, path = nn.Linear(2, 2), tmp_path / "state"
    write(path, [], [model], {"update": "1"})
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fault)
        with pytest.raises(kind):
            write(path, trained(model), [model], {"update": "2"})
    assert [each.name for each in tmp_path.iterdir()] == ["state"]
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write(tmp_path / "file" / "state", [], [nn.Linear(2, 2)], {})
