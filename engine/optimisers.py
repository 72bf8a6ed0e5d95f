"""The optimisers, and what they remember between updates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.errors import UserError
from engine.settings import Settings

BETAS = (0.9, 0.99)
"""Adam's decay rates; the second is shorter than the usual 0.999, since a text's gradients change quickly."""

SLOTS: dict[str, frozenset[str]] = {
    "adamw": frozenset({"step", "exp_avg", "exp_avg_sq"}),
    "adam": frozenset({"step", "exp_avg", "exp_avg_sq"}),
    "rmsprop": frozenset({"step", "square_avg"}),
    "sgd": frozenset({"momentum_buffer"}),
}
"""What each optimiser keeps for a parameter."""


def build(parameters: Sequence[nn.Parameter], settings: Settings) -> torch.optim.Optimizer:
    """The optimiser that `settings` name, fused into one call where torch can."""
    match settings.optimizer:
        case "adamw":
            return torch.optim.AdamW(parameters, settings.lr, BETAS, weight_decay=settings.weight_decay, fused=True)
        case "adam":
            return torch.optim.Adam(parameters, settings.lr, BETAS, weight_decay=settings.weight_decay, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, settings.lr, weight_decay=settings.weight_decay, foreach=True)
        case "sgd":
            return torch.optim.SGD(
                parameters, settings.lr, momentum=0.9, weight_decay=settings.weight_decay, fused=True
            )
    raise ValueError(f"unknown optimiser {settings.optimizer}")


def slots(optimiser: torch.optim.Optimizer, names: Sequence[str]) -> dict[str, Tensor]:
    """What the optimiser remembers, as `PARAMETER:SLOT`; empty before the first update."""
    return {
        f"{name}:{slot}": tensor
        for name, parameter in zip(names, _parameters(optimiser), strict=True)
        for slot, tensor in optimiser.state.get(parameter, {}).items()
    }


def check_slots(optimiser: torch.optim.Optimizer, names: Sequence[str], values: dict[str, Tensor]) -> None:
    """Raises UserError where `values` are not what this optimiser remembers of parameters of these names."""
    kept = SLOTS[type(optimiser).__name__.lower()] if values else frozenset()
    if values.keys() != {f"{name}:{slot}" for name in names for slot in kept}:
        raise UserError("the checkpoint's optimiser state is not that of the optimiser its settings name")
    for name, parameter in zip(names, _parameters(optimiser), strict=True):
        for slot in kept:
            if values[f"{name}:{slot}"].shape != (torch.Size() if slot == "step" else parameter.shape):
                raise UserError(f"the checkpoint's optimiser state of {name} has another shape than the parameter")


def load_slots(optimiser: torch.optim.Optimizer, names: Sequence[str], values: dict[str, Tensor]) -> None:
    """Make the optimiser remember copies of `values`, which `check_slots` has passed."""
    optimiser.state.clear()
    for key, tensor in values.items():
        name, _, slot = key.rpartition(":")
        parameter = _parameters(optimiser)[names.index(name)]
        on_cpu = slot == "step" and not optimiser.defaults.get("fused")
        optimiser.state[parameter][slot] = tensor.to("cpu" if on_cpu else parameter.device, copy=True)


def _parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
