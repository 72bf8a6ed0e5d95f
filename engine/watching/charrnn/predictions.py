"""Where a loss gets its predictions from, by the graph behind them: which of them it is given, and in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from charrnn.nodes import behind

if TYPE_CHECKING:
    from torch import Tensor

OUTPUT = "charrnn.output"
"""The mark on the node of a graph that brings the output of a recurrent module."""

NEAR, FAR = 8, 60
"""The nodes behind predictions that are looked at: for a part of them, and for a recurrent module."""

TURNS = frozenset({"TransposeBackward0", "PermuteBackward0"})
"""Nodes that swap dimensions."""

VIEWS = frozenset({"ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0"})
"""Nodes that read numbers in another form, in the order in which they lie."""

RESHAPES = VIEWS | {"CloneBackward0"}
"""Nodes that leave the order of numbers as it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what a network has predicted, that alone is given to a loss.

    Attributes:
        axis: the dimension that is cut.
        start, length: where the part begins, and how long it is.
    """

    axis: int
    start: int
    length: int


def part_of(predictions: Tensor) -> Part | None:
    """The part that a loss is given; None of all, or where that is not known."""
    node = predictions.grad_fn
    for _ in range(NEAR):
        if node is None:
            return None
        if node.name() == "SliceBackward0":
            return _part(node)
        if node.name() not in RESHAPES:
            return None
        node = node.next_functions[0][0]
    return None


def keeps_order(predictions: Tensor) -> bool:
    """Whether no dimensions are swapped between the output of a recurrent module and what a loss is given."""
    nodes: list[Any] = [predictions.grad_fn]
    for _ in range(FAR):
        if not nodes:
            return False
        node = nodes.pop(0)
        if node is None:
            continue
        if OUTPUT in node.metadata:
            return True
        if node.name() in TURNS:
            return False
        nodes += behind(node)
    return False


def _part(node: Any) -> Part | None:
    sizes, axis = node._saved_self_sym_sizes, _signed(node._saved_dim)
    size = sizes[axis]
    start, end = (_signed(each) for each in (node._saved_start, node._saved_end))
    start, end = (each + size if each < 0 else min(each, size) for each in (start, end))
    return Part(axis % len(sizes), start, end - start) if node._saved_step == 1 else None


def _signed(number: int) -> int:
    """A number as it was before torch kept it without its sign."""
    return number - 2**64 if number >= 2**63 else number
