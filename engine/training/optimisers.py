"""The optimisers, and the state that they keep between updates."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from engine.errors import UserError
from engine.settings import Settings

BETAS = (0.9, 0.99)
"""Adam's decay rates; the second is smaller than the usual 0.999, since a text's gradients change quickly."""

ALPHA = 0.99
"""RMSprop's decay rate."""

MOMENTUM = 0.9
EPSILON = 1e-8

SLOTS: Mapping[str, tuple[str, ...]] = {
    "adamw": ("exp_avg", "exp_avg_sq"),
    "adam": ("exp_avg", "exp_avg_sq"),
    "rmsprop": ("square_avg",),
    "sgd": ("momentum_buffer",),
}
"""The slots of each optimiser: the tensors that it keeps per parameter, by torch's names. All but `sgd` also keep their
number of steps."""


class Optimiser:
    """Torch's optimiser, with all its slots present from the start, as zeros.

    Torch itself creates them at the first step. From zeros the first step is the same.
    """

    def __init__(self, network: nn.Module, settings: Settings) -> None:
        self.kind = settings.optimizer
        self._parameters = dict(network.named_parameters())
        self._torch = _build(list(self._parameters.values()), settings)
        for parameter in self._parameters.values():
            kept = self._torch.state[parameter]
            for slot in SLOTS[self.kind]:
                kept[slot] = torch.zeros_like(parameter)
            if self._counts:
                # A fused step runs on the device, and needs the number of steps there too.
                device = parameter.device if self._torch.defaults.get("fused") else None
                kept["step"] = torch.zeros((), device=device)

    @property
    def steps(self) -> int:
        """The number of steps made; 0 where the optimiser does not count them."""
        first = next(iter(self._parameters.values()))
        return int(self._torch.state[first]["step"]) if self._counts else 0

    @steps.setter
    def steps(self, steps: int) -> None:
        if self._counts:
            for parameter in self._parameters.values():
                self._torch.state[parameter]["step"].fill_(steps)

    def forget_gradients(self) -> None:
        """Clear the gradients before a backward pass."""
        self._torch.zero_grad(set_to_none=True)

    def step(self, rate: float, weight_decay: float) -> None:
        """Make a step along the gradients that the parameters hold."""
        for group in self._torch.param_groups:
            group["lr"], group["weight_decay"] = rate, weight_decay
        self._torch.step()

    def slots(self) -> dict[str, Tensor]:
        """The optimiser's own tensors, by `PARAMETER:SLOT`."""
        return {
            f"{name}:{slot}": tensor
            for name, parameter in self._parameters.items()
            for slot, tensor in self._torch.state[parameter].items()
        }

    def keep_in(self, slot: str, places: Mapping[str, Tensor]) -> None:
        """Move one slot's values into `places`, by parameter, and keep the slot there from now on."""
        for name, parameter in self._parameters.items():
            places[name].copy_(self._torch.state[parameter][slot])
            self._torch.state[parameter][slot] = places[name]

    def check(self, values: Mapping[str, Tensor]) -> None:
        """Check that `values` have the names and shapes of this optimiser's slots; raises UserError where not."""
        expected = self.slots()
        if values.keys() != expected.keys():
            raise UserError("the checkpoint's optimiser state is not that of the optimiser its settings name")
        for key, tensor in values.items():
            if tensor.shape != expected[key].shape:
                name = key.rpartition(":")[0]
                raise UserError(f"the checkpoint's optimiser state of {name} has another shape than the parameter")

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Take over `values`, which have passed `check`."""
        for key, tensor in self.slots().items():
            tensor.copy_(values[key])

    @property
    def _counts(self) -> bool:
        return self.kind != "sgd"


def _build(parameters: list[nn.Parameter], settings: Settings) -> torch.optim.Optimizer:
    """The optimiser that `settings` name, fused into one call where torch can."""
    decay = settings.weight_decay
    match settings.optimizer:
        case "adamw":
            return torch.optim.AdamW(parameters, settings.lr, BETAS, EPSILON, decay, fused=True)
        case "adam":
            return torch.optim.Adam(parameters, settings.lr, BETAS, EPSILON, decay, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, settings.lr, ALPHA, EPSILON, decay, foreach=True)
        case "sgd":
            return torch.optim.SGD(parameters, settings.lr, MOMENTUM, weight_decay=decay, fused=True)
    raise ValueError(f"unknown optimiser {settings.optimizer}")
