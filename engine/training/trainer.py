"""A training: a network, a text, and everything that the next update depends on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.budget import Budget, CoolDownSpan, Position
from engine.errors import TextLostError, UserError
from engine.network.compute import Compute, choose, has_bfloat16
from engine.network.model import CharRNN, check_parameters
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.training.annealing import Course, Doubles, cooled, rates, shares
from engine.training.autograd import Autograd
from engine.training.measurements import Measurements
from engine.training.mutable_state import MutableState
from engine.training.optimisers import Optimiser
from engine.training.randomness import Randomness
from engine.training.state import COMPILED, DTYPES, Counters, SortedTensors, State, parameters
from engine.training.streams import Lengths, Streams
from engine.training.subject import Subject

if TYPE_CHECKING:
    from engine.training.one_stream import OneStream


COUNTED = 1_000_000
"""The most entries of the training split that are counted for the head's initial bias."""


class Trainer:
    """Trains one network on one text. All its random numbers follow from `settings.seed`."""

    def __init__(self, corpus: Corpus, settings: Settings, compute: Compute) -> None:
        self.corpus = corpus
        self.settings = settings
        self.compute = compute
        self.counters = _counted(Counters(shards=min(compute.shards, settings.streams)), compute, settings)
        self._random = Randomness(settings.seed, compute.device)
        self.network = CharRNN(settings, corpus.vocabulary.size)
        self.network.initialise(self._random.initial(), _shares(corpus))
        self.network.to(compute.device)
        self._mutable = MutableState(
            self.network,
            Optimiser(self.network, settings),
            Streams(corpus.training, settings.streams, compute.device),
            self.network.zero_state(settings.streams),
            self._random,
        )
        self._autograd = Autograd(self._mutable, compute, self.counters)
        self._one_stream = _one_stream(self._mutable) if compute.compiled and settings.streams == 1 else None
        order = {id(parameter): place for place, parameter in enumerate(self.network.parameters())}
        self._matrix_places = [order[id(matrix)] for matrix in self.network.matrices().values()]

    @classmethod
    def restored(cls, corpus: Corpus, state: State, compute: Compute) -> Trainer:
        """A trainer that continues from `state`; raises UserError where that belongs to another network or text."""
        check_parameters(state.settings, corpus.vocabulary.size, parameters(state))
        trainer = cls(corpus, state.settings, compute)
        trainer.restore(state)
        return trainer

    @property
    def compiled(self) -> bool:
        """Whether the compiled loops for one stream make the next update; they have no dropout."""
        return self._one_stream is not None and self.compute.compiled and not self.settings.dropout

    @property
    def uncompiled(self) -> str:
        """Why a single stream is trained without the compiled loops; empty with them, and for several streams."""
        if self.settings.streams > 1 or self.compiled or self.compute.trouble:
            return ""
        bfloat16, device = self.compute.dtype is torch.bfloat16, self.compute.device.type
        what = "dropout" if self.settings.dropout else "bfloat16" if bfloat16 else f"the device {device}"
        return f"{what} is not in the compiled loops for one stream: without them it is slower"

    def train(self, most: int = 1, course: Course | None = None, until: Budget | None = None) -> Measurements:
        """Read windows and make one update per window.

        Args:
            most: the largest number of updates; fewer are made where the warm-up or the budget ends.
            course: the planned end of the training, which the learning rate follows.
            until: an earlier end, which does not affect the learning rate.

        Returns:
            The measurements of the updates made. It ends before an update whose loss or gradient is not finite, and
            `broken` says so. That update changes nothing, so the next call reads the same window again.

        Raises:
            TextLostError: the first window can no longer be read; nothing has changed.
        """
        course = course or Course()
        warm_up_left = self.settings.warmup - self.counters.updates
        count = min(most, warm_up_left) if warm_up_left > 0 else most
        random_before = self._random.lengths.bit_generator.state
        lengths = self._draw(count)
        for end in (course.budget, until or course.budget):
            lengths = lengths[: self._before_end(lengths, end)]
        rates = self._rates(lengths, course)

        way = self._one_stream if self._one_stream is not None and self.compiled else self._autograd
        try:
            with _no_subnormals():
                raw = way.train(self.settings, lengths, rates)
        except TextLostError:
            self._random.lengths.bit_generator.state = random_before
            raise

        made = raw.updates
        if made < count:
            self._random.lengths.bit_generator.state = random_before
            self._draw(made)
        measured = Measurements.converted(
            raw, lengths[:made], rates[:made], self._matrix_places, self.corpus.tokens_per_char
        )
        self._count(made, measured.length * self.settings.streams)
        return measured

    def rate(self, course: Course | None = None) -> float:
        """The learning rate of the next update."""
        return float(self._rates(np.ones(1, np.int64), course or Course())[0])

    @property
    def chars(self) -> int:
        """The number of characters trained on, over all streams."""
        return self._as_chars(self.counters.tokens)

    @property
    def places(self) -> Doubles:
        """The place of each stream in the training split as a share 0 … 1, (streams,)."""
        shares: Doubles = self._mutable.streams.cursors / len(self.corpus.training)
        return shares

    @property
    def warm_chars(self) -> int:
        """The number of characters trained on when the warm-up ended."""
        return self._as_chars(self.counters.warm_tokens)

    def use_threads(self, threads: int) -> None:
        """Compute with `threads` threads from now on; every bit stays as it is where they share out the streams."""
        self.compute = self._autograd.compute = replace(self.compute, threads=threads)
        self.compute.apply()

    def turn(self, settings: Settings) -> None:
        """Apply new values of the knobs; every other setting must be as it is.

        Raises:
            UserError: the machine lacks the number type; nothing has changed then.
        """
        self._follow(settings)
        self.counters = replace(self.counters, changes=self.counters.changes + 1)

    def cool_down(self, span: CoolDownSpan | None) -> None:
        """Begin a cool-down, or end it with None."""
        self.counters = replace(self.counters, changes=self.counters.changes + 1, cool_down=span)

    def state(self) -> State:
        """A copy of everything that the next update depends on."""
        mutable = self._mutable
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"optimiser.{name}": tensor for name, tensor in mutable.optimiser.slots().items()}
        tensors |= {f"carried.{index}": tensor for index, tensor in enumerate(mutable.carried)}
        copies = {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
        copies["streams.cursors"] = torch.from_numpy(mutable.streams.cursors.copy())
        return State(self.settings, self.counters, self._random.state(), copies)

    def subject(self, course: Course | None = None) -> Subject:
        """The view for instruments, valid until the next update."""
        mutable = self._mutable
        return Subject(
            self.network,
            self.settings,
            self.compute,
            self.corpus,
            mutable.streams.cursors,
            mutable.carried,
            mutable.optimiser.slots(),
            self.rate(course),
        )

    def restore(self, state: State) -> None:
        """Go to an earlier or later state of the same network on the same text.

        Raises:
            UserError: the state belongs to another network or text; nothing has changed then.
        """
        kept = SortedTensors.of(state)
        self._check(kept)
        if not 1 <= state.counters.shards <= self.settings.streams:
            raise UserError(f"the checkpoint's streams cannot be shared out over {state.counters.shards} shards")
        before = self._random.state()
        try:
            self._random.restore(state.random)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            self._random.restore(before)
            raise UserError("the checkpoint's random generators are damaged") from error
        self._follow(state.settings)
        self.network.load_state_dict(kept.network)
        self._mutable.optimiser.load(kept.optimiser)
        self._mutable.carried = tuple(tensor.to(self.compute.device, copy=True) for tensor in kept.carried)
        self._mutable.streams.cursors = kept.cursors.numpy() % len(self.corpus.training)
        self._pass_as(state.counters)

    def _pass_as(self, counters: Counters) -> None:
        """Make the passes as a state's own: every bit depends on how."""
        compute = replace(self.compute, shards=counters.shards)
        if self.settings.streams > 1 and compute.device.type == "cpu":
            dtype = self._dtype(counters)
            same = replace(compute, dtype=dtype, compiled=bool(counters.compiled))
            # A machine may lack the loops of this number type.
            as_made = bool(_loops(same, self.settings)) == bool(counters.compiled)
            compute = same if as_made else replace(compute, compiled=False)
        self.counters = _counted(counters, compute, self.settings)
        if compute != self.compute:
            self.compute = compute
            self.compute.apply()
            self._autograd = Autograd(self._mutable, compute, self.counters)

    def _dtype(self, counters: Counters) -> torch.dtype:
        """The number type of a state's own passes, unless the user asks for one, or the machine lacks it."""
        own = COMPILED.get(counters.compiled) if counters.dtype is None else DTYPES[counters.dtype]
        if own is None or self.settings.dtype != "auto":
            return self.compute.dtype
        lacks = own is torch.bfloat16 and not has_bfloat16(self.settings.cell, self.compute.device)
        return self.compute.dtype if lacks else own

    def _follow(self, settings: Settings) -> None:
        """Use new settings from now on, with their number type."""
        if settings.dtype != self.settings.dtype:
            chosen = choose(settings)
            # Several streams go on as they were; a single one as the number type asks for.
            compiled = bool(self.counters.compiled) if settings.streams > 1 else chosen.compiled
            self.compute = replace(chosen, threads=self.compute.threads, shards=self.compute.shards, compiled=compiled)
            self.counters = _counted(self.counters, self.compute, settings)
            self.compute.apply()
            self._autograd = Autograd(self._mutable, self.compute, self.counters)
        self.settings = settings

    def _draw(self, count: int) -> Lengths:
        """The lengths of the next windows; none is longer than the text."""
        return np.minimum(self.settings.bptt.draw(self._random.lengths, count), len(self.corpus.training) - 1)

    def _before_end(self, lengths: Lengths, budget: Budget) -> int:
        """The number of these windows that begin before the budget's end; at least one."""
        updates, chars = self._places(lengths)
        inside = np.ones(len(lengths), bool)
        if budget.updates is not None:
            inside &= updates < budget.updates
        if budget.chars is not None:
            inside &= chars < budget.chars
        return max(1, int(inside.sum()))

    def _rates(self, lengths: Lengths, course: Course) -> Doubles:
        """The learning rate for each of the next windows, (windows,)."""
        counters, settings = self.counters, self.settings
        updates, chars = self._places(lengths)
        annealed = np.zeros(len(lengths))
        if counters.updates >= settings.warmup:
            start = Position(settings.warmup, self.warm_chars, course.warm_seconds)
            annealed = shares(course.budget, start, updates, chars, course.seconds)
        if counters.cool_down:
            annealed = np.maximum(annealed, cooled(counters.cool_down, updates))
        return rates(settings.lr, updates, settings.warmup, annealed)

    def _places(self, lengths: Lengths) -> tuple[Doubles, Doubles]:
        """The numbers of updates made and characters read before each of the next windows, each (windows,)."""
        counters = self.counters
        updates = counters.updates + np.arange(len(lengths), dtype=np.float64)
        tokens = counters.tokens + self.settings.streams * (np.cumsum(lengths) - lengths)
        return updates, np.rint(tokens / self.corpus.tokens_per_char)

    def _count(self, updates: int, tokens: int) -> None:
        made, read = self.counters.updates + updates, self.counters.tokens + tokens
        warm = read if made <= self.settings.warmup else self.counters.warm_tokens
        self.counters = replace(self.counters, updates=made, tokens=read, warm_tokens=warm)

    def _as_chars(self, tokens: int) -> int:
        return round(tokens / self.corpus.tokens_per_char)

    def _check(self, kept: SortedTensors) -> None:
        check_parameters(self.settings, self.corpus.vocabulary.size, kept.network)
        expected_states = [(tensor.shape, tensor.dtype) for tensor in self._mutable.carried]
        if [(tensor.shape, tensor.dtype) for tensor in kept.carried] != expected_states:
            raise UserError("the checkpoint's carried state has another shape than its settings give")
        cursors = kept.cursors
        if cursors.dtype != torch.int64 or cursors.shape != self._mutable.streams.cursors.shape:
            raise UserError("the checkpoint's cursors are not one for each stream")
        # A checkpoint of a version that withheld nothing may have a cursor behind the last place of today's split.
        if not bool(((cursors >= 0) & (cursors < self.corpus.split)).all()):
            raise UserError("the checkpoint's cursors lie outside the text")
        self._mutable.optimiser.check(kept.optimiser)


def _shares(corpus: Corpus) -> Tensor:
    """The frequency of each entry among the first `COUNTED` of the text, (entries,), with one added to each count."""
    counts = np.bincount(corpus.training[:COUNTED], minlength=corpus.vocabulary.size) + 1
    return torch.from_numpy(counts / counts.sum())


@contextmanager
def _no_subnormals() -> Iterator[None]:
    """Within it, this thread treats subnormal numbers as zeros.

    The optimiser's moments for rare characters decay into such numbers, and a processor takes many times as long for
    these.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _counted(counters: Counters, compute: Compute, settings: Settings) -> Counters:
    """The counters of a training that is computed this way."""
    (dtype,) = (name for name, each in DTYPES.items() if each is compute.dtype)
    return replace(counters, compiled=_loops(compute, settings), dtype=dtype)


def _loops(compute: Compute, settings: Settings) -> int:
    """Which compiled loops make the passes of several streams, as a checkpoint says it; 0 for none."""
    if not compute.compiled or settings.streams == 1:
        return 0
    # Numba takes long to load.
    from engine.training.compiled import COMPILES
    from engine.training.compiled.blas import MULTIPLIES_BFLOAT16

    if not COMPILES:
        return 0
    return int(compute.dtype is not torch.bfloat16) or 2 * MULTIPLIES_BFLOAT16


def _one_stream(mutable: MutableState) -> OneStream:
    # Numba takes long to load, and only training with one stream needs it.
    from engine.training.building import build
    from engine.training.one_stream import OneStream

    build(lambda: None)
    return OneStream(mutable)
