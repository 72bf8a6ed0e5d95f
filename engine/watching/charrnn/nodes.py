"""The nodes of torch's graph, and the tensors that they keep for the backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def behind(node: Any) -> list[Any]:
    """The nodes that a node's gradient goes to."""
    return [each for each, _ in node.next_functions if each is not None]


def saved(node: Any, name: str) -> Tensor | None:
    """A tensor that a node keeps under a name; None where it keeps none, or a backward pass has used it up."""
    try:
        value = getattr(node, name, None)
    except RuntimeError:
        return None
    found: Tensor | None = value
    return found
