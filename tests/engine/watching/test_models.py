"""Models: found by their parameters, wherever in the program they are, and named as their author would."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Sequence

import pytest
import torch
from charrnn.models import MOST_GROUPS, described, form_of, grouped, models_of, names_of
from torch import Tensor, nn


class Net(nn.Module):
    """What people write: an embedding, a recurrent layer and a head."""

    def __init__(self, rnn: nn.RNNBase | None = None) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.rnn = rnn or nn.LSTM(4, 6, num_layers=2)
        self.head = nn.Linear(6, 9)


class OptimizedModule(nn.Module):
    """Named as that of `torch.compile`."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self._orig_mod = inner


class Holder(nn.Module):
    """A module with one child of any name."""

    def __init__(self, name: str, inner: nn.Module) -> None:
        super().__init__()
        self.add_module(name, inner)


def found(*modules: nn.Module) -> tuple[list[Tensor], list[nn.Module]]:
    """All parameters of some modules, and the models that are found by them."""
    parameters: list[Tensor] = [each for module in modules for each in module.parameters()]
    return parameters, models_of(parameters)


def named(*modules: nn.Module) -> list[str]:
    parameters, models = found(*modules)
    return names_of(parameters, models)


def matrices(names: Sequence[str]) -> list[Tensor]:
    return [torch.zeros(1, 1) for _ in names]


# --- which -----------------------------------------------------------------------------------------------------------


def test_the_outermost_modules_are_found_first_those_with_most_parameters() -> None:
    few, net, other = nn.Linear(2, 2), Net(), Net()
    parameters = [*few.parameters(), *net.parameters()]
    assert [id(each) for each in models_of(parameters)] == [id(net), id(few)]
    assert [id(each) for each in models_of(list(other.head.parameters()))] == [id(other)]


def test_a_module_that_another_one_holds_is_within_it() -> None:
    net = Net()
    outer = Holder("inner", net)
    assert [id(each) for each in found(net)[1]] == [id(outer)]
    del outer
    gc.collect()
    assert [id(each) for each in found(net)[1]] == [id(net)]


def test_modules_in_a_plain_list_are_each_a_model() -> None:
    layers = [nn.Linear(2, 2), nn.Linear(2, 2)]
    assert {id(each) for each in found(*layers)[1]} == set(map(id, layers))


def test_parameters_in_no_module_have_no_model() -> None:
    parameters = [nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(2))]
    assert models_of(parameters) == []
    assert names_of(parameters, []) == ["parameter 1", "parameter 2"]


# --- names -----------------------------------------------------------------------------------------------------------

OWN = [name for name, _ in Net().named_parameters()]


def test_names_are_those_of_the_model() -> None:
    assert named(Net()) == OWN
    assert OWN[0] == "embedding.weight"


@pytest.mark.parametrize(
    "wrap",
    [
        nn.DataParallel,
        OptimizedModule,
        lambda net: OptimizedModule(nn.DataParallel(net)),
        lambda net: nn.DataParallel(OptimizedModule(net)),
        pytest.param(lambda net: Holder("_forward_module", net)),
    ],
    ids=["parallel", "compiled", "compiled around parallel", "parallel around compiled", "forward"],
)
def test_a_wrapper_is_not_in_the_names(wrap: type[nn.Module]) -> None:
    net = Net()
    wrapped = wrap(net)
    parameters, models = found(net)
    assert [id(each) for each in models] == [id(wrapped)]
    assert names_of(parameters, models) == OWN


@pytest.mark.parametrize("name", ["submodule", "attention_module", "my_orig_mod"])
def test_a_name_that_ends_as_a_wrappers_does_stays(name: str) -> None:
    assert named(Holder(name, nn.Linear(2, 2))) == [f"{name}.weight", f"{name}.bias"]


def test_tied_parameters_have_the_first_name() -> None:
    reader, writer = nn.Embedding(5, 3), nn.Linear(3, 5)
    writer.weight = reader.weight
    assert named(nn.ModuleDict({"reader": reader, "writer": writer})) == ["reader.weight", "writer.bias"]


def test_parameters_within_and_without_models_are_told_apart() -> None:
    net, loose = Net(), nn.Parameter(torch.zeros(3))
    parameters: list[Tensor] = [net.head.weight, loose, net.head.bias]
    assert names_of(parameters, models_of(parameters)) == ["head.weight", "parameter 2", "head.bias"]


# --- groups ----------------------------------------------------------------------------------------------------------


def test_each_of_few_matrices_is_a_group_and_vectors_are_in_none() -> None:
    parameters, models = found(Net())
    groups = grouped(parameters, names_of(parameters, models))
    layers = [f"rnn.weight_{kind}_l{layer}" for layer in (0, 1) for kind in ("ih", "hh")]
    assert groups.names == ("embedding", *layers, "head")
    assert groups.of == (0, 1, 2, None, None, 3, 4, None, None, 5, None)


def test_matrices_of_one_layer_are_together_where_there_are_many() -> None:
    names = [f"layers.{layer}.{part}.weight" for layer in range(12) for part in ("attention.q", "attention.k", "mlp")]
    groups = grouped(matrices(names), names)
    assert len(groups.names) <= MOST_GROUPS
    assert groups.names[:3] == ("layers.0.attention", "layers.0.mlp", "layers.1.attention")
    assert groups.of[:4] == (0, 0, 1, 2)


@pytest.mark.parametrize("count", [1, MOST_GROUPS - 1, MOST_GROUPS, MOST_GROUPS + 1, 100])
@pytest.mark.parametrize(
    "pattern", ["w{}", "a.w{}", "a.{}.weight", "layer{}.weight", "a.{}.b.{}.weight", "parameter {}", "w{}.a.b.weight"]
)
def test_there_are_at_most_as_many_groups_as_a_screen_has_rows(count: int, pattern: str) -> None:
    names = [pattern.format(place, place % 7) for place in range(count)]
    groups = grouped(matrices(names), names)
    assert 1 <= len(groups.names) <= min(count, MOST_GROUPS)
    assert len(set(groups.names)) == len(groups.names)
    assert len(groups.of) == count
    known = [place for place in groups.of if place is not None]
    assert set(known) == set(range(len(groups.names)))
    if count <= MOST_GROUPS:
        assert groups.of == tuple(range(count))


def test_matrices_of_two_models_are_groups_of_their_own() -> None:
    encoder, decoder = Net(), Net()
    parameters, models = found(encoder, decoder)
    groups = grouped(parameters, names_of(parameters, models))
    assert len(groups.names) == 2 * 6


def test_without_matrices_there_are_no_groups() -> None:
    groups = grouped([torch.zeros(3)], ["bias"])
    assert (groups.names, groups.of) == ((), (None,))
    assert grouped([], []).of == ()


# --- words -----------------------------------------------------------------------------------------------------------


class CellNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.GRUCell(4, 6), nn.GRUCell(6, 6)


class MyLSTM(nn.Module):
    pass


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Net(nn.LSTM(4, 6, 2)), "lstm 2×6"),
        (Net(nn.GRU(4, 6, 2)), "gru 2×6"),
        (Net(nn.RNN(4, 6, 2)), "rnn 2×6"),
        (nn.LSTM(3, 5), "lstm 1×5"),
        (nn.DataParallel(Net()), "lstm 2×6"),
        (CellNet(), "gru 2×6"),
        (nn.LSTMCell(3, 7), "lstm 1×7"),
        (nn.RNNCell(3, 7), "rnn 1×7"),
        (MyLSTM(), "MyLSTM"),
        (nn.Linear(2, 2), "Linear"),
    ],
)
def test_a_network_is_told_in_a_few_words(model: nn.Module, words: str) -> None:
    assert described([model]) == words


OURS = {"cell": "lstm", "layers": 2, "hidden": 6, "embedding": 4, "entries": 9}


def form(model: nn.Module) -> dict[str, str | int]:
    return form_of([model], list(model.parameters()))


def test_a_table_recurrent_layers_and_a_head_are_a_network_that_we_train_too() -> None:
    assert form(Net()) == OURS
    assert form(nn.Sequential(nn.Embedding(9, 4), nn.GRU(4, 6), nn.Linear(6, 9))) == {
        **OURS,
        "cell": "gru",
        "layers": 1,
    }


def tied() -> nn.Module:
    net = Net(nn.LSTM(4, 4))
    net.head = nn.Linear(4, 9)
    net.head.weight = net.embedding.weight
    return net


def dropping() -> nn.Module:
    net = Net()
    net.drop = nn.Dropout(0.1)
    return net


def wider() -> nn.Module:
    net = Net()
    net.head = nn.Linear(6, 12)
    return net


@pytest.mark.parametrize(
    "model",
    [
        tied(),
        dropping(),
        wider(),
        Net(nn.LSTM(4, 6, dropout=0.1, num_layers=2)),
        Net(nn.LSTM(4, 6, bias=False)),
        Net(nn.LSTM(4, 8, proj_size=6)),
        Net(nn.RNN(4, 6, nonlinearity="relu")),
        nn.Sequential(Net(), nn.LayerNorm(6)),
        nn.Sequential(Net(), nn.Linear(9, 9)),
        nn.LSTM(4, 6),
    ],
)
def test_any_other_network_has_recurrent_layers_only(model: nn.Module) -> None:
    assert set(form(model)) == {"cell", "layers", "hidden"}


def test_a_network_that_is_not_trained_in_whole_is_none_of_ours() -> None:
    net = Net()
    assert set(form_of([net], list(net.rnn.parameters()))) == {"cell", "layers", "hidden"}
    assert form(nn.Sequential(nn.Embedding(9, 4), nn.LSTM(4, 3, bidirectional=True), nn.Linear(6, 9))) == {}
    assert form(nn.Linear(3, 3)) == {}


def test_of_several_models_the_recurrent_one_is_told() -> None:
    assert described([nn.Linear(2, 2), nn.GRU(3, 4)]) == "gru 1×4"
    assert described([nn.Linear(2, 2), nn.Sequential()]) == "Linear"
    assert described([]) == ""


# --- whatever else lives in a program --------------------------------------------------------------------------------


def boom(*_: object) -> None:
    raise RuntimeError("nobody may ask for it")


def hostile() -> Iterator[object]:
    """Objects that do something when they are asked for anything."""
    raises = property(boom)
    liar = property(lambda _self: nn.Module)
    yield type("Raises", (), {"__class__": raises})()
    yield type("Lies", (), {"__class__": liar})()
    yield type("Nothing", (), {"__getattribute__": boom, "__hash__": None, "__eq__": boom, "__bool__": boom})()
    yield type("Odd", (nn.Module,), {"__class__": raises})()
    yield type("Meta", (type,), {"__subclasscheck__": boom, "__instancecheck__": boom})("Made", (), {})
    yield nn.Module.__new__(nn.Module)
    yield type("Unfinished", (nn.Module,), {"__init__": lambda _self: None})()
    gone = Net()
    yield weakref.proxy(gone)
    yield weakref.ref(gone)
    yield {"_modules": None}


def test_objects_that_may_not_be_asked_do_no_harm() -> None:
    net, others = Net(), [*hostile()]
    for each in others[:6]:
        assert gc.is_tracked(each)
    parameters, models = found(net)
    assert [id(each) for each in models] == [id(net)]
    assert names_of(parameters, models) == OWN
    assert len(others) == 10


class Other(nn.Linear):
    """A module of another library, which sits in the same program and is not trained."""


def test_another_module_that_cannot_be_asked_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    net, other = Net(), Other(2, 2)
    monkeypatch.setattr(Other, "parameters", boom)
    assert [id(each) for each in found(net)[1]] == [id(net)]
    assert other is not None


def test_a_child_that_is_none_does_no_harm() -> None:
    net = Net()
    net.register_module("later", None)
    assert named(net) == OWN


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_a_scripted_module_does_no_harm() -> None:
    net, scripted = Net(), torch.jit.script(nn.Sequential(nn.Linear(2, 2)))
    assert [id(each) for each in found(net)[1]] == [id(net)]
    assert len(list(scripted.parameters())) == 2
