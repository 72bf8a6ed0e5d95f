"""Updates that a program makes without an optimiser of torch: written by hand, or by another library."""

from __future__ import annotations

import gc
import math
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

ENOUGH, MOST = 16, 4
"""The numbers from which one parameter is enough to look at, and the most parameters otherwise."""

ALONG = 0.01
"""How far a change may be, as a share of it, from one along the gradient, so that a learning rate is what makes it.
Momentum, or a rule such as Adam's, makes changes of another direction."""

DIGITS = 4
"""The digits of a rate that can be told from the difference of rounded numbers."""


class Updates(Protocol):
    """The side that takes updates, such as a `Program`."""

    def update_begins(self, optimizer: Any, norms: Mapping[int, float] | None = None) -> None:
        """An update was begun."""

    def update_ended(self, optimizer: Any) -> None:
        """It was made."""

    def norms_of(self, optimizer: Any) -> dict[int, float]:
        """The norms of gradients, where there is time to measure them."""


class ByHand:
    """Stands for the optimiser of a program that has none: some parameters, and the rate that shows in their change.

    The rate is NaN where their change is no multiple of the gradient.
    """

    NAME = "by hand"

    def __init__(self, parameters: list[Tensor]) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": parameters, "lr": math.nan}]
        self.state: dict[Tensor, Any] = {}


@dataclass(slots=True)
class Witness:
    """A parameter with its numbers and its gradient after the last backward pass.

    Attributes:
        parameter: the parameter, which lives no longer than the program lets it.
        numbers: a copy of it.
        gradient: a copy of its gradient, after clipping by one of torch's functions.
        held: the gradient itself, which a program may change before it makes an update, and let go after that.
        left: where the gradient lay, and the number of changes that torch had counted of it.
    """

    parameter: ReferenceType[Tensor]
    numbers: Tensor
    gradient: Tensor
    held: Tensor
    left: tuple[int, int]


@dataclass(slots=True)
class UpdatesByHand:
    """Finds the updates of a program that calls no optimiser, from backward pass to backward pass.

    Attributes:
        program: takes the updates.
        kept: called where a gradient was not set to zero between two of them.
        alone: whether no other thread trains. Otherwise parameters are not looked for.
    """

    program: Updates
    kept: Callable[[], object]
    alone: bool = True
    _witnesses: list[Witness] = field(default_factory=list)
    _passes: int = 0
    _looked: int = 0
    _first: int = 0
    _changed: int = 0
    _unchanged: int = 0
    _is_made: bool = False
    _optimizer: ByHand | None = None
    _before: dict[int, tuple[int, int]] | None = None
    _found: list[ReferenceType[Tensor]] = field(default_factory=list)
    _norms: dict[int, float] = field(default_factory=dict)

    def backward_begins(self) -> None:
        """A backward pass begins: since the one before, an update may have been made."""
        self.look_for_update()
        if self._is_made and self._optimizer is not None:
            now = [(held.parameter(), held.left) for held in self._witnesses]
            if any(each is not None and each.grad is not None and signs(each.grad) == left for each, left in now):
                self.kept()
        if self._witnesses and not self._is_made:
            self._unchanged += 1
            if self._unchanged > UNCHANGED:
                self._witnesses, self._optimizer = [], None
                self._changed = self._unchanged = 0
        self._is_made = False
        if self._looks_at_next():
            self._before = {id(each): signs(each.grad) for each in _with_gradient() if each.grad is not None}

    def _looks_at_next(self) -> bool:
        """Whether all parameters are looked at when the backward pass that begins has ended."""
        if not self.alone:
            return False
        if not self._witnesses:
            return self._passes + 1 == FIRST_LOOK or (self._passes + 1) % APART == 0
        return bool(self._changed) and self._optimizer is None

    def look_for_update(self) -> None:
        """Compare the witnesses with what they were after the last backward pass: an update is told as it is seen."""
        if not self._witnesses or self._is_made:
            return
        pairs = [(now, held) for held in self._witnesses if (now := held.parameter()) is not None]
        if not pairs:
            self._witnesses = []
            return
        changes = [(now.detach() - held.numbers).reshape(-1) for now, held in pairs]
        if not any(bool(each.any()) for each in changes):
            return
        self._is_made, self._unchanged = True, 0
        self._changed += 1
        if self._changed == 1:
            self._first = self._passes
        if self._changed < CHANGED:
            return
        missed = 0
        if self._optimizer is None:
            # Whoever sets gradients to zero has done so by now: those of the pass before are what counts.
            self._optimizer = ByHand([each for held in self._found if (each := held()) is not None])
            missed = self._missed()
        self._optimizer.param_groups[0]["lr"] = _rate(changes, [held for _, held in pairs])
        for _ in range(missed):
            self.program.update_begins(self._optimizer, {})
            self.program.update_ended(self._optimizer)
        self.program.update_begins(self._optimizer, self._norms)
        self.program.update_ended(self._optimizer)

    def _missed(self) -> int:
        """The updates that were made before one was expected, where the program has made nothing else since it began.

        The first changes that were seen say how many backward passes go into an update.
        """
        apart = self._passes - self._first
        return self._passes // apart - 1 if self._looked == FIRST_LOOK and apart else 0

    def clipped(self) -> None:
        """Gradients were clipped by one of torch's functions: what is left of them is what an update is made with."""
        for held in self._witnesses:
            if (parameter := held.parameter()) is not None and parameter.grad is not None:
                held.gradient = parameter.grad.detach().clone()

    def backward_ended(self) -> None:
        """A backward pass has left its gradients."""
        self._passes += 1
        self._look([now for held in self._witnesses if (now := held.parameter()) is not None])
        if self._before is not None:
            # A notebook keeps the models of earlier cells alive, with gradients that no pass reaches any more.
            reached = [each for each in _with_gradient() if self._before.get(id(each)) != signs(each.grad)]
            self._before, self._found = None, [ref(each) for each in reached]
            small = [each for each in reached if each.numel() <= SMALL and each.device.type == "cpu"]
            if not self._witnesses:
                self._looked = self._passes
                self._look(_enough(small))
        if self._optimizer is not None:
            self._norms = self.program.norms_of(self._optimizer)

    def _look(self, parameters: list[Tensor]) -> None:
        """Remember parameters' numbers and their gradients."""
        self._witnesses = [
            Witness(ref(each), each.detach().clone(), each.grad.detach().clone(), each.grad, signs(each.grad))
            for each in parameters
            if each.grad is not None
        ]


def _enough(parameters: list[Tensor]) -> list[Tensor]:
    """The largest of some parameters, and others where it has few numbers."""
    taken: list[Tensor] = []
    for each in sorted(parameters, key=lambda each: -each.numel())[:MOST]:
        if sum(one.numel() for one in taken) < ENOUGH:
            taken.append(each)
    return taken


def _rate(changes: list[Tensor], witnesses: list[Witness]) -> float:
    """The learning rate, where all numbers were changed by the same multiple of their gradients; NaN otherwise."""
    import torch

    change = torch.cat(changes).double()
    for gradients in ([each.held.detach() for each in witnesses], [each.gradient for each in witnesses]):
        gradient = torch.cat([each.reshape(-1) for each in gradients]).double()
        squares = float(gradient.square().sum())
        if not squares or not int(gradient.count_nonzero()) > 1:
            continue
        rate = -float((change * gradient).sum()) / squares
        off, whole = float((change + rate * gradient).square().sum()), float(change.square().sum())
        if rate > 0 and off <= ALONG**2 * whole:
            return float(f"{rate:.{DIGITS}g}")
    return math.nan


def _with_gradient() -> list[Tensor]:
    """The parameters that have a gradient, of everything that lives in the program."""
    import torch

    # Whoever writes updates by hand may do so with plain tensors.
    kinds = (torch.nn.Parameter, torch.Tensor)
    tensors = [each for each in gc.get_objects() if type(each) in kinds and each.is_leaf and each.requires_grad]
    return [each for each in tensors if each.grad is not None and not each.grad.is_sparse]
