"""The updates of one optimiser, added up until a point tells them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from charrnn.measures import ClippedByHand, Copies
from charrnn.models import Groups
from charrnn.nodes import saved

if TYPE_CHECKING:
    from torch import Tensor

ROUND = 6
"""The digits after the point of a number that a loss is divided by, where it is multiplied with its inverse."""


APART = 1.5
"""How far from their sum, or from their mean, what is made of several losses may be, as a factor."""


def number(loss: Tensor) -> Any:
    """A loss as a number; on a device, for which one would have to wait, as a tensor without its graph."""
    return loss.item() if loss.is_cpu else loss.detach().double()


@dataclass(slots=True)
class Mean:
    """A mean of losses, each over so many targets.

    Attributes:
        total: the sum of all losses; a tensor where they lie on a device that it would cost time to wait for.
        count: their number.
        targets: the number of targets of all.
    """

    total: Any = 0.0
    count: int = 0
    targets: int = 0

    def add(self, loss: Any, targets: int) -> None:
        """Add a loss, a number or a tensor on a device, over so many targets."""
        self.total += loss
        self.count += 1
        self.targets += targets

    def take(self) -> tuple[float | None, int]:
        """The mean, None of nothing, and the number of targets; begins anew."""
        value = float(self.total) / self.count if self.count else None
        targets = self.targets
        self.total, self.count, self.targets = 0.0, 0, 0
        return value, targets


@dataclass(slots=True)
class Roots:
    """The tensors that the backward passes of an update begin at.

    Attributes:
        loss: their mean.
        parts: how many of them are divided by a number, the same one.
        of: that number.
    """

    loss: Mean = field(default_factory=Mean)
    parts: int = 0
    of: float = 0.0

    def add(self, root: Tensor) -> None:
        """Add one of them."""
        self.loss.add(number(root), 0)
        if (divisor := _divisor(root)) is not None and (not self.parts or divisor == self.of):
            self.parts, self.of = self.parts + 1, divisor

    def take(self) -> float | None:
        """The loss of the update: their sum, where each is divided by their number; otherwise their mean."""
        count, parts, of = self.loss.count, self.parts, self.of
        self.parts, self.of = 0, 0.0
        value, _ = self.loss.take()
        return value * count if value is not None and parts == count == of else value


@dataclass(slots=True)
class Losses:
    """The losses of an update.

    The mean of what loss functions returned is the loss per target, whether the program adds them up before the
    backward pass or divides them for gradient accumulation. Where it has a loss of its own, or gives several of them
    weights of their own, the loss is what the backward pass begins at, and one that is divided by the number of passes
    is a part of the update's.

    Attributes:
        is_weighed: whether several losses have weights of their own. How often each class is a target says nothing of
            the size of such a loss.
    """

    is_weighed: bool = False
    _means: Mean = field(default_factory=Mean)
    _roots: Roots = field(default_factory=Roots)
    _passed: tuple[Any, int] = (0.0, 0)

    @property
    def needs_roots(self) -> bool:
        """Whether a backward pass has to be seen, since no loss function says how large the loss is."""
        return self.is_weighed or not self._means.count

    def add(self, loss: Any, targets: int) -> None:
        """A loss function has returned a mean over so many targets: a number, or a tensor on a device."""
        self._means.add(loss, targets)

    def backward_begins(self, roots: Iterable[Tensor]) -> None:
        """A backward pass begins at these tensors."""
        for root in roots:
            if root.numel() == 1:
                self.is_weighed = self.is_weighed or self._weighs(root)
                if self.needs_roots:
                    self._roots.add(root)
        self._passed = self._means.total, self._means.count

    def take(self) -> tuple[float | None, int]:
        """The loss of the update, None without any, and the number of its targets; begins anew."""
        loss, targets = self._means.take()
        root = self._roots.take() if self._roots.loss.count else None
        self._passed = 0.0, 0
        return root if loss is None or (self.is_weighed and root is not None) else loss, targets

    def _weighs(self, root: Tensor) -> bool:
        """Whether the losses since the last backward pass are neither added up to this one nor a mean there."""
        before, passed = self._passed
        count = self._means.count - passed
        if count < 2 or not root.is_cpu or type(self._means.total) is not float:
            return False
        total = self._means.total - before
        return total > 0 and not total / count / APART < root.item() < total * APART


def _divisor(root: Tensor) -> float | None:
    """The number that a loss was divided by at last; None of any other."""
    node = root.grad_fn
    if node is None or (name := node.name()) not in ("DivBackward0", "MulBackward0"):
        return None
    behind = node.next_functions
    other = saved(node, "_saved_other") if len(behind) == 2 and behind[1][0] is None else None
    if other is None or other.numel() != 1 or not other.is_cpu:
        return None
    number = float(other)
    return number if name == "DivBackward0" else round(1 / number, ROUND) if number else None


@dataclass(slots=True)
class Training:
    """The updates of one optimiser since its last point.

    Attributes:
        number: its place among the program's optimisers, from 1 on.
        size: the number of its parameters.
        groups: its weight matrices, as they are told apart.
        chosen: whether the program has named it as the one to show.
        update: the updates made.
        targets: the targets of all updates.
        updates: the updates since the last point.
        loss: their losses.
        norms: the gradient norms that were measured of them.
        squares: (groups,) the sums of the squared norms of each group, over those measured.
        measured: how many of them were measured for `squares`.
        factors: what clipping left of the norm of each that was clipped, as a share.
        bound: the bound that the last clipping was given; None where nothing was clipped.
        rate: the learning rate of the last of them, that of the first group of parameters: a number or a tensor.
        last_point, point_update: the time of the last point, and its update.
        told: the settings that the journal has.
        before: weight matrices and their numbers before the update that is being made, where its length is measured.
        broken: whether the last update's numbers were not finite.
        by_hand: clipping that the program does itself.
        begun: how many updates the whole program had made when it was new.
        latest: how many updates the whole program had made when this one made its last.
    """

    number: int
    size: int
    groups: Groups
    chosen: bool = False
    update: int = 0
    targets: int = 0
    updates: int = 0
    loss: Mean = field(default_factory=Mean)
    norms: list[float] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    measured: int = 0
    factors: list[float] = field(default_factory=list)
    bound: float | None = None
    rate: Any = 0.0
    last_point: float = 0.0
    point_update: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    before: Copies = field(default_factory=list)
    broken: bool = False
    begun: int = 0
    latest: int = 0
    by_hand: ClippedByHand = field(default_factory=ClippedByHand)
