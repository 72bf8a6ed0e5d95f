"""The inside of a recurrent module: saturated units, the gradient by lag, and the error of the number type.

A window is computed once more, step by step, on a few of its sequences and without dropout. The program's own tensors
are copied and not touched, and no random number is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from charrnn.unrolled import GATES, Cells, Layer, cells_of

if TYPE_CHECKING:
    from torch import Tensor, nn

LANES, STEPS = 2, 64
"""The most sequences, and the most steps at the end of a window, that are computed once more."""

LONGEST = 2048
"""The longest window whose state is followed from its beginning."""

SHORTEST = 2
"""The fewest steps that tell something."""

ALIKE = 0.02
"""How far what is computed once more may be from what the module returned, as a share of that."""

EXACT_STEPS = 16
"""The steps that are computed in float64 as well."""

SIGMOID_EDGES, TANH_EDGES = (0.05, 0.95), (-0.95, 0.95)
"""The values outside of which a gate, and a tanh, is saturated: their slope is a fifth and a tenth of the largest."""

TANHS = frozenset({"cell", "memory", "new", "hidden"})

KEEPS = {"lstm": 1, "gru": 1}
"""The place of the gate that says how much of the state is kept."""

LONGEST_MEMORY = 1e6
"""The longest memory that is told, in steps."""

NOISE, FELT = 1e-4, 0.01
"""The share of the gradient below which its decay is not fitted, and the least that counts as reaching a lag."""

Readings = dict[str, dict[str, Any]]
"""Readings by the names of their instruments."""


@dataclass(slots=True)
class Stretch:
    """The inputs of a module in a window, of a few sequences.

    Attributes:
        module: the module.
        cells: its weights, as they are until the step.
        inputs: (lanes, features) for each step.
        outputs: (lanes, H) for each step, of the highest layer.
        states: the states before the first step, each (layers, lanes, H).
        by_output: (lanes, H) for each step the gradient by the output; None where none arrived.
    """

    module: nn.Module
    cells: Cells
    states: tuple[Tensor, ...]
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    by_output: list[Tensor | None] = field(default_factory=list)


class Inside:
    """Takes a window's calls of one recurrent module, and measures them once the backward pass has ended.

    Attributes:
        measured: the number of windows that were measured.
        guard: carries out what is done within the program's own backward pass, with the arguments that follow.
    """

    def __init__(self) -> None:
        self._stretch: Stretch | None = None
        self.measured = 0
        self.guard: Callable[..., object] = lambda tell, *args: tell(*args)

    def called(self, module: nn.Module, args: Any, kwargs: Any, returned: Any) -> None:
        """A module was called, with gradients: the first one of a window is followed."""
        import torch

        given = args[0] if args else kwargs.get("input")
        state = args[1] if len(args) > 1 else kwargs.get("hx")
        if not isinstance(given, torch.Tensor):
            return  # Sequences of different lengths are packed.
        if isinstance(module, torch.nn.RNNCellBase):
            self._cell_called(module, given, state, returned)
        elif self._stretch is None and (cells := cells_of(module)) is not None:
            self._window_called(module, cells, given, state, returned[0])

    def clear(self) -> None:
        """Forget the window."""
        self._stretch = None

    def measure(self, exact: bool) -> Readings:
        """The readings of the window, whose gradients have arrived; with `exact` beside float64. Empty without one."""
        stretch, self._stretch = self._stretch, None
        if stretch is None or not SHORTEST <= len(stretch.inputs) <= LONGEST:
            return {}
        import torch

        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            found = _measured(stretch, exact)
        self.measured += bool(found)
        return found

    def _window_called(self, module: Any, cells: Cells, given: Tensor, state: Any, output: Tensor) -> None:
        """A module has read a whole window."""
        batched = given.dim() > 2
        axis = 1 if batched and module.batch_first else 0
        inputs, outputs = _few(given, axis, batched), _few(output, axis, batched)
        states = _states(state, module.num_layers, batched) or _zeros(cells, outputs[0], module.num_layers)
        stretch = self._stretch = Stretch(module, cells, states, inputs, outputs)
        stretch.by_output = [None] * len(inputs)

        def arrived(gradient: Tensor) -> None:
            stretch.by_output = list(_few(gradient, axis, batched))

        self._when_arrived(output, arrived)

    def _cell_called(self, module: Any, given: Tensor, state: Any, returned: Any) -> None:
        """A cell has made a step."""
        batched = given.dim() > 1
        hidden = returned[0] if isinstance(returned, tuple) else returned
        if self._stretch is None and (cells := cells_of(module)) is not None:
            first = _step(hidden, batched)
            states = _states(state, 1, batched) or _zeros(cells, first, 1)
            self._stretch = Stretch(module, cells, states)
        stretch = self._stretch
        if stretch is None or stretch.module is not module or len(stretch.inputs) > LONGEST:
            return
        place = len(stretch.inputs)
        stretch.inputs.append(_step(given, batched))
        stretch.outputs.append(_step(hidden, batched))
        stretch.by_output.append(None)

        def arrived(gradient: Tensor) -> None:
            stretch.by_output[place] = _step(gradient, batched)

        self._when_arrived(hidden, arrived)

    def _when_arrived(self, output: Tensor, arrived: Callable[[Tensor], None]) -> None:
        """Have a function called with the gradient by an output."""

        def hook(gradient: Tensor | None) -> None:
            if gradient is not None:  # As where the backward pass reaches the module by its state alone.
                self.guard(arrived, gradient)

        if output.requires_grad:
            output.register_hook(hook)  # type: ignore[no-untyped-call]


def _measured(stretch: Stretch, exact: bool) -> Readings:
    """Compute a stretch once more, and read it."""
    import torch

    like = stretch.outputs[0]
    cells, inputs, states = stretch.cells.cast(like), torch.stack(stretch.inputs), stretch.states
    if (before := len(inputs) - STEPS) > 0:
        with torch.no_grad():
            states = _after(cells, inputs[:before], states)
        inputs = inputs[before:]
    wanted, by_output = stretch.outputs[-len(inputs) :], stretch.by_output[-len(inputs) :]
    # A graph begins at the states: what is asked for is the gradient by these, and not by the weights.
    layers = cells.unroll(inputs, [each.to(like).detach().requires_grad_() for each in states])
    found, wanted_all = torch.stack(layers[-1].hidden).detach(), torch.stack(wanted)
    drops = getattr(stretch.module, "dropout", 0.0) > 0 and stretch.module.training
    if not drops and not float((found - wanted_all).norm()) <= ALIKE * float(wanted_all.norm()) + 1e-6:
        return {}  # A module of the program's own kind, or a cell that is given something else than its last state.
    size = float(inputs.square().mean().sqrt())
    readings = {"gates": {**gates(cells.kind, layers), "inputs": size}}
    last = next((place for place in range(len(inputs) - 1, -1, -1) if by_output[place] is not None), None)
    if last is not None and last >= SHORTEST - 1:
        seed = by_output[last]
        assert seed is not None
        readings["gradient_by_lag"] = by_lag(layers, last, seed)
    first = by_output[:EXACT_STEPS]
    if exact and any(each is not None for each in first):
        readings["numerics"] = numerics(cells, inputs[:EXACT_STEPS], states, first)
    return readings


def gates(kind: str, layers: Sequence[Layer]) -> dict[str, Any]:
    """Saturation by layer and gate, as `engine.instruments.gates` defines it, and the memory that the gates imply."""
    import torch

    saturated, frozen, kept = [], [], []
    with torch.no_grad():
        for layer in layers:
            for place, name in enumerate(GATES[kind]):
                values = torch.stack([each[place] for each in layer.gates])
                low, high = TANH_EDGES if name in TANHS else SIGMOID_EDGES
                below, above = values < low, values > high
                saturated.append(float((below | above).double().mean()))
                frozen.append(float((below.all(0).all(0) | above.all(0).all(0)).double().mean()))
                if place == KEEPS.get(kind):
                    kept.append(values.double().mean((0, 1)))
        means = torch.cat(kept) if kept else None
        return {
            "saturated": saturated,
            "share": sum(saturated) / len(saturated),
            "frozen_gates": frozen,
            "frozen": sum(frozen) / len(frozen),
            "forget": None if means is None else float(means.mean()),
            "memory": None if means is None else float((1 / (1 - means)).clamp(max=LONGEST_MEMORY).mean()),
        }


def by_lag(layers: Sequence[Layer], last: int, seed: Tensor) -> dict[str, Any]:
    """The gradient by the hidden states of all layers k steps before the last that got one, as a share of lag 0.

    Args:
        layers: the values of a stretch, with their graph.
        last: the place of that step.
        seed: (lanes, H) the gradient by its output.
    """
    import torch

    states = [layer.hidden[place] for layer in layers for place in range(last + 1)]
    found = torch.autograd.grad(
        layers[-1].hidden[last], states, seed.to(layers[-1].hidden[last]), retain_graph=True, allow_unused=True
    )
    squares = torch.zeros(last + 1, len(seed), dtype=torch.float64)
    for place, each in enumerate(found):
        if each is not None:
            squares[last - place % (last + 1)] += each.double().square().sum(1)
    sizes = squares.mean(1).sqrt()
    norm = float(sizes[0])
    relative: list[float] = (sizes / norm).tolist() if norm else [0.0] * len(sizes)
    decay = _decay(relative) if norm else math.nan
    half = math.inf if decay >= 1 else -math.log(2) / math.log(decay) if decay > 0 or math.isnan(decay) else 0.0
    reach = max((lag + 1 for lag, share in enumerate(relative) if not share < FELT), default=0)
    return {"norm": norm, "relative": relative, "decay": decay, "half_life": half, "reach": reach}


def numerics(
    cells: Cells, inputs: Tensor, states: Sequence[Tensor], by_output: Sequence[Tensor | None]
) -> dict[str, Any]:
    """The error of the gradient of the module's weights in its number type, beside float64."""
    import torch

    own, exact = (cells.cast(inputs.new_zeros((), dtype=each), learn=True) for each in (inputs.dtype, torch.float64))
    rough = _gradient(own, inputs, [each.to(inputs) for each in states], by_output)
    precise = _gradient(exact, inputs.double(), [each.double() for each in states], by_output)
    error = math.hypot(*(float((one.double() - other).norm()) for one, other in zip(rough, precise, strict=True)))
    size = math.hypot(*(float(each.norm()) for each in precise))
    count = sum(each.numel() for each in rough)
    tiny = torch.finfo(torch.float32).tiny
    lost = sum(int(((one == 0) & (other != 0)).sum()) for one, other in zip(rough, precise, strict=True))
    return {
        "gradient_error": error / size if size else 0.0 if error == 0 else math.inf,
        "non_finite": sum(int((~each.isfinite()).sum()) for each in rough) / count,
        "subnormal": sum(int(((each != 0) & (each.abs() < tiny)).sum()) for each in rough) / count,
        "lost": lost / count,
    }


def _gradient(
    cells: Cells, inputs: Tensor, states: Sequence[Tensor], by_output: Sequence[Tensor | None]
) -> tuple[Tensor, ...]:
    import torch

    hidden = cells.unroll(inputs, states)[-1].hidden
    pairs = [(one, by.to(one)) for one, by in zip(hidden, by_output, strict=True) if by is not None]
    return torch.autograd.grad([one for one, _ in pairs], cells.parameters(), [by for _, by in pairs])


def _after(cells: Cells, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The states after a stretch."""
    import torch

    kept, memories = cells.unroll(inputs, states), []
    hidden = torch.stack([layer.hidden[-1] for layer in kept])
    if cells.kind != "lstm":
        return (hidden,)
    for index, layer in enumerate(kept):
        memory = states[1][index]
        for entered, forgot, cell, *_ in layer.gates:
            memory = forgot * memory + entered * cell
        memories.append(memory)
    return hidden, torch.stack(memories)


def _few(values: Tensor, axis: int, batched: bool) -> list[Tensor]:
    """The values of a few sequences, copied: (lanes, …) for each step, on the CPU."""
    values = values.detach() if batched else values.detach().unsqueeze(1)
    return list(values.movedim(axis, 0)[:, :LANES].cpu().clone())


def _step(values: Tensor, batched: bool) -> Tensor:
    values = values.detach() if batched else values.detach().unsqueeze(0)
    return values[:LANES].cpu().clone()


def _states(state: Any, layers: int, batched: bool) -> tuple[Tensor, ...]:
    """The states of a few sequences, each (layers, lanes, H); empty where a module is given none."""
    given = state if isinstance(state, tuple | list) else () if state is None else (state,)
    found = []
    for each in given:
        values = each.detach()
        values = values if batched else values.unsqueeze(-2)
        found.append(values.reshape(layers, -1, values.shape[-1])[:, :LANES].cpu().clone())
    return tuple(found)


def _zeros(cells: Cells, like: Tensor, layers: int) -> tuple[Tensor, ...]:
    """The states that a module begins with where it is given none."""
    zeros = like.new_zeros(layers, *like.shape)
    return (zeros, zeros) if cells.kind == "lstm" else (zeros,)


def _decay(relative: Sequence[float]) -> float:
    """The factor a step, by least squares over the logarithms until the share is below `NOISE`."""
    shares = relative[1:]
    fitted = next((place for place, share in enumerate(shares) if share < NOISE), len(shares))
    if fitted < 2:
        return shares[0] if shares else math.nan
    logarithms = [math.log(share) for share in shares[:fitted]]
    middle, mean = (fitted - 1) / 2, sum(logarithms) / fitted
    products = sum((lag - middle) * (each - mean) for lag, each in enumerate(logarithms))
    return math.exp(products / sum((lag - middle) ** 2 for lag in range(fitted)))
