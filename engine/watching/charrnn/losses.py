"""Mistakes in how a loss is made: scores made into shares, mixed dimensions, pairs for elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charrnn.nodes import behind
from charrnn.predictions import VIEWS

if TYPE_CHECKING:
    from torch import Tensor

ALMOST = 1e-3
"""How far from 1 a sum of probabilities may be, in numbers of half the usual digits."""

NEAR_LOSS = 8
"""The nodes behind a loss among which is the difference that it is made of."""


def normalised(function: str, given: Tensor) -> str:
    """The fact that predictions are normalised where a loss function does that itself, or are not where it does not."""
    made_by = "" if given.grad_fn is None else given.grad_fn.name()
    if function == "binary_cross_entropy_with_logits":
        return "sigmoid-before-logits" if made_by == "SigmoidBackward0" else ""
    if function not in ("cross_entropy", "nll_loss") or given.dim() < 2 or given.shape[1] < 2 or not given.numel():
        return ""
    values = given.detach()
    low, high = float(values.min()), float(values.max())
    if function == "nll_loss":
        if high > ALMOST:
            return "no-log-softmax"
        return "" if _is_one(values.exp().sum(1)) else "log-softmax-of-another-axis"
    if low >= 0 and _is_one(values.sum(1)):
        return "softmax-before-cross-entropy"
    return "log-softmax-before-cross-entropy" if high <= 0 and _is_one(values.exp().sum(1)) else ""


def viewed(function: str, given: Tensor) -> str:
    """The fact that the scores of each class were brought before those of each step by a view, which mixes both."""
    node = given.grad_fn
    if function != "cross_entropy" or given.dim() != 3 or node is None or node.name() not in VIEWS:
        return ""
    rows, classes, steps = given.shape
    before = tuple(node._saved_self_sym_sizes)  # type: ignore[attr-defined]
    return "viewed-for-transposed" if classes != steps and before == (rows, steps, classes) else ""


def is_broadcast(root: Tensor) -> bool:
    """Whether a loss is made of the differences of each prediction from each target: (n, 1) against (n,)."""
    nodes: list[Any] = [root.grad_fn]
    for _ in range(NEAR_LOSS):
        if not nodes or nodes[0] is None:
            return False
        node = nodes.pop(0)
        if node.name() == "SubBackward0":
            made = tuple(node._input_metadata[0].shape)
            ends = [tuple(each._input_metadata[0].shape) for each in behind(node)]
            pairs = len(made) == 2 and made[0] == made[1] > 1 and (made[0], 1) in ends
            return pairs and all(each in ((made[0], 1), (made[0],)) for each in ends)  # Else all pairs are meant.
        if node.name() == "ExpandBackward0":  # As torch's own loss functions do it, with a warning.
            made, end = tuple(node._input_metadata[0].shape), tuple(node._saved_self_sym_sizes)
            return len(made) == 2 and made[0] == made[1] > 1 and end == (made[0], 1)
        nodes += behind(node)
    return False


def _is_one(sums: Tensor) -> bool:
    return bool(((sums - 1).abs() < ALMOST).all())
