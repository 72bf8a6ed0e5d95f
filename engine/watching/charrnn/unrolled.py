"""Recurrent modules computed step by step by plain products, so that their gates and each step's gradient are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

GATES = {
    "lstm": ("input", "forget", "cell", "output", "memory"),
    "gru": ("reset", "update", "new"),
    "rnn": ("hidden",),
}
"""The values that each kind of cell computes for every unit; an LSTM's `memory` is the tanh of its cell state."""


@dataclass(slots=True)
class Layer:
    """The values of one layer, a tensor of (lanes, H) for each step.

    Attributes:
        hidden: the state after each step.
        gates: the values of `GATES` at each step.
    """

    hidden: list[Tensor] = field(default_factory=list)
    gates: list[tuple[Tensor, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cells:
    """The weights of a stack of cells.

    Attributes:
        kind: a key of `GATES`.
        weights: of each layer, from the lowest on: W_ih, W_hh, b_ih, b_hh, in torch's order of gates; a bias that the
            module lacks is None.
        relu: whether a plain cell's nonlinearity is that instead of tanh.
    """

    kind: str
    weights: tuple[tuple[Tensor | None, ...], ...]
    relu: bool = False

    def cast(self, like: Tensor, *, learn: bool = False) -> Cells:
        """The same in the number type of a tensor and on its device; with `learn` they get gradients of their own."""
        return Cells(
            self.kind,
            tuple(
                tuple(None if each is None else each.detach().to(like).requires_grad_(learn) for each in layer)
                for layer in self.weights
            ),
            self.relu,
        )

    def parameters(self) -> list[Tensor]:
        """All weights and biases."""
        return [each for layer in self.weights for each in layer if each is not None]

    def unroll(self, inputs: Tensor, states: Sequence[Tensor]) -> list[Layer]:
        """Read a stretch.

        Args:
            inputs: (time, lanes, features).
            states: the states before it, each (layers, lanes, H): one, or an LSTM's two.
        """
        layers, steps = [], list(inputs)
        for index, weights in enumerate(self.weights):
            layer, now = Layer(), tuple(state[index] for state in states)
            for given in steps:
                now, gates = self._step(weights, given, now)
                layer.hidden.append(now[0])
                layer.gates.append(gates)
            layers.append(layer)
            steps = layer.hidden
        return layers

    def _step(
        self, weights: tuple[Tensor | None, ...], given: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The states after a step, and its gates; the equations are those of torch's documentation."""
        from torch.nn.functional import linear

        into, back, into_bias, back_bias = weights
        assert into is not None
        assert back is not None
        from_input, from_state = linear(given, into, into_bias), linear(state[0], back, back_bias)
        if self.kind == "rnn":
            hidden = (from_input + from_state).relu() if self.relu else (from_input + from_state).tanh()
            return (hidden,), (hidden,)
        if self.kind == "gru":
            (r_in, z_in, n_in), (r_back, z_back, n_back) = from_input.chunk(3, 1), from_state.chunk(3, 1)
            reset, update = (r_in + r_back).sigmoid(), (z_in + z_back).sigmoid()
            new = (n_in + reset * n_back).tanh()
            return ((1 - update) * new + update * state[0],), (reset, update, new)
        i, f, g, o = (from_input + from_state).chunk(4, 1)
        entered, forgot, cell, output = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        memory = forgot * state[1] + entered * cell
        shown = memory.tanh()
        return (output * shown, memory), (entered, forgot, cell, output, shown)


def cells_of(module: nn.Module) -> Cells | None:
    """The cells of one of torch's recurrent modules; None of one that reads both ways, or projects its state."""
    from torch import nn

    kind = type(module).__name__.lower().removesuffix("cell")
    if kind not in GATES:
        return None
    relu = getattr(module, "nonlinearity", "") == "relu" or getattr(module, "mode", "") == "RNN_RELU"
    if isinstance(module, nn.RNNCellBase):
        return Cells(kind, (_weights(module, ""),), relu)
    if not isinstance(module, nn.RNNBase) or module.bidirectional or module.proj_size:
        return None
    return Cells(kind, tuple(_weights(module, f"_l{layer}") for layer in range(module.num_layers)), relu)


def _weights(module: Any, suffix: str) -> tuple[Tensor | None, ...]:
    names = (f"{part}{suffix}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return tuple(getattr(module, name, None) for name in names)
