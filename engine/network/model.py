"""The network: an embedding, a stack of recurrent layers, and a linear layer to one logit a vocabulary entry."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psutil
import torch
from torch import Generator, Tensor, nn

from engine.errors import UserError
from engine.settings import Settings

if sys.platform != "win32":
    import resource

CarriedState = tuple[Tensor, ...]
"""For each layer its hidden state and, where the cell is an LSTM, its cell state: each (1, streams, hidden)."""


BYTES_IN_TRAINING = 16
"""A parameter, its gradient and two moments, in float32."""

OUT_OF_MEMORY = re.compile("allocate memory|out of memory|not enough memory", re.IGNORECASE)
"""What torch says then, on one device or another, in a RuntimeError."""

CELLS: dict[str, Callable[[int, int], nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
"""The recurrent layer of each cell, by its name in the settings; called with the sizes of its input and state."""


class CharRNN(nn.Module):
    """A character-level recurrent network.

    The layers are modules of one layer each, so that dropout between them draws from a generator of ours: the random
    numbers of a training belong to it alone, and go into its checkpoint.

    Raises RuntimeError (of torch) where the memory does not suffice.
    """

    def __init__(self, settings: Settings, vocabulary_size: int) -> None:
        super().__init__()
        self.cell = settings.cell
        self.hidden = settings.hidden
        self.embedding = nn.Embedding(vocabulary_size, settings.embedding)
        inputs = [settings.embedding] + [settings.hidden] * (settings.layers - 1)
        self.rnn = nn.ModuleList(CELLS[settings.cell](size, settings.hidden) for size in inputs)
        self.head = nn.Linear(settings.hidden, vocabulary_size)

    @property
    def states_per_layer(self) -> int:
        """How many tensors a layer carries from window to window."""
        return 2 if self.cell == "lstm" else 1

    @torch.no_grad()
    def initialise(self, random: Generator, shares: Tensor) -> None:
        """Draw every parameter: embedding N(0, 1), all others uniform in ±1/√(inputs), as torch does by default.

        The head's bias begins at the logarithm of `shares`, (entries,), how often the text has each entry: what every
        network learns in its first hundred updates need not be learnt.
        """
        self.embedding.weight.normal_(generator=random)
        bound = 1 / math.sqrt(self.hidden)
        for module in (self.rnn, self.head):
            for parameter in module.parameters():
                parameter.uniform_(-bound, bound, generator=random)
        self.head.bias.copy_(shares.log())

    def zero_state(self, streams: int) -> CarriedState:
        """The state before the first character."""
        count = len(self.rnn) * self.states_per_layer
        return tuple(self.head.weight.new_zeros(1, streams, self.hidden) for _ in range(count))

    def forward(
        self, ids: Tensor, state: CarriedState, dropout: float = 0.0, random: Generator | None = None
    ) -> tuple[Tensor, CarriedState]:
        """Read characters.

        Args:
            ids: (time, streams) int64.
            state: what `zero_state` or the window before gave.
            dropout: share of each layer's outputs set to zero (Zaremba et al. 2014: never between time steps).
            random: where dropout's random numbers come from.

        Returns:
            The last layer's outputs (time, streams, hidden), which `head` turns into logits, and the state behind them.
        """
        outputs = self.embedding(ids)
        carried: list[Tensor] = []
        per_layer = self.states_per_layer
        for index, layer in enumerate(self.rnn):
            before = state[index * per_layer : (index + 1) * per_layer]
            outputs, after = layer(outputs, before if per_layer > 1 else before[0])
            carried += after if per_layer > 1 else [after]
            if dropout:
                outputs = _drop(outputs, dropout, random)
        return outputs, tuple(carried)

    def matrices(self) -> dict[str, Tensor]:
        """The weight matrices by the name that the screen shows: `embedding`, `rnn.ih0`, `rnn.hh0`, …, `head`."""
        found = {"embedding": self.embedding.weight}
        for index, layer in enumerate(self.rnn):
            found[f"rnn.ih{index}"] = layer.get_parameter("weight_ih_l0")
            found[f"rnn.hh{index}"] = layer.get_parameter("weight_hh_l0")
        return found | {"head": self.head.weight}

    def what_broke(self, loss: float, norms: Sequence[float]) -> str:
        """Says in words what of a loss and of each parameter's gradient norm is not finite."""
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        names = [name for name, _ in self.named_parameters()]
        broken = [name for name, norm in zip(names, norms, strict=True) if not math.isfinite(norm)]
        where = f" of {', '.join(broken)}" if broken else ""
        return f"the loss is {loss:.4g}, and the gradient{where} is not finite"

    def size(self) -> int:
        """How many numbers the network learns."""
        return sum(parameter.numel() for parameter in self.parameters())


def check_memory(settings: Settings, vocabulary_size: int) -> None:
    """Raises UserError where the memory could not hold the network in training; takes none for one."""
    parameters, needed = _needs(settings, vocabulary_size)
    there = _memory()
    if needed > there:
        raise UserError(
            f"{_say_needs(parameters, needed)}, there are {there / 2**30:,.1f}: "
            "use a smaller --hidden, --layers or --embedding"
        )


@contextmanager
def enough_memory(settings: Settings, vocabulary_size: int) -> Iterator[None]:
    """Within it, torch's failure to get memory for such a network becomes a UserError of one line."""
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
    """How many parameters such a network has, and the bytes that they take in training."""
    with torch.device("meta"):
        parameters = CharRNN(settings, vocabulary_size).size()
    return parameters, parameters * BYTES_IN_TRAINING


def _say_needs(parameters: int, needed: int) -> str:
    return f"a network of {parameters:,} parameters needs about {needed / 2**30:,.1f} GiB in training"


def _memory() -> int:
    """Bytes that this process may use."""
    there = int(psutil.virtual_memory().total)
    if sys.platform == "win32":
        return there
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return there if limit == resource.RLIM_INFINITY else min(there, limit)


def check_parameters(settings: Settings, vocabulary_size: int, tensors: Mapping[str, Tensor]) -> None:
    """Raises UserError where `tensors` are not the parameters of such a network; takes no memory for one."""
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
    """A network with these parameters; raises UserError where they are not its."""
    check_parameters(settings, vocabulary_size, tensors)
    network = CharRNN(settings, vocabulary_size)
    network.load_state_dict(tensors)
    return network


def _drop(outputs: Tensor, share: float, random: Generator | None) -> Tensor:
    kept = torch.empty_like(outputs).bernoulli_(1 - share, generator=random)
    return outputs * kept.div_(1 - share)


def network_name(settings: Settings) -> str:
    """Such as `lstm 1×256`."""
    return f"{settings.cell} {settings.layers}×{settings.hidden}"
