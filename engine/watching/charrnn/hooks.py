"""Hooks into torch: they see what a program does and pass it on, and change nothing that it computes."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from threading import enumerate as threads
from threading import get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from charrnn.by_hand import UpdatesByHand

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from charrnn.loop import Loop
    from charrnn.program import Program

LOSSES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
)
"""The functions of `torch.nn.functional` that compute a loss. Modules such as `nn.CrossEntropyLoss` call them."""

CLASSES = frozenset({"cross_entropy", "nll_loss"})
"""Those whose targets are numbers of classes. Their sums, divided by the number of targets, are the means of others."""

RECURRENT = ("RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell")
"""The recurrent modules of `torch.nn`."""

NO_TARGET = -100
"""The class that torch's loss functions take for no target, unless they are told otherwise."""

_HOOKED: WeakSet[Hooks] = WeakSet()
"""The hooks that pass something on."""


def _forked() -> None:
    """Pass nothing on in a process that was forked off. Asking for its number at each call would take longer."""
    for each in list(_HOOKED):
        each.is_on = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class Hooks:
    """Hooks that pass on what a program does to a `Program`, until they are removed.

    A fault of ours must not become one of the program that is watched: the first one ends the watching, and is told
    to `trouble`. In a process that was forked off, nothing is passed on.

    Attributes:
        is_on: whether anything is passed on.
    """

    def __init__(self, program: Program, loop: Loop, trouble: Callable[[Exception], object]) -> None:
        self._program, self._loop, self._by_hand = program, loop, UpdatesByHand(program, loop.gradient_kept)
        self._trouble = trouble
        self.is_on = True
        self._thread: int | None = None
        self._torch: Any = sys.modules["torch"]
        self._tracing, self._transforms = _torch_state()
        # Counting those that are left out takes as long as all else; on a device one would have to wait for it.
        self._leaves_out = False
        self._undo = ExitStack()
        self._install()
        _HOOKED.add(self)

    def end(self) -> None:
        """The program ends: an update that is written by hand may have followed the last backward pass."""
        if not self._loop.has_optimizer and self.is_on:
            self._guard(self._by_hand.look_for_update)

    def remove(self) -> None:
        """Take the hooks out of torch again. A function that a program has imported meanwhile passes nothing on."""
        self.is_on = False
        self._undo.close()

    def _install(self) -> None:
        import torch
        from torch.nn import functional
        from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

        self._program.windows.inside.guard = self._guard
        self._replace(torch.autograd, "backward", self._backward)
        for name in LOSSES:
            self._replace(functional, name, self._loss)
        self._replace(functional, "embedding", self._embedding)
        for name in RECURRENT:
            self._add_call(getattr(torch.nn, name))
        for owner in (torch.nn.utils, torch.nn.utils.clip_grad):
            self._replace(owner, "clip_grad_norm_", self._clip)
            self._replace(owner, "clip_grad_value_", self._clip_values)
        self._undo.callback(register_optimizer_step_pre_hook(self._step_begins).remove)
        self._undo.callback(register_optimizer_step_post_hook(self._step_ended).remove)

    def _replace(self, owner: Any, name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put what `made` makes of a function in its place."""
        original = getattr(owner, name)
        ours: Any = functools.wraps(original)(made(original))
        ours.__prepare_scriptable__ = lambda: original  # TorchScript compiles what it is given, and not a wrapper.
        setattr(owner, name, ours)

        def put_back() -> None:
            if getattr(owner, name) is ours:  # Another library may have wrapped it since.
                setattr(owner, name, original)

        self._undo.callback(put_back)

    def _add_call(self, kind: Any) -> None:
        """Have the calls of a kind of module pass here. TorchScript looks at `forward` alone, which stays as it is."""
        from torch import nn

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return self._recurrent_called(nn.Module.__call__, module, args, kwargs)

        if "__call__" in kind.__dict__:
            return  # Another library was here first.
        kind.__call__ = call

        def put_back() -> None:
            if kind.__dict__.get("__call__") is call:
                del kind.__call__

        self._undo.callback(put_back)

    def _pass_on(self, tell: Callable[..., object], *args: Any) -> None:
        """Pass on what belongs to a step, unless this is another process or thread than the one that is watched.

        Another thread may change what is looked at meanwhile. Whoever calls this has made sure that nothing is
        compiled: what is compiled asks for that alone, or it would be compiled anew whenever anything else changes.
        """
        if self._is_ours():
            self._guard(tell, *args)

    def _pass_forward(self, tell: Callable[..., object], *args: Any) -> None:
        """Pass on what is computed, likewise.

        Nothing is passed on where torch traces a program or transforms a function: it does so with tensors that hold
        no numbers. In a mode for inference, ours are computed outside of it.
        """
        if not self._is_ours() or not self._has_numbers():
            return
        if self._torch.is_inference_mode_enabled():
            with self._torch.inference_mode(False):
                self._guard(tell, *args)
        else:
            self._guard(tell, *args)

    def _guard(self, tell: Callable[..., object], *args: Any) -> None:
        try:
            tell(*args)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is ours, and the program goes on without us
            self.remove()
            self._trouble(error)

    def _is_ours(self) -> bool:
        """Whether this is the process and the thread that are watched."""
        return self.is_on and (self._thread is None or self._thread == get_ident())

    def _has_numbers(self) -> bool:
        """Whether torch computes numbers now, and does not trace or transform."""
        return self._tracing() is None and self._transforms() is None

    def _take_thread(self) -> None:
        """The first thread that trains is watched until it has ended.

        Where another trains meanwhile, its parameters are not looked at: their gradients may go at any moment.
        """
        here = get_ident()
        if self._thread == here:
            return
        if self._thread in [each.ident for each in threads()]:
            self._loop.alone = self._by_hand.alone = False
        else:
            self._thread = here

    # --- what takes the place of torch's functions -------------------------------------------------------------------

    def _backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        import torch

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if torch.compiler.is_compiling():
                original(tensors, *args, **kwargs)
                return
            self._take_thread()
            # Most passes are like those before: to look at each would take longer than some programs' updates.
            looks = not self._program.rests or self._program.losses.needs_roots
            if looks:
                self._pass_on(self._backward_begins, tensors)
            try:
                original(tensors, *args, **kwargs)
            except BaseException as error:
                self._pass_on(self._loop.backward_failed, error)
                raise
            if looks:
                self._pass_on(self._backward_ended)

        return backward

    def _backward_begins(self, tensors: Any) -> None:
        roots = _listed(tensors)
        if not self._loop.has_optimizer:
            self._by_hand.backward_begins()
        self._loop.backward_begins(roots)
        self._program.backward_begins(roots)

    def _backward_ended(self) -> None:
        self._loop.backward_ended()
        self._program.backward_ended()
        if not self._loop.has_optimizer:
            self._by_hand.backward_ended()

    def _embedding(self, original: Callable[..., Any]) -> Callable[..., Any]:
        import torch

        def embedding(*args: Any, **kwargs: Any) -> Any:
            # What is compiled asks for nothing else first, or it would be compiled anew whenever that changes.
            if not torch.compiler.is_compiling():
                windows, ids = self._program.windows, _given(args, kwargs)
                if type(ids) is not torch.Tensor or ids.is_meta:
                    pass  # It stands for one, and holds no numbers.
                elif not torch.is_grad_enabled():
                    if not windows.overlap.is_done:
                        self._pass_forward(windows.overlap.given, ids)
                elif windows.looks:
                    self._pass_forward(windows.ids_given, ids)
            return original(*args, **kwargs)

        return embedding

    def _recurrent_called(self, call: Callable[..., Any], module: Any, args: Any, kwargs: Any) -> Any:
        import torch

        if torch.compiler.is_compiling():
            return call(module, *args, **kwargs)
        if self._program.rests:
            return call(module, *args, **kwargs)
        shortened = self._program.windows.recurrent.window is not None
        if not (self._program.windows.looks or shortened) or not (self._is_ours() and self._has_numbers()):
            return call(module, *args, **kwargs)
        given = args[0] if args else kwargs.get("input")
        if not torch.is_grad_enabled() or (isinstance(given, torch.Tensor) and given.is_meta):
            return call(module, *args, **kwargs)
        if not shortened:
            returned = call(module, *args, **kwargs)
        else:
            returned = self._program.windows.recurrent.shortened(call, module, args, kwargs)
        self._pass_forward(self._program.windows.recurrent_called, module, args, kwargs, returned)
        return returned

    def _loss(self, original: Callable[..., Any]) -> Callable[..., Any]:
        import torch

        def loss(*args: Any, **kwargs: Any) -> Any:
            value = original(*args, **kwargs)
            if not torch.compiler.is_compiling() and not self._is_counted(value, args, kwargs):
                self._pass_forward(self._loss_computed, original.__name__, value, args, kwargs)
            return value

        return loss

    def _clip(self, original: Callable[..., Any]) -> Callable[..., Any]:
        import torch

        def clip(parameters: Any, max_norm: float, *args: Any, **kwargs: Any) -> Any:
            if torch.compiler.is_compiling():
                return original(parameters, max_norm, *args, **kwargs)
            if self._program.rests:
                norm = original(parameters, max_norm, *args, **kwargs)
                if self._is_ours():
                    self._program.gradient_clipped(max_norm, norm)
                return norm
            parameters = _listed(parameters)  # It may be a generator, which can be read once.
            bound = self._bound(max_norm, parameters)
            norm = original(parameters, bound, *args, **kwargs)
            self._pass_on(self._clipped, parameters, bound, norm)
            return norm

        return clip

    def _clipped(self, parameters: list[Any], bound: float, norm: Any) -> None:
        self._loop.clipped(parameters)
        self._program.gradient_clipped(bound, norm)
        if not self._loop.has_optimizer:
            self._by_hand.clipped()

    def _clip_values(self, original: Callable[..., Any]) -> Callable[..., Any]:
        import torch

        def clip(parameters: Any, clip_value: float, *args: Any, **kwargs: Any) -> Any:
            if torch.compiler.is_compiling():
                return original(parameters, clip_value, *args, **kwargs)
            parameters = _listed(parameters)
            self._pass_on(self._loop.clipped, parameters)
            self._pass_on(self._program.values_clipped)
            returned = original(parameters, self._bound(clip_value, parameters), *args, **kwargs)
            if not self._loop.has_optimizer:
                self._pass_on(self._by_hand.clipped)
            return returned

        return clip

    def _bound(self, own: float, parameters: list[Any]) -> float:
        """The bound to clip at: the program's own, unless a console has set another for these parameters."""
        wanted = self._program.knobs.clip
        if wanted is None or not self._is_ours() or not self._program.is_shown(parameters):
            return own
        return wanted

    def _step_begins(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """An update begins; returns other arguments where its closure, if it fails, has to end it."""
        if self._torch.compiler.is_compiling():
            return None
        if len(args) == 1 and not kwargs and self._program.rests_at(optimizer):
            return None
        # torch gives the optimiser itself first.
        closure = next(filter(callable, (*args[1:], kwargs.get("closure"))), None)
        self._take_thread()
        self._pass_on(self._update_begins, optimizer, closure is not None)
        if closure is None or self._program.knobs.rate is None:
            return None
        if len(args) > 1:
            return (args[0], self._ending(closure), *args[2:]), kwargs
        return args, {**kwargs, "closure": self._ending(closure)}

    def _ending(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """A closure that gives the program its own learning rate back where it fails."""

        def call() -> Any:
            try:
                return closure()
            except BaseException:
                self._pass_on(self._program.knobs.end)
                raise

        return call

    def _step_ended(self, optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        if not self._torch.compiler.is_compiling() and self._is_ours() and not self._program.rested(optimizer):
            self._guard(self._update_ended, optimizer)

    def _update_begins(self, optimizer: Optimizer, closure: bool) -> None:
        if self._loop.is_awake or not self._program.knows(optimizer):
            self._loop.step_begins(optimizer, closure)
        self._program.update_begins(optimizer, closure=closure)

    def _update_ended(self, optimizer: Optimizer) -> None:
        self._loop.step_ended(optimizer)
        self._program.update_ended(optimizer)

    def _is_counted(self, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Count the loss of an update at rest, where that is a mean; returns whether it was."""
        if not self._program.rests or self._leaves_out or len(args) < 2 or not self._is_ours():
            return False
        if kwargs.get("reduction", "mean") != "mean" or not self._has_numbers():
            return False
        if not value.is_cpu or not value.requires_grad:
            return False
        self._program.losses.add(value.item(), _targets(args[1]))
        return True

    def _loss_computed(self, function: str, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Pass on a loss. Only a mean over all targets can be compared; a loss of each says less, as do most sums."""
        if value.is_meta:
            return
        learns, reduction = value.requires_grad, kwargs.get("reduction", "mean")
        given, target = _given(args, kwargs), args[1] if len(args) > 1 else kwargs.get("target")
        count = 0 if target is None else _targets(target)
        if self._loop.is_awake or not learns:
            self._loop.loss_computed(function, given, value)
        ignored = kwargs.get("ignore_index", NO_TARGET)
        if (
            target is not None
            and function in CLASSES
            and count > 1
            and target.is_cpu
            and not target.is_floating_point()
        ):
            every, count = count, int((target != ignored).count_nonzero())
            self._leaves_out = self._leaves_out or count < every
        if reduction == "sum" and count and function in CLASSES and _weight(args, kwargs) is None:
            value = value.detach() / count
        elif reduction != "mean" or value.numel() != 1:
            if target is not None and learns and value.numel() == target.numel() > 1:
                self._program.windows.losses_given(target)
            return
        if not learns and not self._loop.has_optimizer:
            self._by_hand.look_for_update()
        self._program.loss_computed(value, count, target, learns=learns)
        looks = self._program.measures or self._program.windows.looks
        if looks and target is not None and not target.is_floating_point() and given.dim() > 1:
            self._program.targets_given(given, target, ignored)


def _torch_state() -> tuple[Callable[[], object], Callable[[], object]]:
    """Functions that return None unless torch traces a program, and unless it transforms a function."""
    from torch import _C

    return _C._get_tracing_state, _C._functorch.peek_interpreter_stack


def _listed(tensors: Any) -> list[Any]:
    """Tensors that a function of torch is given: one, or several."""
    import torch

    return [tensors] if isinstance(tensors, torch.Tensor) else list(tensors) if isinstance(tensors, Iterable) else []


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The predictions that a loss function is given."""
    return args[0] if args else kwargs.get("input")


def _weight(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The weights of classes that a loss function is given."""
    return args[2] if len(args) > 2 else kwargs.get("weight")


def _targets(target: Any) -> int:
    """The number of targets; classes that are given as probabilities are one."""
    number = int(target.numel())
    return number if not target.is_floating_point() or target.dim() < 2 else number // int(target.shape[1])
