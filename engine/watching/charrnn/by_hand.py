"""Updates that a program makes without an optimiser of torch: written by hand, or by another library."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ReferenceType, ref

from charrnn.order import signs

if TYPE_CHECKING:
    from torch import Tensor

CHANGED = 2
"""How often parameters must have changed between two backward passes, so that updates are made by hand."""

UNCHANGED = 50
"""The backward passes without a change after which another model may be there."""

FIRST_LOOK, APART = 2, 32
"""The backward passes without an optimiser after which parameters are looked for, and how far apart the looks are."""

SMALL = 4096
"""The most numbers of a parameter that is looked at: a bias tells as much as a matrix."""


class Updates(Protocol):
    """The side that takes updates, such as a `Program`."""

    def update_begins(self, optimizer: Any, norms: Mapping[int, float] | None = None) -> None:
        """An update was begun."""

    def update_ended(self, optimizer: Any) -> None:
        """It was made."""

    def norms_of(self, optimizer: Any) -> dict[int, float]:
        """The norms of gradients, where there is time to measure them."""


class ByHand:
    """Stands for the optimiser of a program that has none: some parameters, and the rate that shows in their change."""

    NAME = "by hand"

    def __init__(self, parameters: list[Tensor]) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": parameters, "lr": 0.0}]
        self.state: dict[Tensor, Any] = {}


@dataclass(slots=True)
class Witness:
    """A parameter with its numbers and its gradient after the last backward pass.

    Attributes:
        parameter: the parameter, which lives no longer than the program lets it.
        numbers, gradient: copies of both.
        left: where the gradient lay, and the number of changes that torch had counted of it.
    """

    parameter: ReferenceType[Tensor]
    numbers: Tensor
    gradient: Tensor
    left: tuple[int, int]


@dataclass(slots=True)
class UpdatesByHand:
    """Finds the updates of a program that calls no optimiser, from backward pass to backward pass.

    Attributes:
        program: takes the updates.
        kept: called where a gradient was not set to zero between two of them.
    """

    program: Updates
    kept: Callable[[], object]
    _witness: Witness | None = None
    _passes: int = 0
    _changed: int = 0
    _unchanged: int = 0
    _optimizer: ByHand | None = None
    _before: dict[int, tuple[int, int]] | None = None
    _found: list[ReferenceType[Tensor]] = field(default_factory=list)
    _norms: dict[int, float] = field(default_factory=dict)

    def backward_begins(self) -> None:
        """A backward pass begins: since the one before, an update may have been made."""
        self._look_for_updates()
        if self._looks_at_next():
            self._before = {id(each): signs(each.grad) for each in _with_gradient() if each.grad is not None}

    def _looks_at_next(self) -> bool:
        """Whether all parameters are looked at when the backward pass that begins has ended."""
        if self._witness is None:
            return self._passes + 1 == FIRST_LOOK or (self._passes + 1) % APART == 0
        return bool(self._changed) and self._optimizer is None

    def _look_for_updates(self) -> None:
        """Compare the witness with what it was after the last backward pass."""
        witness = self._witness
        if witness is None or (now := witness.parameter()) is None:
            self._witness = None
            return
        change = now.detach() - witness.numbers
        if not bool(change.any()):
            self._unchanged += 1
            if self._unchanged > UNCHANGED:
                self._witness = self._optimizer = None
                self._changed = self._unchanged = 0
            return
        self._changed, self._unchanged = self._changed + 1, 0
        if self._changed < CHANGED:
            return
        if self._optimizer is None:
            # Whoever sets gradients to zero has done so by now: those of the pass before are what counts.
            self._optimizer = ByHand([each for held in self._found if (each := held()) is not None])
        squares = float((witness.gradient * witness.gradient).sum())
        if squares:
            self._optimizer.param_groups[0]["lr"] = max(0.0, -float((change * witness.gradient).sum()) / squares)
        if now.grad is not None and signs(now.grad) == witness.left:
            self.kept()
        self.program.update_begins(self._optimizer, self._norms)
        self.program.update_ended(self._optimizer)

    def backward_ended(self) -> None:
        """A backward pass has left its gradients."""
        self._passes += 1
        if self._witness is not None and (parameter := self._witness.parameter()) is not None:
            self._look(parameter)
        if self._before is not None:
            # A notebook keeps the models of earlier cells alive, with gradients that no pass reaches any more.
            reached = [each for each in _with_gradient() if self._before.get(id(each)) != signs(each.grad)]
            self._before, self._found = None, [ref(each) for each in reached]
            small = [each for each in reached if each.numel() <= SMALL and each.device.type == "cpu"]
            if self._witness is None and small:
                self._look(max(small, key=lambda each: each.numel()))
        if self._optimizer is not None:
            self._norms = self.program.norms_of(self._optimizer)

    def _look(self, parameter: Tensor) -> None:
        """Remember a parameter's numbers and its gradient."""
        if parameter.grad is not None:
            numbers, gradient = parameter.detach().clone(), parameter.grad.detach().clone()
            self._witness = Witness(ref(parameter), numbers, gradient, signs(parameter.grad))


def _with_gradient() -> list[Tensor]:
    """The parameters that have a gradient, of everything that lives in the program."""
    import torch

    # Whoever writes updates by hand may do so with plain tensors.
    kinds = (torch.nn.Parameter, torch.Tensor)
    tensors = [each for each in gc.get_objects() if type(each) in kinds and each.is_leaf and each.requires_grad]
    return [each for each in tensors if each.grad is not None and not each.grad.is_sparse]
