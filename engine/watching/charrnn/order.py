"""The order of backward passes, changes of gradients and steps, by signs on a few parameters of each optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import ReferenceType, ref

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

MOST_WITNESSES = 2
"""The parameters of an optimiser whose gradients are looked at: what is done to one is done to all of them."""


@dataclass(slots=True)
class Witness:
    """A parameter, and the signs by which its gradient after the last step or backward pass is known again.

    The gradient itself is not kept: the program's next one is to take its place in memory.

    Attributes:
        parameter: the parameter, which lives no longer than the program lets it.
        place: where the gradient's numbers lay in memory; 0 without a gradient.
        version: the number of changes that torch had counted of it.
        seen: the gradient, which lives no longer than the program lets it; None without one.
    """

    parameter: ReferenceType[Tensor]
    place: int = 0
    version: int = 0
    seen: ReferenceType[Tensor] | None = None

    @property
    def gradient(self) -> Tensor | None:
        """The parameter's gradient; None where it has none, or is gone."""
        parameter = self.parameter()
        return None if parameter is None else parameter.grad

    def look(self) -> bool:
        """Remember the gradient as it is; returns whether there is one."""
        gradient = self.gradient
        self.place, self.version = (0, 0) if gradient is None else (_place(gradient), gradient._version)
        self.seen = None if gradient is None else ref(gradient)
        return gradient is not None

    @property
    def is_zeroed(self) -> bool:
        """Whether the gradient that was there is gone, or one of zeros."""
        now = self.gradient
        if now is None:
            return True
        return now._version != self.version and now.is_cpu and not now.is_sparse and not bool(now.any())

    @property
    def is_old(self) -> bool:
        """Whether there is no other gradient than before: a program may compute it itself, and put another in place."""
        now = self.gradient
        return now is None or (self.seen is not None and self.seen() is now and now._version == self.version)

    @property
    def untouched(self) -> bool:
        """Whether the gradient is there, and is as it was."""
        now = self.gradient
        return now is not None and now._version == self.version and _place(now) == self.place


@dataclass(slots=True)
class Order:
    """The order of things since an optimiser's last step.

    Attributes:
        witnesses: some of its parameters.
        backwards: the backward passes.
        kept: whether no gradient was changed other than by them.
        arrived: whether one of them has left a gradient.
        stepped: whether there was a step at all.
        steps: the number of steps.
        lost: the backward passes whose gradients were set to zero before another one, with no step between.
        weights: the changes that torch had counted of the witnesses after the last backward pass.
        with_gradient: the parameters that had a gradient at any of the first of them.
    """

    witnesses: list[Witness]
    backwards: int = 0
    kept: bool = True
    arrived: bool = False
    stepped: bool = False
    steps: int = 0
    lost: int = 0
    weights: tuple[int, ...] = ()
    with_gradient: set[int] = field(default_factory=set)

    def begin(self) -> None:
        """Begin anew, as if nothing had been seen yet."""
        self.backwards, self.kept, self.arrived, self.stepped, self.lost = 0, True, False, False, 0

    def gradients_shortened(self) -> None:
        """Clipping has changed the gradients that the last backward pass has left, where nothing else has."""
        for each in self.witnesses:
            each.look()

    def see_lost(self) -> None:
        """Another backward pass begins: whether what the one before has left was set to zero, and no weight changed."""
        reached = [each for each in self.witnesses if each.place]
        if reached and self.weights == self.versions() and all(each.is_zeroed for each in reached):
            self.lost += 1

    @property
    def is_untouched(self) -> bool:
        """Whether the gradients are as the last backward pass has left them."""
        return all(each.untouched for each in self.witnesses if each.place)

    def versions(self) -> tuple[int, ...]:
        """The changes that torch has counted of the witnesses."""
        return tuple(0 if (now := each.parameter()) is None else now._version for each in self.witnesses)

    def holds_one_of(self, parameters: set[int]) -> bool:
        """Whether one of these, by their ids, is looked at for this optimiser."""
        return any(id(each.parameter()) in parameters for each in self.witnesses)


def witnesses_of(optimizer: Optimizer) -> list[Witness]:
    """Some parameters of an optimiser, evenly over all of them."""
    parameters = [each for group in optimizer.param_groups for each in group["params"] if each.requires_grad]
    apart = max(1, len(parameters) // MOST_WITNESSES)
    return [Witness(ref(each)) for each in parameters[::apart][:MOST_WITNESSES]]


def signs(gradient: Tensor | None) -> tuple[int, int]:
    """The signs by which a gradient is known again, if nobody has touched it."""
    return (0, 0) if gradient is None else (_place(gradient), gradient._version)


def _place(gradient: Tensor) -> int:
    """Where a gradient lies in memory; a sparse one lies at no one place."""
    return 0 if gradient.is_sparse else gradient.data_ptr()
