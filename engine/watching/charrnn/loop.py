"""Things that a training loop does in an order that is seldom meant, for the journal, with the line of the program.

Nothing is judged here: whoever reads the journal does. Only what can be told without waiting for a device is looked
at, and a fact that holds at every update is written down ever more seldom.
"""

from __future__ import annotations

import gc
import linecache
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from charrnn.journal import Writer
from charrnn.models import models_of, names_of
from charrnn.nodes import behind
from charrnn.predictions import VIEWS
from charrnn.sites import Site, Sites

if TYPE_CHECKING:
    from types import CodeType

    from torch import Tensor, nn
    from torch.optim import Optimizer

MOST_WITNESSES = 2
"""The parameters of an optimiser whose gradients are looked at: what is done to one is done to all of them."""

TOLD = (1, 3, 10, 30, 100)
"""How often a fact has held when it is written down; after that at each tenfold."""

GROWS = 10

LOOKS = 64
"""The backward passes whose place in the program is looked up after an optimiser is new, and how far apart those after
them are."""

OFTEN_CHECKED = 8
"""The losses whose predictions are looked at; after them, those at each tenfold."""

ALMOST = 1e-3
"""How far from 1 a sum of probabilities may be, in numbers of half the usual digits."""

CLIPS = 5
"""How often it is looked at which parameters are clipped."""

STEPS_UNTIL_CHECKED = 10
"""The steps after which parameters that have had no gradient never get one."""

PASSES_WITHOUT_A_STEP = 24
"""The backward passes without a step after which parameters are looked at, to see whether they change."""

MOST_UNMOVED, MOST_NAMES = 8, 4

NEAR_LOSS = 8
"""The nodes behind a loss among which is the difference that it is made of."""

MOST_DROPPED = 0.85
"""The share that a dropout sets to zero from which it is likelier that the share to keep was meant."""

MOST_NODES = 200
"""The most nodes of a graph that are looked at: one that is made of numbers alone is small."""

LONGEST_SOURCE = 100_000
"""The most characters of a file that are written down."""

LONGEST_MESSAGE = 2_000
"""The most characters of an exception's message that are written down."""

AGAIN = "backward through the graph a second time"
"""Words of the exception that torch raises where a graph is used again whose values are gone."""


@dataclass(slots=True)
class _Witness:
    """A parameter, and the signs by which its gradient after the last step or backward pass is known again.

    The gradient itself is not kept: the program's next one is to take its place in memory.

    Attributes:
        parameter: the parameter, which lives no longer than the program lets it.
        place: where the gradient's numbers lay in memory; 0 without a gradient.
        version: the number of changes that torch had counted of it.
    """

    parameter: ReferenceType[Tensor]
    place: int = 0
    version: int = 0

    @property
    def gradient(self) -> Tensor | None:
        """The parameter's gradient; None where it has none, or is gone."""
        parameter = self.parameter()
        return None if parameter is None else parameter.grad

    def look(self) -> bool:
        """Remember the gradient as it is; returns whether there is one."""
        gradient = self.gradient
        self.place, self.version = (0, 0) if gradient is None else (_place(gradient), gradient._version)
        return gradient is not None

    @property
    def untouched(self) -> bool:
        """Whether the gradient is there, and is as it was."""
        now = self.gradient
        return now is not None and now._version == self.version and _place(now) == self.place


@dataclass(slots=True)
class _Order:
    """The order of things since an optimiser's last step.

    Attributes:
        witnesses: some of its parameters.
        backwards: the backward passes.
        kept: whether no gradient was changed other than by them.
        arrived: whether one of them has left a gradient.
        stepped: whether there was a step at all.
        steps: the number of steps.
        with_gradient: the parameters that had a gradient at any of the first of them.
    """

    witnesses: list[_Witness]
    backwards: int = 0
    kept: bool = True
    arrived: bool = False
    stepped: bool = False
    steps: int = 0
    with_gradient: set[int] = field(default_factory=set)

    def holds_one_of(self, parameters: set[int]) -> bool:
        """Whether one of these, by their ids, is looked at for this optimiser."""
        return any(id(each.parameter()) in parameters for each in self.witnesses)


@dataclass(slots=True)
class Loop:
    """Takes what a program does, in its order, and writes down what is out of it."""

    journal: Writer
    sites: Sites = field(default_factory=Sites)
    _orders: WeakKeyDictionary[Optimizer, _Order] = field(default_factory=WeakKeyDictionary)
    _times: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _known: tuple[_Order, ...] = ()
    _backwards: int = 0
    _new: int = 0
    _sources: set[str] = field(default_factory=set)
    _code: CodeType | None = None
    _losses: int = 0
    _models: tuple[ReferenceType[nn.Module], ...] = ()
    _unmoved: list[tuple[ReferenceType[Tensor], Tensor]] = field(default_factory=list)
    _clips: int = 0
    _rootless: bool = False
    _in_backward: bool = False
    _outside: dict[int, tuple[int, int]] = field(default_factory=dict)
    model_site: Site | None = None
    """Where the loop calls its model."""

    @property
    def has_optimizer(self) -> bool:
        """Whether an optimiser of torch has made a step."""
        return bool(self._known)

    def model_called(self) -> None:
        """A recurrent module is called in a window that is looked at."""
        self.model_site = self.sites.caller(self._code)

    def gradient_kept(self) -> None:
        """Parameters were changed by hand, and their gradients are as the last backward pass has left them."""
        self._tell("gradients-kept", self.sites.caller())

    def state_of_others(self, batches: int) -> None:
        """So many batches of sequences with a target each began with the state of the batch before."""
        self._tell("state-of-others", self.model_site, batches=batches)

    def cell_begins_anew(self, calls: int) -> None:
        """So many calls of a cell in one window were given the state of the call before again."""
        self._tell("cell-begins-anew", self.model_site, calls=calls)

    def mask_inverted(self) -> None:
        """The losses that a mask lets count are those of one kind of target."""
        self._tell("mask-inverted", self.sites.caller())

    def graph_grows(self, length: int) -> None:
        """The gradient goes so many steps back, and further at each update."""
        self._tell("graph-grows", self.model_site, length=length)

    def validated_on_trained(self, found: int, checked: int) -> None:
        """So many of the sequences on which a loss without gradient is computed were trained on."""
        self._tell("validation-trained", self.sites.caller(), found=found, checked=checked)

    def targets_few(self, steps: int) -> None:
        """Each sequence of so many inputs has one target, which is its next element."""
        self._tell("targets-few", self.model_site, steps=steps)

    def models_known(self, models: Iterable[nn.Module]) -> None:
        """An optimiser updates the parameters of these models."""
        self._models = tuple(ref(each) for each in models if _depends_on_mode(each))
        for model in models:
            if name := _repeated(model):
                self._tell("module-repeated", None, name=name)
            if drops := _drops_most(model):
                self._tell("dropout-of-most", None, share=f"{drops:.0%}", kept=f"{1 - drops:.2g}")
            if names := _alike(model):
                self._tell("module-twice", None, names=" and ".join(names))

    def loss_computed(self, function: str, given: Tensor, value: Tensor) -> None:
        """A loss function was given predictions, and has returned a value."""
        self._losses += 1
        if not value.requires_grad:
            if any(model.training for held in self._models if (model := held()) is not None):
                self._tell("validation-in-train-mode", self.sites.caller())
        elif self._losses <= OFTEN_CHECKED or _is_round(self._losses):
            for fact in (_normalised(function, given), _viewed(function, given)):
                if fact:
                    self._tell(fact, self.sites.caller())

    def backward_begins(self, roots: Sequence[Tensor]) -> None:
        """A backward pass begins at these tensors. Some programs make their steps in it, from a parameter's hook."""
        self._in_backward = True
        if self._backwards - self._new < LOOKS or self._backwards % LOOKS == 0:
            self._code = self.sites.code()
            self._tell_source(self.sites.caller())
            models = [model for held in self._models if (model := held()) is not None]
            if models and not any(model.training for model in models):
                self._tell("training-in-eval-mode", self.sites.caller())
        if self._backwards - self._new < OFTEN_CHECKED:
            own = {id(each) for one in self._orders for each in _parameters(one)}
            self._rootless = any(_is_made_anew(root, own) for root in roots)
            if any(map(_is_broadcast, roots)):
                self._tell("broadcast", self.sites.caller())
        if self._rootless:
            self._tell("loss-without-its-graph", self.sites.caller())
        if not self._orders:
            self._look_for_steps()
        for order in self._known:
            if order.kept:
                order.kept = all(each.untouched for each in order.witnesses)

    def backward_ended(self) -> None:
        """A backward pass has left its gradients."""
        self._in_backward = False
        self._backwards += 1
        for order in self._known:
            order.backwards += 1
            for each in order.witnesses:
                order.arrived |= each.look()

    def backward_failed(self, error: BaseException) -> None:
        """A backward pass has raised an exception."""
        self._in_backward = False
        if AGAIN in str(error):
            self._tell("backward-twice", self.sites.caller())

    def raised(self, error: BaseException) -> None:
        """An exception ends the program."""
        site = self.sites.of_exception(error)
        self._tell_source(site)
        if site is not None:
            kind, message = type(error).__name__, str(error)[:LONGEST_MESSAGE]
            self.journal.write("exception", kind=kind, message=message, file=site.file, line=site.line, code=site.code)

    def clipped(self, parameters: Sequence[Tensor]) -> None:
        """The gradients of these parameters are clipped by one of torch's functions."""
        if self._clips < CLIPS:
            self._clips += 1
            self._check_clipped(parameters)
        if not any(each.stepped and not each.backwards for each in self._known):
            return
        given = {id(each) for each in parameters}
        orders = [each for each in self._known if each.stepped and each.holds_one_of(given)]
        if orders and all(each.backwards == 0 for each in orders):
            self._tell("clipped-without-a-gradient", self.sites.caller())

    def step_begins(self, optimizer: Optimizer, closure: bool) -> None:
        """An optimiser is about to change its parameters; with a closure it computes their gradients itself."""
        order = self._orders.get(optimizer)
        if order is None:
            order = self._orders[optimizer] = _Order(_witnesses(optimizer), backwards=self._backwards)
            order.arrived = any(each.gradient is not None for each in order.witnesses)
            self._known, self._new = tuple(self._orders.values()), self._backwards
            self._losses = self._clips = 0  # Another loop may have begun.
        if closure or self._in_backward or not (order.stepped or order.arrived):
            return
        if order.steps < STEPS_UNTIL_CHECKED:
            self._check_parameters(optimizer, order)
        has_gradient = any(each.gradient is not None for each in order.witnesses)
        if not order.backwards:
            self._tell("step-without-backward", self.sites.caller())
        elif not has_gradient:
            if order.arrived or not self._rootless:  # Otherwise it has been told why there are none.
                self._tell("zeroed-before-step" if order.arrived else "gradients-elsewhere", self.sites.caller())
        elif order.stepped and order.kept:
            self._tell("gradients-kept", self.sites.caller())

    def step_ended(self, optimizer: Optimizer) -> None:
        """An optimiser has changed its parameters."""
        order = self._orders[optimizer]
        for each in order.witnesses:
            each.look()
        order.backwards, order.kept, order.arrived, order.stepped = 0, True, False, True
        order.steps += 1

    def _check_parameters(self, optimizer: Optimizer, order: _Order) -> None:
        """Which parameters have had no gradient in the first steps, and which have one and are in no optimiser."""
        own = _parameters(optimizer)
        order.with_gradient |= {id(each) for each in own if each.grad is not None}
        if order.steps == STEPS_UNTIL_CHECKED // 2:
            self._outside = {id(each): signs(each.grad) for each in _with_gradients()}
        if order.steps != STEPS_UNTIL_CHECKED - 1:
            return
        models = models_of(own)
        without = [each for each in own if each.requires_grad and id(each) not in order.with_gradient]
        if without and len(without) < len(own):
            self._tell("no-gradient", self.sites.caller(), **_some(without, own, models))
        there = {id(each) for one in self._orders for each in _parameters(one)}
        # A gradient that nobody touches is of another loop, as of a cell that was run before.
        every = [each for each in _with_gradients() if self._outside.get(id(each)) != signs(each.grad)]
        if outside := [each for each in every if id(each) not in there]:
            self._tell("in-no-optimizer", self.sites.caller(), **_some(outside, every, [*models, *models_of(outside)]))

    def _check_clipped(self, parameters: Sequence[Tensor]) -> None:
        """Whether only some parameters of an optimiser are clipped."""
        given = {id(each) for each in parameters}
        for optimizer in list(self._orders):
            own = [each for each in _parameters(optimizer) if each.grad is not None]
            left = [each for each in own if id(each) not in given]
            if left and len(left) < len(own):
                self._tell("clipped-some", self.sites.caller(), **_some(left, own, models_of(own)))

    def _look_for_steps(self) -> None:
        """Whether the parameters change though no optimiser has made a step: some programs change them by hand."""
        import torch

        if self._backwards == PASSES_WITHOUT_A_STEP:
            objects = gc.get_objects()
            if any(issubclass(type(each), torch.optim.Optimizer) for each in objects):
                found = [each for each in objects if type(each) is torch.nn.Parameter and each.requires_grad]
                self._unmoved = [(ref(each), each.detach().clone()) for each in found[:MOST_UNMOVED]]
        elif self._backwards == 2 * PASSES_WITHOUT_A_STEP and self._unmoved:
            pairs = [(now, before) for held, before in self._unmoved if (now := held()) is not None]
            if pairs and all(bool((now.detach() == before).all()) for now, before in pairs):
                self._tell("step-never-called", self.sites.caller())
            self._unmoved = []

    def _tell_source(self, site: Site | None) -> None:
        """Write down the text of the file or notebook cell that a loop is in: later it may be another."""
        if site is None or site.file in self._sources:
            return
        self._sources.add(site.file)
        text = "".join(linecache.getlines(site.file))
        if len(text) <= LONGEST_SOURCE:
            self.journal.write("source", file=site.file, line=site.line, text=text)

    def _tell(self, fact: str, site: Site | None, **numbers: Any) -> None:
        """Write a fact down, where it has held as often as is told."""
        file, line = (site.file, site.line) if site else ("", 0)
        key = (fact, file, line)
        self._times[key] += 1
        times = self._times[key]
        if times in TOLD or (times > TOLD[-1] and _is_round(times)):
            code = site.code if site else ""
            self.journal.write("fact", fact=fact, file=file, line=line, code=code, times=times, **numbers)


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [each for group in optimizer.param_groups for each in group["params"]]


def _is_made_anew(root: Tensor, own: set[int]) -> bool:
    """Whether a loss is, or was computed from, nothing but numbers: no weights are behind it.

    Args:
        root: the loss.
        own: the parameters of the optimisers that have made a step; empty before the first, when any tensor may be one.
    """
    import torch

    if root.grad_fn is None:
        return root.numel() == 1
    nodes, seen = [root.grad_fn], 0
    while nodes and seen < MOST_NODES:
        node = nodes.pop()
        seen += 1
        leaf = getattr(node, "variable", None)
        if leaf is not None and (isinstance(leaf, torch.nn.Parameter) or not own or id(leaf) in own):
            return False
        nodes += [each for each, _ in node.next_functions if each is not None]
    return not nodes


def _with_gradients() -> list[Tensor]:
    """Every parameter in the program that has a gradient."""
    import torch

    return [each for each in gc.get_objects() if type(each) is torch.nn.Parameter and each.grad is not None]


def signs(gradient: Tensor | None) -> tuple[int, int]:
    """The signs by which a gradient is known again, if nobody has touched it."""
    return (0, 0) if gradient is None else (_place(gradient), gradient._version)


def _some(some: Sequence[Tensor], every: Sequence[Tensor], models: Sequence[nn.Module]) -> dict[str, Any]:
    """Some parameters of others, for the journal: how many, and the names of the first."""
    return {"some": len(some), "every": len(every), "names": ", ".join(names_of(some[:MOST_NAMES], models))}


def _depends_on_mode(model: nn.Module) -> bool:
    """Whether a model does something else while it is trained, as dropout and batch normalisation do."""
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.dropout import _DropoutNd

    for each in model.modules():
        if isinstance(each, _BatchNorm) or (isinstance(each, _DropoutNd) and each.p > 0):
            return True
        if isinstance(each, nn.RNNBase) and each.dropout > 0 and each.num_layers > 1:
            return True
    return False


def _repeated(model: nn.Module) -> str:
    """The name of a list of layers in which one layer stands several times; empty where there is none."""
    from torch import nn

    for name, each in model.named_modules():
        if isinstance(each, nn.ModuleList | nn.Sequential):
            layers = [layer for layer in each if any(True for _ in layer.parameters())]
            if len(layers) > len(set(map(id, layers))):
                return name or type(model).__name__
    return ""


def _drops_most(model: nn.Module) -> float:
    """The highest share that a dropout of a model sets to zero, where that is nearly all; 0 otherwise."""
    from torch.nn.modules.dropout import _DropoutNd

    shares = [each.p for each in model.modules() if isinstance(each, _DropoutNd)]
    return max((each for each in shares if MOST_DROPPED <= each < 1), default=0.0)


def _alike(model: nn.Module) -> list[str]:
    """The names of one layer with weights that a module holds as two of its attributes; empty where there is none."""
    from torch import nn

    for owner, each in model.named_modules():
        if isinstance(each, nn.ModuleList | nn.ModuleDict | nn.Sequential):
            continue
        names: dict[int, list[str]] = {}
        for name, child in each._modules.items():
            if child is not None and any(True for _ in child.parameters()):
                names.setdefault(id(child), []).append(f"{owner}.{name}".removeprefix("."))
        for found in names.values():
            if len(found) > 1:
                return found
    return []


def _normalised(function: str, given: Tensor) -> str:
    """The fact that predictions are normalised where a loss function does that itself, or are not where it does not."""
    made_by = "" if given.grad_fn is None else given.grad_fn.name()
    if function == "binary_cross_entropy_with_logits":
        return "sigmoid-before-logits" if made_by == "SigmoidBackward0" else ""
    if function not in ("cross_entropy", "nll_loss") or given.dim() < 2 or given.shape[1] < 2 or not given.numel():
        return ""
    values = given.detach()
    low, high = float(values.min()), float(values.max())
    if function == "nll_loss":
        return "no-log-softmax" if high > ALMOST else ""
    if low >= 0 and _is_one(values.sum(1)):
        return "softmax-before-cross-entropy"
    return "log-softmax-before-cross-entropy" if high <= 0 and _is_one(values.exp().sum(1)) else ""


def _viewed(function: str, given: Tensor) -> str:
    """The fact that the scores of each class were brought before those of each step by a view, which mixes both."""
    node = given.grad_fn
    if function != "cross_entropy" or given.dim() != 3 or node is None or node.name() not in VIEWS:
        return ""
    rows, classes, steps = given.shape
    before = tuple(node._saved_self_sym_sizes)  # type: ignore[attr-defined]
    return "viewed-for-transposed" if classes != steps and before == (rows, steps, classes) else ""


def _is_broadcast(root: Tensor) -> bool:
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


def _place(gradient: Tensor) -> int:
    """Where a gradient lies in memory; a sparse one lies at no one place."""
    return 0 if gradient.is_sparse else gradient.data_ptr()


def _witnesses(optimizer: Optimizer) -> list[_Witness]:
    """Some parameters of an optimiser, evenly over all of them."""
    parameters = [each for group in optimizer.param_groups for each in group["params"] if each.requires_grad]
    apart = max(1, len(parameters) // MOST_WITNESSES)
    return [_Witness(ref(each)) for each in parameters[::apart][:MOST_WITNESSES]]


def _is_round(times: int) -> bool:
    """Whether a number is a power of ten."""
    while times % GROWS == 0:
        times //= GROWS
    return times == 1
