"""Sequences that a program learns from: how targets follow inputs, and windows each other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from charrnn.predictions import Part

if TYPE_CHECKING:
    from torch import Tensor

MOST_CALLS = 1024
"""The most inputs of one window that are kept."""

EVERY_ONE, APART = 32, 64
"""The first windows that are all looked at, and the fewest from one of the pairs after them to the next."""

LEAST_SECONDS = 1.0
"""The least time from one of those pairs to the next: a look takes as long as some updates of a single character."""

MOST_CLASSES = 4096
"""The most different inputs that vectors of zeros and a one may stand for."""

FEW = 16
"""The fewest places at which inputs and targets are compared."""

FEWEST_STEPS = 4
"""The fewest inputs for one target that are worth a word."""

SAME = 0.98
"""The share of places at which two sequences must be the same, so that they count as one."""

SHIFTS = (-3, -2, -1, 2, 3, 4)
"""The shifts, other than one, that are looked for."""

MOST_STEPS = 64
"""The most steps that are compared with each other."""

LONGEST = 4096
"""The most places that are compared."""


@dataclass(slots=True)
class Window:
    """The inputs and targets of one update, as a matrix.

    Attributes:
        ids: (n, m) the inputs.
        targets: (n, m) the targets of the same places.
        axis: the axis along which time runs, by the targets; None where it is not known.
        crossed: whether they are the next inputs if they are read along the other dimension.
        shift: the places by which targets are ahead of the inputs; None where they are not the same sequence.
    """

    ids: Tensor
    targets: Tensor
    axis: int | None = None
    shift: int | None = None
    crossed: bool = False

    @property
    def sequences(self) -> int | None:
        """The number of sequences side by side; None where it is not known which way time runs."""
        return None if self.axis is None else int(self.ids.shape[1 - self.axis])

    @property
    def begins(self) -> Tensor:
        """The first input of each sequence."""
        return self.ids.select(self.axis or 0, 0)

    @property
    def continues(self) -> Tensor:
        """The last target of each sequence, which the next one begins with where it continues this one."""
        return self.targets.select(self.axis or 0, -1)

    def is_confused_by(self, given: Tensor, time: int) -> bool | None:
        """Whether a recurrent module steps along something else than time; None where that cannot be told.

        Its input has the same vector wherever the same number stands. So the places at which the vectors of its first
        sequence are the same tell what it reads.

        Args:
            given: the module's input, of three dimensions.
            time: the dimension along which it steps.
        """
        if self.axis is None or self.shift != 1 or given.numel() // given.shape[-1] != self.ids.numel():
            return None
        steps = given.shape[time]
        pattern = _pattern(given.detach().select(1 - time, 0)[:MOST_STEPS].cpu())
        meant = self.ids.select(1 - self.axis, 0)
        rows = self.ids.reshape(-1)
        read = rows.reshape(steps, -1)[:, 0] if time == 0 else rows[:steps]
        if _same(pattern, _pattern(meant[:MOST_STEPS, None])):
            return False
        return True if _same(pattern, _pattern(read[:MOST_STEPS, None])) else None


@dataclass(frozen=True, slots=True)
class Only:
    """Sequences that have one target each.

    Attributes:
        ids: (sequences, steps).
        targets: (sequences,).
    """

    ids: Tensor
    targets: Tensor


@dataclass(slots=True)
class Sequences:
    """Takes inputs and targets, and compares them.

    Attributes:
        windows: the pairs of windows that were compared with the one before.
        continued: how many of them continued it.
        same: the windows in a row that were the same as the one before.
        last: the window that was looked at last.
        only: the sequences of this window, where each has one target alone; None otherwise.
    """

    windows: int = 0
    continued: int = 0
    same: int = 0
    last: Window | None = None
    only: Only | None = None
    _ids: list[Tensor] = field(default_factory=list)
    _pairs: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    _number: int = 0
    _next: int = APART
    _paired: float = field(default_factory=time.monotonic)
    _looked: int = -1
    _targets: list[Tensor] = field(default_factory=list)
    _before: list[Tensor] = field(default_factory=list)
    _in_order: bool = False
    _singles: list[tuple[int, int]] = field(default_factory=list)

    @property
    def due(self) -> bool:
        """Whether this window is to be looked at: two that follow each other, to be compared."""
        return self._number < EVERY_ONE or self._number in (self._next, self._next + 1)

    @property
    def follows(self) -> bool:
        """Whether this window and the one before are looked at."""
        return self.due and (self._number < EVERY_ONE or self._number == self._next + 1)

    def ids_given(self, ids: Tensor) -> None:
        """A program looks up these numbers in a table of vectors."""
        if ids.numel() and len(self._ids) < MOST_CALLS:
            self._ids.append(ids)

    def targets_given(self, target: Tensor, part: Part | None = None, *, in_order: bool = False) -> None:
        """A loss function was given targets that are numbers of classes.

        Args:
            target: the targets.
            part: the part of a network's predictions that it was given; None for all.
            in_order: whether the predictions are known to lie as the network's inputs do.
        """
        self._targets.append(target)
        self.only = None
        if not self._ids:
            return
        known = [_cut(each, part) for each in self._ids if not _counts_up(each)]
        fits = [each for each in known if each.numel() == target.numel()]
        self._in_order = in_order and target.dim() == 1
        if fits:
            # What is looked up last, as by a decoder, may be the targets themselves.
            same = len(fits) > 1 and bool((fits[-1].reshape(-1) == target.reshape(-1)).all())
            self._pairs.append((fits[-1] if same else fits[0], target))
        elif sum(each.numel() for each in self._ids) == target.numel() and len({each.shape for each in self._ids}) == 1:
            import torch

            self._pairs.append((torch.stack([each.reshape(-1) for each in self._ids]), target))
        self.only = _only(self._ids[0], target) if len(self._targets) == 1 else None
        self._ids.clear()

    @property
    def rests(self) -> int:
        """The updates to come that are not to be looked at."""
        return 0 if self.due else self._next - self._number

    def pass_by(self, updates: int = 1) -> None:
        """Updates were made that are not looked at, at most `rests`."""
        self._number += updates
        self.same = 0
        self._before = []
        if self._number == self._next and time.monotonic() - self._paired < LEAST_SECONDS:
            self._next += APART

    def window_ends(self) -> Window | None:
        """An update was made; returns what it has learnt from, where that is known and looked at."""
        pairs, number = self._pairs, self._number
        self._ids, self._pairs = [], []
        self._number += 1
        if number == self._next + 1:
            self._next, self._paired = self._next + APART, time.monotonic()
        self._compare_targets()
        if not pairs:
            return None
        window = _joined(pairs)
        if window is None:
            return None
        if window.ids.numel() == 1:
            window = self._one_more(int(window.ids), int(window.targets))
            if window is None:
                return None
        else:
            _align(window)
            if window.axis is None and self._in_order and len(pairs) == 1:
                _see_crossed(window)
        before, self.last = self.last, window
        alike = before is not None and self._looked == number - 1 and before.ids.shape == window.ids.shape
        if before is not None and alike and before.axis == window.axis is not None and window.shift == 1:
            self.windows += 1
            self.continued += bool((before.continues == window.begins).all())
        self._looked = number
        return window

    def _compare_targets(self) -> None:
        """Count the windows in a row with the same targets."""
        now, self._targets = self._targets, []
        before, self._before = self._before, now
        # What is the place of each other example, as in contrastive losses, is the same in every batch.
        now = [each for each in now if not _is_permutation(each)]
        self._before = now
        alike = len(before) == len(now) and sum(each.numel() for each in now) >= FEW
        pairs = zip(before, now, strict=True) if alike else ()
        same = alike and all(one.shape == other.shape and bool((one == other).all()) for one, other in pairs)
        self.same = self.same + 1 if same else 0

    def _one_more(self, ids: int, target: int) -> Window | None:
        """The last places of a loop that makes an update at each; None where there are too few."""
        import torch

        if self._singles:
            self.windows += 1
            self.continued += self._singles[-1][1] == ids
        self._singles = [*self._singles[-2 * FEW :], (ids, target)]
        if len(self._singles) < FEW:
            return None
        inputs, targets = (torch.tensor([each]) for each in zip(*self._singles, strict=True))
        found = Window(inputs, targets)
        _align(found)
        return found


def one_hot(given: object) -> Tensor | None:
    """The numbers that vectors stand for of which each has one 1 and else zeros; None where they are others."""
    import torch

    if not isinstance(given, torch.Tensor) or not given.is_floating_point() or not 1 < given.shape[-1] <= MOST_CLASSES:
        return None
    vectors = given.detach()
    if not bool((((vectors == 0) | (vectors == 1)).all()) & (vectors.sum(-1) == 1).all()):
        return None
    return vectors.argmax(-1)


def _only(ids: Tensor, target: Tensor) -> Only | None:
    """Sequences with one target each; None where there are more targets, or hardly any steps."""
    if ids.dim() != 2 or target.dim() != 1 or target.numel() not in ids.shape:
        return None
    ids = ids if ids.shape[0] == target.numel() else ids.t()
    return Only(ids.detach().cpu(), target.detach().cpu()) if ids.shape[1] >= FEWEST_STEPS else None


def _joined(pairs: list[tuple[Tensor, Tensor]]) -> Window | None:
    """The pairs of an update as one: side by side along time where there are several alike; None where they differ."""
    import torch

    shapes = {each.shape for each, _ in pairs}
    if len(shapes) > 1:
        return None
    if len(pairs) == 1:
        ids, targets = pairs[0]
        flat = ids if ids.dim() == 2 else ids.reshape(1, -1)
        return Window(flat.detach().cpu(), targets.detach().reshape(flat.shape).cpu())
    ids, targets = (torch.stack([each[side].detach().reshape(-1) for each in pairs]).cpu() for side in (0, 1))
    return Window(ids, targets)


def _align(window: Window) -> None:
    """Find the axis of time, and by how much the targets are ahead along it."""
    ids, targets = window.ids[:LONGEST, :LONGEST], window.targets[:LONGEST, :LONGEST]
    axes = [axis for axis in (1, 0) if ids.shape[axis] > 1]
    ahead = {axis: _match(ids, targets, axis, 1) for axis in axes}
    if axes and max(ahead.values()) >= SAME:
        window.axis, window.shift = max(ahead, key=ahead.__getitem__), 1
    elif ids.numel() >= FEW and float((ids == targets).float().mean()) >= SAME:
        window.axis, window.shift = (axes or [0])[0], 0
    else:
        for axis in axes:
            for shift in SHIFTS:
                if _match(ids, targets, axis, shift) >= SAME:
                    window.axis, window.shift = axis, shift
                    return


def _see_crossed(window: Window) -> None:
    """See whether targets are the next inputs that were made flat along the other dimension."""
    rows, columns = window.ids.shape
    if min(rows, columns) > 1:
        turned = Window(window.ids, window.targets.reshape(columns, rows).t())
        _align(turned)
        window.crossed = turned.shift == 1


def _match(ids: Tensor, targets: Tensor, axis: int, shift: int) -> float:
    """The share of places whose target is the input so many places ahead; 0 where there are too few."""
    length = ids.shape[axis] - abs(shift)
    if length < max(1, abs(shift) - 1) or length * ids.shape[1 - axis] < FEW:
        return 0.0
    ahead, behind = (shift, 0) if shift > 0 else (0, -shift)
    there, here = ids.narrow(axis, ahead, length), targets.narrow(axis, behind, length)
    return float((there == here).float().mean())


def _pattern(vectors: Tensor) -> Tensor:
    """(steps, steps) whether two vectors are the same."""
    return (vectors[:, None] == vectors[None]).all(-1)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def _is_permutation(targets: Tensor) -> bool:
    """Whether targets are the numbers from 0 on, each once."""
    import torch

    flat = targets.detach().reshape(-1)
    return flat.numel() > 1 and torch.equal(flat.sort().values, torch.arange(len(flat)).to(flat))


def _cut(ids: Tensor, part: Part | None) -> Tensor:
    """The inputs of a part of the predictions."""
    if part is None or part.axis >= ids.dim() or part.start + part.length > ids.shape[part.axis]:
        return ids
    return ids.narrow(part.axis, part.start, part.length)


def _counts_up(ids: Tensor) -> bool:
    """Whether numbers only count up, as those of places do that are looked up beside the inputs."""
    flat = ids.reshape(-1)
    return flat.numel() > 1 and bool((flat[1:] - flat[:-1] == 1).all())
