"""What is known of the updates of one optimiser: added up, until a point tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from charrnn.measures import ClippedByHand, Copies
from charrnn.models import Groups

if TYPE_CHECKING:
    from torch import Tensor


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

    def add(self, loss: Tensor, targets: int) -> None:
        """Add a loss over so many targets."""
        self.total += loss.item() if loss.is_cpu else loss.detach().double()
        self.count += 1
        self.targets += targets

    def take(self) -> tuple[float | None, int]:
        """The mean, None of nothing, and the number of targets; begins anew."""
        value = float(self.total) / self.count if self.count else None
        targets = self.targets
        self.total, self.count, self.targets = 0.0, 0, 0
        return value, targets


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
        rate: the learning rate of the last of them, that of the first group of parameters.
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
    rate: float = 0.0
    last_point: float = 0.0
    point_update: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    before: Copies = field(default_factory=list)
    broken: bool = False
    begun: int = 0
    latest: int = 0
    by_hand: ClippedByHand = field(default_factory=ClippedByHand)
