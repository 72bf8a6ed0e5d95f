"""Which of its targets a loss counts, where a program multiplies the loss of each with a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charrnn.nodes import behind, saved

if TYPE_CHECKING:
    from torch import Tensor

NEAR = 16
"""The nodes behind a loss that are looked at."""

CLASSES = 3
"""The fewest different targets that a mask must leave out."""


def mask_of(root: Tensor, count: int) -> Tensor | None:
    """(count,) which of so many losses a loss is made of; None where nothing chooses among them."""
    nodes: list[Any] = [root.grad_fn]
    for _ in range(NEAR):
        if not nodes:
            return None
        node = nodes.pop(0)
        if node is None:
            continue
        if (mask := _mask(node)) is not None and mask.numel() == count:
            flat = mask.detach().reshape(-1)
            return flat != 0 if bool(((flat == 0) | (flat == 1)).all()) else None
        nodes += behind(node)
    return None


def is_inverted(mask: Tensor, targets: Tensor) -> bool:
    """Whether a mask leaves but one kind of target, as that of padding, and takes all others away."""
    targets = targets.detach().reshape(-1)
    kept, left = ({*each.tolist()} for each in (targets[mask], targets[~mask]))
    return len(kept) == 1 and len(left) >= CLASSES


def _mask(node: Any) -> Tensor | None:
    """The tensor that a node multiplies the losses with, or chooses them by."""
    import torch

    match node.name():
        case "MulBackward0":
            for edge, name in ((0, "_saved_self"), (1, "_saved_other")):
                if node.next_functions[edge][0] is None and (value := saved(node, name)) is not None:
                    return value
        case "IndexBackward0":
            there = torch.zeros(tuple(node._saved_self_sym_sizes), dtype=torch.bool)
            indices: Any = saved(node, "_saved_indices")
            if indices is not None and all(each is not None for each in indices):
                there[tuple(each.cpu() for each in indices)] = True
                return there
        case "MaskedSelectBackward0":
            return saved(node, "_saved_mask")
        case _:
            pass
    return None
