"""Recurrent modules: how far back their gradient goes, and what becomes of their state between two windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from charrnn.predictions import OUTPUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from charrnn.chains import Chain

STEPS = "charrnn.steps"
"""The mark on a node of the graph: the steps of a recurrent module that lie behind it."""

NEAR = 8
"""The most nodes that are looked at behind a state for such a mark: a state may have been copied or masked."""

NONE, FRESH, CARRIED = "none", "fresh", "carried"
"""The state that a module is given at the beginning of a window: none, another one, or its own of before."""


@dataclass(slots=True)
class _Seen:
    """The last state of a module.

    Attributes:
        state: the state that it returned last, without its graph: as long as it is held, its memory is not used again.
        called: whether it was called since the last backward pass.
        given: the state that it was given last.
    """

    state: Tensor | None = None
    called: bool = False
    given: Tensor | None = None


@dataclass(slots=True)
class Recurrent:
    """Takes the calls of recurrent modules.

    Attributes:
        window: the most steps that the gradient is to go back; None for as many as the program says.
        given: what the first module called in this window was given as its state; None before the first call.
        first: the input of the first call of a whole window in this window, and the dimension along which the module
            steps; None where there was none.
        last: the steps that the last backward pass in this window went back; None where that is not known.
        dropped: the calls of cells in this window that were given the state of the call before again.
        lengths: the steps that the backward passes since `take` went back.
    """

    window: int | None = None
    given: str | None = None
    first: tuple[Tensor, int] | None = None
    last: int | None = None
    dropped: int = 0
    lengths: list[int] = field(default_factory=list)
    _modules: WeakKeyDictionary[nn.Module, _Seen] = field(default_factory=WeakKeyDictionary)
    _deepest: int = 0

    def shortened(self, call: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Call a module so that the gradient goes back no more than `window` steps."""
        import torch

        bound, state = self.window, args[1] if len(args) > 1 else kwargs.get("hx")
        given = args[0] if args else kwargs.get("input")
        if bound is None or not torch.is_grad_enabled() or not isinstance(given, torch.Tensor):
            return call(module, *args, **kwargs)
        if isinstance(module, torch.nn.RNNCellBase):
            return call(module, given, _cut(state) if _steps_behind(state) >= bound else state)
        axis = 1 if module.batch_first and given.dim() > 2 else 0
        if module.bidirectional or given.shape[axis] <= bound:
            within = _steps_behind(state) + given.shape[axis] <= bound
            return call(module, given, state if within else _cut(state))
        outputs = []
        for part in torch.split(given, bound, axis):
            output, state = call(module, part, _cut(state))
            outputs.append(output)
        return torch.cat(outputs, axis), state

    def called(self, module: nn.Module, args: Any, kwargs: Any, returned: Any) -> None:
        """A module was called, with gradients."""
        import torch

        seen = self._modules.setdefault(module, _Seen())
        before = args[1] if len(args) > 1 else kwargs.get("hx")
        given = args[0] if args else kwargs.get("input")
        cell = isinstance(module, torch.nn.RNNCellBase)
        state = returned if cell else returned[1]
        steps = 1 if cell else self._steps(module, given)
        if not seen.called:
            if self.given is None:
                self.given = _kind(before, seen.state)
            seen.called = True
        if cell:
            self._see_dropped(seen, before)
        behind = steps + _steps_behind(before)
        behind = behind if self.window is None else min(behind, self.window)
        self._deepest = max(self._deepest, behind)
        for each in _tensors(state):
            if each.grad_fn is not None:
                _marks(each.grad_fn)[STEPS] = behind
        if not cell:
            output = returned[0] if isinstance(returned[0], torch.Tensor) else returned[0].data
            if output.grad_fn is not None:
                _marks(output.grad_fn)[OUTPUT] = True
        seen.given = next(_tensors(before), None)
        seen.state = next(_tensors(state)).detach()

    def _see_dropped(self, seen: _Seen, before: Any) -> None:
        """Count the calls of a cell that is given the state of its last call again, and not what that returned."""
        given = next(_tensors(before), None)
        if given is not None and seen.given is not None and seen.state is not None and given is seen.given:
            self.dropped += given.data_ptr() != seen.state.data_ptr()

    def backward_begins(self) -> None:
        """A backward pass begins, which ends a window."""
        if self._deepest:
            self.lengths.append(self._deepest)
            self.last = self._deepest
        self._deepest = 0

    def found(self, chain: Chain) -> None:
        """A network without recurrent modules of torch has this recurrence in its graph."""
        self.lengths.append(chain.length)
        self.last = chain.length
        if chain.begins_empty:
            self.given = FRESH  # Else it may be the state of before, or what each window begins with.

    def window_ends(self) -> None:
        """End the window: the next call begins another one."""
        if self.given is None and self.last is None:
            return
        self.given, self.first, self.last, self.dropped = None, None, None, 0
        for seen in self._modules.values():
            seen.called, seen.given = False, None

    def take(self) -> list[int]:
        """The lengths since the last call."""
        taken, self.lengths = self.lengths, []
        return taken

    def _steps(self, module: Any, given: Any) -> int:
        """The steps of a whole window."""
        import torch

        if not isinstance(given, torch.Tensor):
            return len(given.batch_sizes)
        if given.dim() < 3:
            return int(given.shape[0])
        axis = 1 if module.batch_first else 0
        if self.first is None:
            self.first = given, axis
        return int(given.shape[axis])


def _marks(node: Any) -> dict[str, Any]:
    """The marks on a node of a graph. They live as long as the node; an attribute of a tensor would not."""
    marks: dict[str, Any] = node.metadata
    return marks


def _kind(given: Any, before: Tensor | None) -> str:
    """The kind of state that a module is given, by the memory where it lies."""
    tensors = list(_tensors(given))
    if not tensors:
        return NONE
    if before is not None and tensors[0].data_ptr() == before.data_ptr():
        return CARRIED
    # A copy of the state before, as `clone` and `repackage` functions make them.
    if before is not None and tensors[0].shape == before.shape and bool((tensors[0].detach() == before).all()):
        return CARRIED if bool(before.any()) else FRESH
    return FRESH


def _tensors(state: Any) -> Iterator[Tensor]:
    """The tensors of a state: one, or an LSTM's two."""
    import torch

    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, tuple | list):
        yield from (each for each in state if isinstance(each, torch.Tensor))


def _cut(state: Any) -> Any:
    """A state without its graph."""
    import torch

    if isinstance(state, torch.Tensor):
        return state.detach()
    return tuple(each.detach() for each in state) if isinstance(state, tuple | list) else state


def _steps_behind(state: Any) -> int:
    """The steps of recurrent modules that the graph of a state holds."""
    nodes = [each.grad_fn for each in _tensors(state) if each.grad_fn is not None]
    for _ in range(NEAR):
        if not nodes:
            return 0
        node = nodes.pop(0)
        if STEPS in (marks := _marks(node)):
            return int(marks[STEPS])
        nodes += [each for each, _ in node.next_functions if each is not None]
    return 0
