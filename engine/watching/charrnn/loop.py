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
from charrnn.layers import alike, depends_on_mode, drops_most, repeated
from charrnn.losses import is_broadcast, normalised, viewed
from charrnn.models import models_of, names_of
from charrnn.order import Order, signs, witnesses_of
from charrnn.sites import Site, Sites

if TYPE_CHECKING:
    from types import CodeType

    from torch import Tensor, nn
    from torch.optim import Optimizer

TOLD = (1, 3, 10, 30, 100)
"""How often a fact has held when it is written down; after that at each tenfold."""

GROWS = 10

LOOKS = 64
"""The backward passes that are all looked at after an optimiser is new."""

APART = 64
"""How many steps apart the order of things is looked at after those backward passes."""

OFTEN_CHECKED = 8
"""The losses whose predictions are looked at; after them, those at each tenfold."""

CLIPS = 5
"""How often it is looked at which parameters are clipped."""

STEPS_UNTIL_CHECKED = 10
"""The steps after which parameters that have had no gradient never get one."""

PASSES_WITHOUT_A_STEP = 24
"""The backward passes without a step after which parameters are looked at, to see whether they change."""

ANEW = 8
"""The optimisers in a row that must have made a single step each, with the same parameters."""

TURNS = 3
"""The changes between training and evaluation mode, with steps in both."""

MOST_UNMOVED, MOST_NAMES = 8, 4

MOST_NODES = 200
"""The most nodes of a graph that are looked at: one that is made of numbers alone is small."""

LONGEST_SOURCE = 100_000
"""The most characters of a file that are written down."""

LONGEST_MESSAGE = 2_000
"""The most characters of an exception's message that are written down."""

AGAIN = "backward through the graph a second time"
"""Words of the exception that torch raises where a graph is used again whose values are gone."""


@dataclass(slots=True)
class Loop:
    """Takes what a program does, in its order, and writes down what is out of it."""

    journal: Writer
    sites: Sites = field(default_factory=Sites)
    _orders: WeakKeyDictionary[Optimizer, Order] = field(default_factory=WeakKeyDictionary)
    _times: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _known: tuple[Order, ...] = ()
    _backwards: int = 0
    _new: int = 0
    _sources: set[str] = field(default_factory=set)
    _code: CodeType | None = None
    _losses: int = 0
    _models: tuple[ReferenceType[nn.Module], ...] = ()
    _unmoved: list[tuple[ReferenceType[Tensor], Tensor]] = field(default_factory=list)
    _clips: int = 0
    _clipped: set[int] = field(default_factory=set)
    _clip_site: Site | None = None
    _rootless: bool = False
    _in_backward: bool = False
    _looked_up: bool = False
    _steps: int = 0
    _outside: dict[int, tuple[int, int]] = field(default_factory=dict)
    _every: tuple[ReferenceType[nn.Module], ...] = ()
    _mode: bool | None = None
    _turns: int = 0
    _anew: int = 0
    _newest: Order | None = None
    _passed: tuple[Site | None, int] = (None, 0)
    model_site: Site | None = None
    """Where the loop calls its model."""
    decoder_site: Site | None = None
    """Where it calls the last one of several that have inputs of their own, as a decoder has."""
    alone: bool = True
    """Whether no other thread trains."""
    is_awake: bool = True
    """Whether the order of things is looked at until the next step. If not, nothing needs to be told of it."""

    @property
    def has_optimizer(self) -> bool:
        """Whether an optimiser of torch has made a step."""
        return bool(self._known)

    def model_called(self) -> None:
        """A recurrent module is called in a window that is looked at."""
        self.model_site = self.sites.caller(self._code)

    def decoder_called(self) -> None:
        """Another recurrent module is called in such a window, with inputs of its own."""
        self.decoder_site = self.sites.caller(self._code)

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
        models = list(models)
        self._models = tuple(ref(each) for each in models if depends_on_mode(each))
        self._every = tuple(map(ref, models))
        self._turns, self._mode = 0, None
        for model in models:
            if name := repeated(model):
                self._tell("module-repeated", None, name=name)
            if drops := drops_most(model):
                self._tell("dropout-of-most", None, share=f"{drops:.0%}", kept=f"{1 - drops:.2g}")
            if names := alike(model):
                self._tell("module-twice", None, names=" and ".join(names))

    def loss_computed(self, function: str, given: Tensor, value: Tensor) -> None:
        """A loss function was given predictions, and has returned a value."""
        self._losses += 1
        if not value.requires_grad:
            if any(model.training for held in self._models if (model := held()) is not None):
                self._tell("validation-in-train-mode", self.sites.caller())
        elif self._losses <= OFTEN_CHECKED or _is_round(self._losses):
            for fact in (normalised(function, given), viewed(function, given)):
                if fact:
                    self._tell(fact, self.sites.caller())

    def backward_begins(self, roots: Sequence[Tensor]) -> None:
        """A backward pass begins at these tensors. Some programs make their steps in it, from a parameter's hook."""
        self._in_backward = True
        if self._backwards - self._new < LOOKS or not self._looked_up:
            self._looked_up = True
            self._code = self.sites.code()
            self._tell_source(self.sites.caller())
            models = [model for held in self._models if (model := held()) is not None]
            if models and not any(model.training for model in models):
                self._tell("training-in-eval-mode", self.sites.caller())
        if self._backwards - self._new < OFTEN_CHECKED:
            own = {id(each) for one in self._orders for each in _parameters(one)}
            self._rootless = any(_is_made_anew(root, own) for root in roots)
            if any(map(is_broadcast, roots)):
                self._tell("broadcast", self.sites.caller())
        if self._rootless:
            self._tell("loss-without-its-graph", self.sites.caller())
        if not self._orders:
            self._look_for_steps()
        place = self.sites.caller() if self.is_awake and self._known else None
        again = place is not None and (place, self._steps) == self._passed
        for order in self._known:
            if order.kept:
                order.kept = all(each.untouched for each in order.witnesses)
            if again and order.backwards and order.stepped:
                order.see_lost()
        self._passed = place, self._steps

    def backward_ended(self) -> None:
        """A backward pass has left its gradients."""
        self._in_backward = False
        self._backwards += 1
        for order in self._known:
            order.backwards += 1
            for each in order.witnesses:
                order.arrived |= each.look()
            order.weights = order.versions()

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
            self._clipped |= {id(each) for each in parameters}
            self._clip_site = self.sites.caller()
        if self.is_awake:
            for order in self._known:
                if order.backwards:
                    order.gradients_shortened()
        if not self.is_awake or not any(each.stepped and not each.backwards for each in self._known):
            return
        given = {id(each) for each in parameters}
        orders = [each for each in self._known if each.stepped and each.holds_one_of(given)]
        if orders and all(each.backwards == 0 for each in orders):
            self._tell("clipped-without-a-gradient", self.sites.caller())

    def step_begins(self, optimizer: Optimizer, closure: bool) -> None:
        """An optimiser is about to change its parameters; with a closure it computes their gradients itself."""
        order = self._orders.get(optimizer)
        if order is None:
            order = self._orders[optimizer] = Order(witnesses_of(optimizer), backwards=self._backwards)
            order.arrived = any(each.gradient is not None for each in order.witnesses)
            self._see_anew(optimizer, order)
            self._known, self._new = tuple(self._orders.values()), self._backwards
            self._losses = self._clips = 0  # Another loop may have begun.
            self.is_awake = True
        self._see_mode()
        self._check_clipped(optimizer)
        if closure or self._in_backward or not (order.stepped or order.arrived):
            return
        if order.steps < STEPS_UNTIL_CHECKED:
            self._check_parameters(optimizer, order)
        has_gradient = any(each.gradient is not None for each in order.witnesses)
        if not order.backwards:
            if all(each.is_old for each in order.witnesses):
                self._tell("step-without-backward", self.sites.caller())
        elif not has_gradient:
            if order.arrived or not self._rootless:  # Otherwise it has been told why there are none.
                self._tell("zeroed-before-step" if order.arrived else "gradients-elsewhere", self.sites.caller())
        elif order.stepped and order.kept:
            self._tell("gradients-kept", self.sites.caller())
        elif order.lost and order.lost == order.backwards - 1 and order.is_untouched:
            self._tell("zeroed-between-passes", self.sites.caller(), passes=order.backwards)

    def _see_anew(self, optimizer: Optimizer, order: Order) -> None:
        """Whether an optimiser takes the place of one that has made a single step with the same parameters."""
        before, self._newest = self._newest, order
        pairs = zip(before.witnesses, order.witnesses, strict=False) if before is not None and before.steps == 1 else ()
        same = [one.parameter() is other.parameter() is not None for one, other in pairs]
        self._anew = self._anew + 1 if same and all(same) else 0
        # One that has no memory loses nothing.
        if self._anew >= ANEW and optimizer.defaults.get("momentum", 1):
            self._tell("optimizer-anew", self.sites.caller())

    def _see_mode(self) -> None:
        """Whether steps are made in training mode and in evaluation mode by turns."""
        modes = {model.training for held in self._every if (model := held()) is not None}
        if len(modes) != 1 or (mode := modes.pop()) == self._mode:
            return
        self._turns, self._mode = self._turns + (self._mode is not None), mode
        if self._turns >= TURNS and not mode:
            self._tell("steps-in-both-modes", self.sites.outer())

    def updates_lost(self, share: float, dtype: str) -> None:
        """An update has left this share of the numbers that have a gradient as they were."""
        self._tell("updates-lost", None, share=f"{share:.0%}", dtype=dtype)

    @property
    def rests(self) -> int:
        """The steps to come that nothing is to be told of."""
        apart = APART * len(self._known)
        return 0 if self.is_awake else apart - self._steps % apart

    def passed_by(self, steps: int) -> None:
        """So many steps were made that nothing was told of, at most `rests`."""
        self._steps += steps

    def step_ended(self, optimizer: Optimizer) -> None:
        """An optimiser has changed its parameters."""
        self._steps += 1
        awake, self.is_awake = self.is_awake, self._is_due
        if not self.is_awake:
            if awake:
                self._looked_up = False
                for order in self._known:
                    order.begin()
            return
        order = self._orders[optimizer]
        for each in order.witnesses:
            each.look()
        order.begin()
        order.stepped = True
        order.steps += 1

    @property
    def _is_due(self) -> bool:
        """Whether the order of things is looked at until the next step.

        Later in a training that is so for some steps in a row, of each of several optimisers that take turns.
        """
        many = len(self._known)
        return self._backwards - self._new < LOOKS or self._steps % (APART * many) <= 2 * many

    def _check_parameters(self, optimizer: Optimizer, order: Order) -> None:
        """Which parameters have had no gradient in the first steps, and which have one and are in no optimiser."""
        own = _parameters(optimizer)
        order.with_gradient |= {id(each) for each in own if each.grad is not None}
        if not self.alone:
            return
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

    def _check_clipped(self, optimizer: Optimizer) -> None:
        """Whether only some parameters of an optimiser were clipped before its step, by one call or several."""
        own = [each for each in _parameters(optimizer) if each.grad is not None]
        left = [each for each in own if id(each) not in self._clipped]
        if self._clipped and len(left) < len(own):
            self._clips += 1
            if left:
                self._tell("clipped-some", self._clip_site, **_some(left, own, models_of(own)))
        self._clipped -= {id(each) for each in own}

    def _look_for_steps(self) -> None:
        """Whether the parameters change though no optimiser has made a step: some programs change them by hand."""
        import torch

        if self._backwards == PASSES_WITHOUT_A_STEP and self.alone:
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


def _some(some: Sequence[Tensor], every: Sequence[Tensor], models: Sequence[nn.Module]) -> dict[str, Any]:
    """Some parameters of others, for the journal: how many, and the names of the first."""
    return {"some": len(some), "every": len(every), "names": ", ".join(names_of(some[:MOST_NAMES], models))}


def _is_round(times: int) -> bool:
    """Whether a number is a power of ten."""
    while times % GROWS == 0:
        times //= GROWS
    return times == 1
