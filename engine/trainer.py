"""One update, readable from top to bottom."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from engine.clipping import GradientSize, clip, measure
from engine.compute import Compute
from engine.corpus import Corpus
from engine.errors import UserError
from engine.model import CarriedState, CharRNN, check_parameters
from engine.optimisers import build, check_slots, load_slots, slots
from engine.randomness import Randomness, RandomState
from engine.schedule import CoolDownSpan, rate
from engine.settings import Settings
from engine.streams import Streams
from engine.windows import ALL


@dataclass(frozen=True, slots=True)
class Update:
    """What one update measured.

    Attributes:
        loss: nats per character, the mean over the window's targets, before the step.
        length: characters of each stream's window.
        gradient: norms before clipping; `each` holds the weight matrices alone.
        lr: the learning rate that was used.
    """

    loss: float
    length: int
    gradient: GradientSize
    lr: float


class NotFiniteError(ArithmeticError):
    """The loss or the gradient of an update was not finite; the update was not made and nothing has changed."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Where a training is.

    Attributes:
        updates: updates made.
        tokens: vocabulary entries read, over all streams.
        warm_tokens: the same when the warm-up ended, which is where a budget's cosine begins.
        changes: knob changes that it has gone through.
        cool_down: the cosine that was asked for by key.
    """

    updates: int = 0
    tokens: int = 0
    warm_tokens: int = 0
    changes: int = 0
    cool_down: CoolDownSpan | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the next update depends on, apart from the text.

    Attributes:
        settings: with every knob as it is applied.
        counters: where the training is.
        random: where the generators are.
        tensors: parameters, optimiser slots, carried state and cursors, by name.
    """

    settings: Settings
    counters: Counters
    random: RandomState
    tensors: dict[str, Tensor]

    def size(self) -> int:
        """Bytes held."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


class Trainer:
    """Trains one network on one text. Everything random in it follows from `settings.seed`."""

    def __init__(self, corpus: Corpus, settings: Settings, compute: Compute) -> None:
        self.corpus = corpus
        self.settings = settings
        self.compute = compute
        self.counters = Counters()
        self._random = Randomness(settings.seed, compute.device)
        self.network = CharRNN(settings, corpus.vocabulary.size)
        self.network.initialise(self._random.initial())
        self.network.to(compute.device)
        self._parameters = list(self.network.parameters())
        self._optimiser = build(self._parameters, settings)
        self._streams = Streams(corpus.training, settings.streams, compute.device)
        self._carried = self.network.zero_state(settings.streams)
        order = {id(parameter): place for place, parameter in enumerate(self._parameters)}
        self._matrix_places = [order[id(matrix)] for matrix in self.network.matrices().values()]

    @classmethod
    def restored(cls, corpus: Corpus, state: State, compute: Compute) -> Trainer:
        """A trainer that goes on from `state`; raises UserError where it is of another network or text."""
        check_parameters(state.settings, corpus.vocabulary.size, parameters(state))
        trainer = cls(corpus, state.settings, compute)
        trainer.restore(state)
        return trainer

    def update(self, annealed: float = 0.0) -> Update:
        """Read a window and make one step.

        Args:
            annealed: the share of the way to the budget's end, 0 … 1, which the learning rate follows.

        Raises:
            NotFiniteError: the loss or the gradient was not finite. Nothing has changed: asked again, the same window
                is read again.
        """
        random_before = self._random.state()
        length = min(self.settings.bptt.draw(self._random.lengths), len(self.corpus.training) - 1)
        inputs, targets = self._streams.window(length)

        with self.compute.precision():
            outputs, carried = self.network(inputs, self._carried, self.settings.dropout, self._random.dropout)
            if self.settings.targets == ALL:
                logits, expected = self.network.head(outputs).flatten(0, 1), targets.flatten()
            else:
                logits, expected = self.network.head(outputs[-1]), targets[-1]
            loss = functional.cross_entropy(logits, expected)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]

        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        # The one point where a GPU is waited for: whether the step may be made depends on these numbers.
        sizes = measure(gradients)
        *norms, total, loss_value = torch.cat((sizes, loss.detach().reshape(1))).tolist()
        if not (math.isfinite(total) and math.isfinite(loss_value)):
            self._random.restore(random_before)
            raise NotFiniteError(self._what_broke(loss_value, norms))

        lr = self.rate(annealed)
        for group in self._optimiser.param_groups:
            group["lr"] = lr
            group["weight_decay"] = self.settings.weight_decay
        clipped = clip(self._parameters, sizes[-1], self.settings)
        self._optimiser.step()

        self._carried = tuple(tensor.detach().float() for tensor in carried)
        self._streams.advance(length)
        self._count(length * self.settings.streams)
        each = tuple(norms[place] for place in self._matrix_places)
        nats = loss_value * self.corpus.tokens_per_char
        return Update(nats, length, GradientSize(total, each, clipped), lr)

    def rate(self, annealed: float = 0.0) -> float:
        """The learning rate of the next update."""
        if span := self.counters.cool_down:
            annealed = max(annealed, span.progress(self.counters.updates))
        return rate(self.settings.lr, self.counters.updates, self.settings.warmup, annealed)

    @property
    def chars(self) -> int:
        """Characters trained on, over all streams."""
        return self._as_chars(self.counters.tokens)

    @property
    def warm_chars(self) -> int:
        """Characters trained on when the warm-up ended."""
        return self._as_chars(self.counters.warm_tokens)

    def turn(self, settings: Settings) -> None:
        """Take other values for the knobs; everything that is no knob must be as it is."""
        self.settings = settings
        self.counters = replace(self.counters, changes=self.counters.changes + 1)

    def cool_down(self, span: CoolDownSpan | None) -> None:
        """Begin, or with None end, a cool-down."""
        self.counters = replace(self.counters, changes=self.counters.changes + 1, cool_down=span)

    def state(self) -> State:
        """A copy of everything that the next update depends on."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"optimiser.{name}": tensor for name, tensor in slots(self._optimiser, self._names()).items()}
        tensors |= {f"carried.{index}": tensor for index, tensor in enumerate(self._carried)}
        copies = {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
        copies["streams.cursors"] = torch.from_numpy(self._streams.cursors.copy())
        return State(self.settings, self.counters, self._random.state(), copies)

    def restore(self, state: State) -> None:
        """Go back, or forth, to a state of the same network on the same text.

        Raises:
            UserError: the state is of another network or text; nothing has changed then.
        """
        parts = _Parts.of(state)
        self._check(parts)
        before = self._random.state()
        try:
            self._random.restore(state.random)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            self._random.restore(before)
            raise UserError(f"the checkpoint's random generators are damaged ({error})") from error
        self.network.load_state_dict(parts.network)
        load_slots(self._optimiser, self._names(), parts.optimiser)
        self._carried = tuple(tensor.to(self.compute.device, copy=True) for tensor in parts.carried)
        self._streams.cursors = parts.cursors.numpy().copy()
        self.settings = state.settings
        self.counters = state.counters

    def _count(self, tokens: int) -> None:
        updates, read = self.counters.updates + 1, self.counters.tokens + tokens
        warm = read if updates <= self.settings.warmup else self.counters.warm_tokens
        self.counters = replace(self.counters, updates=updates, tokens=read, warm_tokens=warm)

    def _as_chars(self, tokens: int) -> int:
        return round(tokens / self.corpus.tokens_per_char)

    def _names(self) -> list[str]:
        return [name for name, _ in self.network.named_parameters()]

    def _what_broke(self, loss: float, norms: list[float]) -> str:
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        broken = [name for name, norm in zip(self._names(), norms, strict=True) if not math.isfinite(norm)]
        where = f" of {', '.join(broken)}" if broken else ""
        return f"the loss is {loss:.4g}, and the gradient{where} is not finite"

    def _check(self, parts: _Parts) -> None:
        check_parameters(self.settings, self.corpus.vocabulary.size, parts.network)
        expected_states = [(tensor.shape, tensor.dtype) for tensor in self._carried]
        if [(tensor.shape, tensor.dtype) for tensor in parts.carried] != expected_states:
            raise UserError("the checkpoint's carried state has another shape than its settings give")
        cursors = parts.cursors
        if cursors.dtype != torch.int64 or cursors.shape != self._streams.cursors.shape:
            raise UserError("the checkpoint's cursors are not one for each stream")
        if not bool(((cursors >= 0) & (cursors < len(self.corpus.training))).all()):
            raise UserError("the checkpoint's cursors lie outside the text")
        check_slots(self._optimiser, self._names(), parts.optimiser)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A state's tensors, sorted."""

    network: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    carried: CarriedState
    cursors: Tensor

    @classmethod
    def of(cls, state: State) -> _Parts:
        """Raises UserError where a tensor is missing or unknown."""
        network: dict[str, Tensor] = {}
        optimiser: dict[str, Tensor] = {}
        carried: dict[int, Tensor] = {}
        rest: dict[str, Tensor] = {}
        for name, tensor in state.tensors.items():
            family, _, local = name.partition(".")
            if family == "network":
                network[local] = tensor
            elif family == "optimiser":
                optimiser[local] = tensor
            elif family == "carried" and local.isdecimal():
                carried[int(local)] = tensor
            else:
                rest[name] = tensor
        if rest.keys() != {"streams.cursors"}:
            raise UserError("the checkpoint's tensors are not those of a training")
        ordered = tuple(tensor for _, tensor in sorted(carried.items()))
        return cls(network, optimiser, ordered, rest["streams.cursors"])


def parameters(state: State) -> dict[str, Tensor]:
    """The network's parameters within a state, by the names that the network gives them."""
    return _Parts.of(state).network


def finite(state: State) -> bool:
    """Whether every number that a state holds is finite: a state that is not must not replace one that is."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in state.tensors.values())
