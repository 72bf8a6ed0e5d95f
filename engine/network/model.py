"""The network: an embedding, a stack of recurrent layers, and a linear layer to one logit per vocabulary entry."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import psutil
import torch
from torch import Generator, Tensor, nn

from engine.errors import UserError
from engine.settings import Settings

if sys.platform != "win32":
    import resource

CarriedState = tuple[Tensor, ...]
"""For each layer its hidden state and, for an LSTM, its cell state, each (1, streams, hidden)."""


BYTES_IN_TRAINING = 16
"""The bytes per parameter in training: the parameter, its gradient and two moments, in float32."""

OUT_OF_MEMORY = re.compile("allocate memory|out of memory|not enough memory", re.IGNORECASE)
"""The messages of torch's RuntimeError for it, on any device."""

CELLS: Mapping[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
"""The recurrent layer of each cell, by the cell's name in the settings; called with the size of its input, that of its
state, and the number of layers."""


class CharRNN(nn.Module):
    """A character-level recurrent network.

    Each recurrent layer is a module, so that dropout between layers can draw from a given generator: the random numbers
    of a training belong to it alone, and their state goes into its checkpoint.

    Raises torch's RuntimeError where there is not enough memory.
    """

    def __init__(self, settings: Settings, vocabulary_size: int) -> None:
        super().__init__()
        self.cell = settings.cell
        self.hidden = settings.hidden
        # Filled by `initialise`. What torch would draw for it loads torch's compiler where the device is "meta".
        rows = torch.empty(vocabulary_size, settings.embedding)
        self.embedding = nn.Embedding.from_pretrained(rows, freeze=False)  # type: ignore[no-untyped-call]
        inputs = [settings.embedding] + [settings.hidden] * (settings.layers - 1)
        self.rnn = nn.ModuleList(CELLS[settings.cell](size, settings.hidden) for size in inputs)
        self.head = nn.Linear(settings.hidden, vocabulary_size)

    @property
    def states_per_layer(self) -> int:
        """The number of tensors that a layer carries from window to window."""
        return 2 if self.cell == "lstm" else 1

    @torch.no_grad()
    def initialise(self, random: Generator, shares: Tensor) -> None:
        """Draw every parameter: the embedding from N(0, 1), all others uniformly from ±1/√hidden, as torch does.

        The head's bias starts at the logarithm of `shares`, which every network would otherwise learn in its first
        hundred updates.

        Args:
            random: the generator that is drawn from.
            shares: (entries,) the frequency of each entry in the text.
        """
        self.embedding.weight.normal_(generator=random)
        bound = 1 / math.sqrt(self.hidden)
        for module in (self.rnn, self.head):
            for parameter in module.parameters():
                parameter.uniform_(-bound, bound, generator=random)
        self.head.bias.copy_(shares.log())

    def zero_state(self, streams: int) -> CarriedState:
        """The state before the first character: zeros."""
        count = len(self.rnn) * self.states_per_layer
        return tuple(self.head.weight.new_zeros(1, streams, self.hidden) for _ in range(count))

    def masks(self, time: int, streams: int, dropout: float, random: Generator) -> tuple[Tensor, ...]:
        """The factors of each layer's outputs, (time, streams, hidden): 0 where one is dropped, else 1 / (1 - dropout).

        Args:
            time, streams: the size of a window.
            dropout: the share of each layer's outputs set to zero (Zaremba et al. 2014: never between time steps);
                without any, there are no masks.
            random: the generator that is drawn from.
        """
        if not dropout:
            return ()
        shape = (time, streams, self.hidden)
        kept = [self.head.weight.new_empty(shape).bernoulli_(1 - dropout, generator=random) for _ in self.rnn]
        return tuple(each.div_(1 - dropout or 1.0) for each in kept)  # where nothing is kept there is nothing to scale

    def forward(self, ids: Tensor, state: CarriedState, masks: Sequence[Tensor] = ()) -> tuple[Tensor, CarriedState]:
        """Read characters.

        Args:
            ids: (time, streams) int64.
            state: the state from `zero_state` or from the window before.
            masks: the dropout of each layer, from `masks`; none for no dropout.

        Returns:
            The last layer's outputs (time, streams, hidden), which `head` turns into logits, and the state after them.
        """
        outputs = self.embedding(ids)
        carried: list[Tensor] = []
        per_layer = self.states_per_layer
        for index, layer in enumerate(self.rnn):
            before = state[index * per_layer : (index + 1) * per_layer]
            outputs, after = layer(outputs, before if per_layer > 1 else before[0])
            carried += after if per_layer > 1 else [after]
            if masks:
                outputs = outputs * masks[index].to(outputs.dtype)
        return outputs, tuple(carried)

    def step(self, ids: Tensor, state: CarriedState) -> tuple[Tensor, CarriedState]:
        """Read one character of each stream: what `forward` does, in a quarter of the time for a single stream.

        Args:
            ids: (streams,) int64.
            state: as in `forward`.

        Returns:
            The last layer's outputs (streams, hidden), and the state after them.
        """
        outputs = self.embedding(ids)
        carried: list[Tensor] = []
        for index, layer in enumerate(self.rnn):
            weights = cast(nn.RNNBase, layer).all_weights[0]
            if self.cell == "lstm":
                hidden, memory = state[2 * index : 2 * index + 2]
                outputs, memory = torch.lstm_cell(outputs, (hidden[0], memory[0]), *weights)
                carried += [outputs[None], memory[None]]
            else:
                outputs = (torch.gru_cell if self.cell == "gru" else torch.rnn_tanh_cell)(
                    outputs, state[index][0], *weights
                )
                carried.append(outputs[None])
        return outputs, tuple(carried)

    def matrices(self) -> dict[str, Tensor]:
        """The weight matrices by their names on the screen: `embedding`, `rnn.ih0`, `rnn.hh0`, …, `head`."""
        found = {"embedding": self.embedding.weight}
        for index, layer in enumerate(self.rnn):
            found[f"rnn.ih{index}"] = layer.get_parameter("weight_ih_l0")
            found[f"rnn.hh{index}"] = layer.get_parameter("weight_hh_l0")
        return found | {"head": self.head.weight}

    def what_broke(self, loss: float, norms: Sequence[float]) -> str:
        """A sentence that names what is not finite: the loss, or the gradient with its parameters.

        Args:
            loss: the loss of an update.
            norms: the gradient norm of each parameter, in the order of `named_parameters`.
        """
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        names = [name for name, _ in self.named_parameters()]
        broken = [name for name, norm in zip(names, norms, strict=True) if not math.isfinite(norm)]
        where = f" of {', '.join(broken)}" if broken else ""
        return f"the loss is {loss:.4g}, and the gradient{where} is not finite"

    def size(self) -> int:
        """The number of learnt numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def check_memory(settings: Settings, vocabulary_size: int) -> None:
    """Check that the memory can hold the network in training, without allocating it; raises UserError where not."""
    parameters, needed = _needs(settings, vocabulary_size)
    there = _memory()
    if needed > there:
        raise UserError(
            f"{_say_needs(parameters, needed)}, there are {there / 2**30:,.1f}: "
            "use a smaller --hidden, --layers or --embedding"
        )


@contextmanager
def enough_memory(settings: Settings, vocabulary_size: int) -> Iterator[None]:
    """Within it, a failure to allocate memory for such a network becomes a UserError of one line."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and not OUT_OF_MEMORY.search(str(error)):
            raise
        raise UserError(
            f"the memory does not suffice: {_say_needs(*_needs(settings, vocabulary_size))}, and more for "
            f"--streams {settings.streams} × --bptt {settings.bptt}: use a smaller one of these, --hidden or --layers"
        ) from error


def _needs(settings: Settings, vocabulary_size: int) -> tuple[int, int]:
    """The number of parameters of such a network, and the bytes that they take in training."""
    with torch.device("meta"):
        parameters = CharRNN(settings, vocabulary_size).size()
    return parameters, parameters * BYTES_IN_TRAINING


def _say_needs(parameters: int, needed: int) -> str:
    return f"a network of {parameters:,} parameters needs about {needed / 2**30:,.1f} GiB in training"


def _memory() -> int:
    """The number of bytes that this process may use."""
    there = int(psutil.virtual_memory().total)
    if sys.platform == "win32":
        return there
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return there if limit == resource.RLIM_INFINITY else min(there, limit)


def check_parameters(settings: Settings, vocabulary_size: int, tensors: Mapping[str, Tensor]) -> None:
    """Check that `tensors` fit such a network, without allocating it; raises UserError where they do not."""
    with torch.device("meta"):
        expected = CharRNN(settings, vocabulary_size).state_dict()
    if tensors.keys() != expected.keys():
        raise UserError("the checkpoint's parameters have other names than its settings give")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape or tensor.dtype != expected[name].dtype:
            raise UserError(
                f"the checkpoint's {name} is {tuple(tensor.shape)} of {tensor.dtype}, "
                f"its settings give {tuple(expected[name].shape)} of {expected[name].dtype}"
            )


def load_network(settings: Settings, vocabulary_size: int, tensors: Mapping[str, Tensor]) -> CharRNN:
    """A network with the parameters `tensors`; raises UserError where they do not fit."""
    check_parameters(settings, vocabulary_size, tensors)
    network = CharRNN(settings, vocabulary_size)
    network.load_state_dict(tensors)
    return network


def network_name(settings: Settings) -> str:
    """The network's short name, such as `lstm 1×256`."""
    return f"{settings.cell} {settings.layers}×{settings.hidden}"
