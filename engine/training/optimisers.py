"""The optimisers, and the state that they keep between updates."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

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

FUSED = frozenset({"adamw", "adam", "sgd"})
"""The optimisers whose step torch can make in one call."""


class Optimiser:
    """The optimiser that `settings` name, with all its slots present from the start, as zeros.

    A step is one of torch's own functions. Torch's optimiser classes load its compiler at their first step, which takes
    nearly as long as to load torch.
    """

    def __init__(self, network: nn.Module, settings: Settings) -> None:
        self.kind = settings.optimizer
        self._momentum = MOMENTUM
        self._parameters = dict(network.named_parameters())
        parameters = self._parameters.values()
        self._slots = {slot: [torch.zeros_like(each) for each in parameters] for slot in SLOTS[self.kind]}
        # A fused step runs on the device, and needs the number of steps there too.
        device = next(iter(parameters)).device if self.kind in FUSED else None
        self._steps = [torch.zeros((), device=device) for _ in parameters] if self._counts else []

    @property
    def steps(self) -> int:
        """The number of steps made; 0 where the optimiser does not count them."""
        return int(self._steps[0]) if self._counts else 0

    @steps.setter
    def steps(self, steps: int) -> None:
        if self._counts:
            for each in self._steps:
                each.fill_(steps)

    def forget_gradients(self) -> None:
        """Clear the gradients before a backward pass."""
        for parameter in self._parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float, weight_decay: float) -> None:
        """Make a step along the gradients, which every parameter holds."""
        parameters: list[Tensor] = list(self._parameters.values())
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        slots = self._slots
        match self.kind:
            case "adamw" | "adam":
                make_step = adamw if self.kind == "adamw" else adam
                make_step(
                    parameters,
                    gradients,
                    slots["exp_avg"],
                    slots["exp_avg_sq"],
                    [],
                    self._steps,
                    fused=True,
                    amsgrad=False,
                    beta1=BETAS[0],
                    beta2=BETAS[1],
                    lr=rate,
                    weight_decay=weight_decay,
                    eps=EPSILON,
                    maximize=False,
                )
            case "rmsprop":
                rmsprop(
                    parameters,
                    gradients,
                    slots["square_avg"],
                    [],
                    [],
                    self._steps,
                    foreach=True,
                    lr=rate,
                    alpha=ALPHA,
                    eps=EPSILON,
                    weight_decay=weight_decay,
                    momentum=0.0,
                    centered=False,
                )
            case "sgd":
                sgd(
                    parameters,
                    gradients,
                    list[Tensor | None](slots["momentum_buffer"]),
                    fused=True,
                    weight_decay=weight_decay,
                    momentum=self._momentum,
                    lr=rate,
                    dampening=0.0,
                    nesterov=False,
                    maximize=False,
                )

    def slots(self) -> dict[str, Tensor]:
        """The optimiser's own tensors, by `PARAMETER:SLOT`."""
        slots = {**self._slots, "step": self._steps} if self._counts else self._slots
        return {
            f"{name}:{slot}": tensors[index]
            for index, name in enumerate(self._parameters)
            for slot, tensors in slots.items()
        }

    def keep_in(self, slot: str, places: Mapping[str, Tensor]) -> None:
        """Move one slot's values into `places`, by parameter, and keep the slot there from now on."""
        for index, name in enumerate(self._parameters):
            places[name].copy_(self._slots[slot][index])
            self._slots[slot][index] = places[name]

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
