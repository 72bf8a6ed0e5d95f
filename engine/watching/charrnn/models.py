"""The networks of a program, found among everything that lives in it by the parameters that an optimiser updates."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

WRAPPERS = frozenset({"module", "_orig_mod", "_forward_module"})
"""The names under which wrappers such as `DataParallel` and `torch.compile` keep a model."""

MOST_GROUPS = 24
"""The most groups of weight matrices that are told apart. A screen has no more rows."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Weight matrices in groups: each alone, or those of one layer together where there are many.

    Attributes:
        names: the name of each group.
        of: for each tensor, the place of its group; None where it is no matrix.
    """

    names: tuple[str, ...]
    of: tuple[int | None, ...]


def models_of(parameters: Iterable[Tensor]) -> list[nn.Module]:
    """The outermost modules that have any of these parameters, those with the most of them first."""
    from torch import nn

    wanted = {id(each) for each in parameters}
    # By the type: an object may say that it is of another class, and some do things when asked for it.
    modules = [each for each in gc.get_objects() if issubclass(type(each), nn.Module)]
    inner = {id(child) for each in modules for child in each.__dict__.get("_modules", {}).values()}
    outermost = [each for each in modules if id(each) not in inner and "_modules" in each.__dict__]
    shares = [(sum(id(each) in wanted for each in _parameters(module)), module) for module in outermost]
    return [module for share, module in sorted(shares, key=lambda each: -each[0]) if share]


def names_of(parameters: Sequence[Tensor], models: Iterable[nn.Module]) -> list[str]:
    """A name for each parameter, that of its place in a model; a number for one that is in none."""
    known: dict[int, str] = {}
    models = list(models)
    kinds = [type(each).__name__ for each in models]
    for place, model in enumerate(models):
        several = (
            f"{kinds[place]} {kinds[:place].count(kinds[place]) + 1}" if kinds.count(kinds[place]) > 1 else kinds[place]
        )
        before = f"{several}." if len(models) > 1 else ""
        for name, parameter in model.named_parameters():
            known.setdefault(id(parameter), before + _plain(name))
    return [known.get(id(each), f"parameter {place}") for place, each in enumerate(parameters, 1)]


def grouped(parameters: Sequence[Tensor], names: Sequence[str]) -> Groups:
    """The weight matrices among parameters, in at most `MOST_GROUPS` groups by the first parts of their names."""
    matrices = [place for place, each in enumerate(parameters) if each.dim() >= 2]
    short = {place: names[place].removesuffix(".weight") for place in matrices}
    for depth in range(max((name.count(".") for name in short.values()), default=0), -1, -1):
        if len(set(short.values())) <= MOST_GROUPS:
            break
        short = {place: ".".join(name.split(".")[:depth]) or name for place, name in short.items()}
    found = tuple(dict.fromkeys(short.values()))[:MOST_GROUPS]
    places: Mapping[str, int] = {name: place for place, name in enumerate(found)}
    return Groups(
        found, tuple(places.get(short[place]) if place in short else None for place in range(len(parameters)))
    )


def described(models: Sequence[nn.Module]) -> str:
    """A network in a few words: its recurrent layers, such as `lstm 1×128`, or the name of its class."""
    from torch import nn

    for module in (each for model in models for each in model.modules()):
        if isinstance(module, nn.RNNBase):
            return f"{type(module).__name__.lower()} {module.num_layers}×{module.hidden_size}"
    cells = [each for model in models for each in model.modules() if isinstance(each, nn.RNNCellBase)]
    if cells:
        return f"{type(cells[0]).__name__.lower().removesuffix('cell')} {len(cells)}×{cells[0].hidden_size}"
    return type(models[0]).__name__ if models else ""


def form_of(models: Sequence[nn.Module], parameters: Sequence[Tensor]) -> dict[str, str | int]:
    """The recurrent layers of a network; with `embedding` and `entries` where it has nothing else but these two ends.

    Such a network, of a table of vectors, a stack of recurrent layers, and a linear layer to as many numbers as the
    table has rows, is the one that `charrnn-tui train` trains.
    """
    from torch import nn

    modules = [each for model in models for each in model.modules()]
    layers = [each for each in modules if isinstance(each, nn.RNNBase) and not each.bidirectional]
    if not layers:
        return {}
    hidden, count = layers[0].hidden_size, sum(each.num_layers for each in layers)
    form: dict[str, str | int] = {"cell": type(layers[0]).__name__.lower(), "layers": count, "hidden": hidden}
    tables = [each for each in modules if isinstance(each, nn.Embedding)]
    heads = [each for each in modules if isinstance(each, nn.Linear)]
    if len(tables) != 1 or len(heads) != 1 or any(isinstance(each, nn.Dropout) and each.p for each in modules):
        return form
    (table,), (head,) = tables, heads
    alike = all(
        type(each) is type(layers[0])
        and (each.hidden_size, each.bias, each.dropout, each.proj_size) == (hidden, True, 0.0, 0)
        and getattr(each, "nonlinearity", "tanh") == "tanh"
        for each in layers
    )
    inner = {id(each) for module in (table, head, *layers) for each in module.parameters()}
    ends = (head.in_features, head.out_features, head.bias is not None) == (hidden, table.num_embeddings, True)
    if alike and ends and inner == {id(each) for each in parameters} and table.weight is not head.weight:
        form |= {"embedding": table.embedding_dim, "entries": table.num_embeddings}
    return form


def _parameters(module: nn.Module) -> list[Tensor]:
    """The parameters of a module that may be somebody's half-made or odd one."""
    try:
        return list(module.parameters())
    except Exception:  # noqa: BLE001 -- whatever it does when asked, it is none of the program's trainings
        return []


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)
