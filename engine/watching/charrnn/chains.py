"""Recurrence in the graph of a loss: weights that are used again and again on what they have made before.

Recurrent modules that a program has written itself are known by that, whatever they are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from charrnn.inside import SIGMOID_EDGES, TANH_EDGES
from charrnn.nodes import behind, saved

if TYPE_CHECKING:
    from torch import Tensor

MOST_NODES = 20_000
"""The most nodes of a graph that are looked at."""

MOST_WEIGHTS = 8
"""The most matrices of which chains are looked for: those that are used most often."""

FEWEST = 3
"""The fewest uses in a row that make a recurrence."""

CHAINED = 0.5
"""The share of a weight's uses that must lie on its longest chain. Others share weights side by side."""

PRODUCTS = ("mm", "Mm", "mv", "Mv", "dot", "Dot")
"""Parts of the names of nodes that multiply matrices."""

OPERANDS = ("_saved_mat1", "_saved_self", "_saved_mat2")
"""The names under which torch's products keep what they multiply."""

EMPTY = 0.25
"""The share of what a weight is multiplied with that must be zero at the beginning and nowhere at the next step, so
that the state is a fresh one: it may stand beside an input there."""

EDGES = {"TanhBackward0": TANH_EDGES, "SigmoidBackward0": SIGMOID_EDGES}
"""The values outside of which the results of these functions are saturated."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A recurrence.

    Attributes:
        length: the steps that the gradient goes back.
        begins_empty: whether the state before the first of them was zero; False where something was there; None where
            that is not known.
    """

    length: int
    begins_empty: bool | None


@dataclass(slots=True)
class Graph:
    """The nodes behind a loss, each after all those behind it.

    Attributes:
        nodes: the nodes.
        leaf: the parameter, by its id, that is all that lies behind a node; absent where there is something else too.
        weights: the parameters by their ids.
    """

    nodes: list[Any] = field(default_factory=list)
    leaf: dict[Any, int] = field(default_factory=dict)
    weights: dict[int, Tensor] = field(default_factory=dict)

    def uses(self, node: Any) -> Iterator[int]:
        """The parameters that a node computes with, itself not being one of those that only bring one."""
        if node not in self.leaf:
            yield from {self.leaf[each] for each in behind(node) if each in self.leaf}

    def saturated(self) -> dict[str, float] | None:
        """The share of saturated values, and of units that are so on the same side at all steps; None without any."""
        import torch

        shares, frozen = [], []
        for name, (low, high) in EDGES.items():
            results = (saved(node, "_saved_result") for node in self.nodes if node.name() == name)
            found = [each.detach() for each in results if each is not None]
            alike = [each for each in found if each.shape == found[0].shape]
            if not alike:
                continue
            values = torch.stack(alike)
            values = values.reshape(-1, values.shape[-1])
            below, above = values < low, values > high
            shares.append(float((below | above).double().mean()))
            frozen.append(float((below.all(0) | above.all(0)).double().mean()))
        if not shares:
            return None
        return {"share": sum(shares) / len(shares), "frozen": sum(frozen) / len(frozen)}


def graph_of(root: Tensor) -> Graph | None:
    """The graph behind a loss; None of one that is too large."""
    graph, stack = Graph(), [root.grad_fn]
    state: dict[Any, str] = {}
    while stack:
        node = stack[-1]
        if node is None or state.get(node) == "done":
            stack.pop()
        elif node in state:
            stack.pop()
            state[node] = "done"
            graph.nodes.append(node)
            _note_leaf(graph, node)
        else:
            state[node] = "open"
            if len(state) > MOST_NODES:
                return None
            stack += [each for each in behind(node) if each not in state]
    return graph


def chain_of(graph: Graph) -> Chain | None:
    """The longest recurrence of a graph; None where there is none."""
    used: dict[int, list[Any]] = {}
    for node in graph.nodes:
        for weight in graph.uses(node):
            used.setdefault(weight, []).append(node)
    often = sorted((weight for weight in used if graph.weights[weight].dim() > 1), key=lambda each: -len(used[each]))
    lengths: dict[int, int] = {}
    for weight in often[:MOST_WEIGHTS]:
        if len(used[weight]) < FEWEST:
            break
        length = _longest(graph, set(used[weight]))
        if length >= max(FEWEST, CHAINED * len(used[weight])):
            lengths[weight] = length
    if not lengths:
        return None
    # What is looked up for each step may go into its gates one after the other, as the weights of the state do not.
    products = {weight for weight in lengths if any(part in used[weight][0].name() for part in PRODUCTS)}
    lengths = {weight: length for weight, length in lengths.items() if weight in products} or lengths
    longest = [weight for weight, length in lengths.items() if length == max(lengths.values())]
    begins = (_begins_empty(used[weight], graph.weights[weight]) for weight in longest)
    return Chain(max(lengths.values()), next((each for each in begins if each is not None), None))


def _note_leaf(graph: Graph, node: Any) -> None:
    """Note where a node brings a parameter and nothing else, as a transposed or reshaped one."""
    variable = getattr(node, "variable", None)
    if variable is not None:
        graph.leaf[node] = id(variable)
        graph.weights[id(variable)] = variable
    elif len(below := behind(node)) == 1 and len(node.next_functions) == 1 and below[0] in graph.leaf:
        graph.leaf[node] = graph.leaf[below[0]]


def _longest(graph: Graph, uses: set[Any]) -> int:
    """The most of some nodes that lie on one way through the graph."""
    lengths: dict[Any, int] = {}
    for node in graph.nodes:
        lengths[node] = (node in uses) + max((lengths[each] for each in behind(node)), default=0)
    return max(lengths.values(), default=0)


def _begins_empty(uses: list[Any], weight: Tensor) -> bool | None:
    """Whether the state that the first use gets is zero where that of the second is not."""
    first, second = (_operand(each, weight) for each in uses[:2])
    if first is None or second is None or first.shape != second.shape or first.dim() != 2:
        return None
    if first.shape[1] == 1 < first.shape[0]:
        first, second = first.t(), second.t()  # A product from the left, with a state that stands upright.
    empty = (first == 0).all(0)
    return bool(empty.all()) or float((empty & (second != 0).all(0)).double().mean()) >= EMPTY


def _operand(node: Any, weight: Tensor) -> Tensor | None:
    """The other factor of a product with a weight; None where that is not known."""
    for name in OPERANDS:
        value = saved(node, name)
        if value is not None and value.untyped_storage().data_ptr() != weight.untyped_storage().data_ptr():
            return value.detach()
    return None
