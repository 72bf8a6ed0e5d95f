"""Mistakes in how a model is put together: a layer that stands twice, a dropout of nearly all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

MOST_DROPPED = 0.85
"""The share that a dropout sets to zero from which it is likelier that the share to keep was meant."""


def depends_on_mode(model: nn.Module) -> bool:
    """Whether a model does something else while it is trained, as dropout and batch normalisation do."""
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.dropout import _DropoutNd

    for each in model.modules():
        if isinstance(each, _BatchNorm) or (isinstance(each, _DropoutNd) and each.p > 0):
            return True
        if isinstance(each, nn.RNNBase) and each.dropout > 0 and each.num_layers > 1:
            return True
    return False


def repeated(model: nn.Module) -> str:
    """The name of a list of layers in which one layer stands several times; empty where there is none."""
    from torch import nn

    for name, each in model.named_modules():
        if isinstance(each, nn.ModuleList | nn.Sequential):
            layers = [layer for layer in each if any(True for _ in layer.parameters())]
            if len(layers) > len(set(map(id, layers))):
                return name or type(model).__name__
    return ""


def drops_most(model: nn.Module) -> float:
    """The highest share that a dropout of a model sets to zero, where that is nearly all; 0 otherwise."""
    from torch.nn.modules.dropout import _DropoutNd

    shares = [each.p for each in model.modules() if isinstance(each, _DropoutNd)]
    return max((each for each in shares if MOST_DROPPED <= each < 1), default=0.0)


def alike(model: nn.Module) -> list[str]:
    """The names of one layer with weights that a module holds as two of its attributes; empty where there is none."""
    from torch import nn

    for owner, each in model.named_modules():
        if isinstance(each, nn.ModuleList | nn.ModuleDict | nn.Sequential):
            continue
        names: dict[int, list[str]] = {}
        for name, child in each._modules.items():
            if child is not None and any(True for _ in child.parameters()):
                names.setdefault(id(child), []).append(f"{owner}.{name}".removeprefix("."))
        for found in names.values():
            if len(found) > 1:
                return found
    return []
