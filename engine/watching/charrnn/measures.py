"""Measurements of an update: the norms of gradients, and how far the weights are moved."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from charrnn.models import Groups

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

SHARE, INSIDE = 0.002, 0.001
"""The shares of the program's time that measuring updates, and what happens inside recurrent modules, may take."""

ALIKE = 0.01
"""How far two norms may be from each other, as a share, that are the same."""

SURE = 3
"""How many gradients of different norms must be shortened to the same one, so that something clips."""

MOST_NUMBERS = 4_000_000
"""The most numbers of weight matrices whose change by an update is measured; of more, some matrices are taken."""

Copies = list[tuple[int, "Tensor", "Tensor"]]
"""Weight matrices, each with the place of its group and its numbers at another time."""


@dataclass(slots=True)
class Allowance:
    """The time that measuring may take, as a share of the program's.

    Attributes:
        share: the share.
        begun: when the program began, later by the time that it was paused.
        spent: the seconds that measuring took.
    """

    share: float
    begun: float = field(default_factory=time.monotonic)
    spent: float = 0.0

    @property
    def due(self) -> float:
        """The time from which on there is some left to measure."""
        return self.begun + self.spent / self.share

    @property
    def is_left(self) -> bool:
        """Whether there is time left to measure."""
        return time.monotonic() >= self.due

    @contextmanager
    def used(self) -> Iterator[None]:
        """The time within is spent."""
        begun = time.monotonic()
        yield
        self.spent += time.monotonic() - begun


@dataclass(slots=True)
class ClippedByHand:
    """Clipping by norm that a program does itself, between the backward pass and the step.

    Attributes:
        arrived: the gradient's norm after the last backward pass, where it was measured; None otherwise.
        bound: the norm that is left of gradients that were longer; None where nothing was seen to clip.
        before: the norms of measured gradients before they were clipped, since `take`.
        factors: what was left of each that was clipped, as a share.
    """

    arrived: float | None = None
    bound: float | None = None
    before: list[float] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    _taken: tuple[float, float] = (0.0, 1.0)
    _left: list[tuple[float, float]] = field(default_factory=list)

    def step(self, left: float) -> float | None:
        """The gradient that a step is made with has this norm; returns the one before it was clipped, where it was.

        Other things shorten gradients too, as the scaling of mixed precision does. What clips leaves the same norm of
        all that it shortens, whatever they were before.
        """
        arrived, self.arrived = self.arrived, None
        if arrived is None or not left:
            return None
        shortened = arrived > (1 + ALIKE) * left
        if shortened:
            self._left = [*self._left, (arrived, left)][-SURE:]
        norms, lefts = [each for each, _ in self._left], [each for _, each in self._left]
        alike = len(lefts) == SURE and max(lefts) <= (1 + ALIKE) * min(lefts) and max(norms) > (1 + ALIKE) * min(norms)
        if shortened and not alike:
            self.bound = None
        if shortened and alike:
            self.bound = left
        if self.bound is None:
            return None
        self.before.append(arrived)
        if shortened:
            self.factors.append(left / arrived)
        return arrived if shortened else None

    def take(self) -> tuple[float, float]:
        """The share of gradients that were clipped of those measured last, and the median of what was left of these."""
        if self.before:
            factors = sorted(self.factors)
            self._taken = (len(factors) / len(self.before), factors[len(factors) // 2]) if factors else (0.0, 1.0)
            self.factors, self.before = [], []
        return self._taken


def gradient_norms(optimizer: Optimizer) -> dict[int, float]:
    """The L2 norm of each parameter's gradient, by its place; those without one are left out."""
    import torch

    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    dense = {
        place: each.grad for place, each in enumerate(parameters) if each.grad is not None and not each.grad.is_sparse
    }
    if not dense:
        return {}
    with torch.no_grad():
        norms = torch._foreach_norm(list(dense.values()))
        return dict(zip(dense, torch.stack([each.float().cpu() for each in norms]).tolist(), strict=True))


def copies(groups: Groups, optimizer: Optimizer) -> Copies:
    """Weight matrices with their groups and their numbers, at most `MOST_NUMBERS` of these."""
    import torch

    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    matrices = [(group, each) for group, each in zip(groups.of, parameters, strict=False) if group is not None]
    apart = max(1, math.ceil(sum(each.numel() for _, each in matrices) / MOST_NUMBERS))
    with torch.no_grad():
        return [
            (group, each, each.detach().clone())
            for group, each in matrices[::apart]
            if each.numel() <= MOST_NUMBERS and not each.is_sparse
        ]


def lost(before: Copies) -> float | None:
    """The share of the numbers with a gradient that an update has left as they were; None of usual ones."""
    import torch

    stay = every = 0
    with torch.no_grad():
        for _, now, numbers in before:
            if now.dtype in (torch.bfloat16, torch.float16) and now.grad is not None and now.is_cpu:
                moves = now.grad != 0
                every += int(moves.count_nonzero())
                stay += int((moves & (now.detach() == numbers)).count_nonzero())
    return stay / every if every else None


@dataclass(frozen=True, slots=True)
class Moved:
    """How far an update has moved weight matrices.

    Attributes:
        whole: the change of all of them, as a share of their L2 norm; None where that was 0.
        ratios: the same of each group.
        norms: the L2 norm of each group before the update; empty where only some matrices were copied.
    """

    whole: float | None
    ratios: list[float | None]
    norms: list[float]


def moved(groups: Groups, before: Copies) -> Moved:
    """How far matrices have moved since they were copied."""
    import torch

    changes, sizes = [0.0] * len(groups.names), [0.0] * len(groups.names)
    with torch.no_grad():
        for group, now, numbers in before:
            changes[group] += float((now.detach() - numbers).float().square().sum())
            sizes[group] += float(numbers.float().square().sum())
    ratios = [math.sqrt(change / size) if size else None for change, size in zip(changes, sizes, strict=True)]
    whole = math.sqrt(sum(changes) / sum(sizes)) if sum(sizes) else None
    every = len(before) == sum(group is not None for group in groups.of)
    return Moved(whole, ratios, [math.sqrt(size) for size in sizes] if every else [])
