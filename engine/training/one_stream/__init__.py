"""Updates of one stream by compiled loops.

With one stream an update is a few matrix-vector products. Torch's calls for them cost many times their arithmetic. Here
one call makes many updates with the same arithmetic, and does not hold the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from engine.settings import Settings
from engine.training import optimisers
from engine.training.annealing import Doubles
from engine.training.compiled import Floats
from engine.training.measurements import RawMeasurements
from engine.training.mutable_state import MutableState
from engine.training.one_stream import arrays as described
from engine.training.one_stream.arrays import Network, Room, Rule, Sums
from engine.training.one_stream.kernel import train
from engine.training.streams import Lengths
from engine.windows import LAST

CELLS = {"rnn": described.RNN, "gru": described.GRU, "lstm": described.LSTM}
OPTIMISERS = {"adamw": described.ADAM, "adam": described.ADAM, "rmsprop": described.RMSPROP, "sgd": described.SGD}
CLIPPING = {"norm": described.CLIP_NORM, "value": described.CLIP_VALUE}


class OneStream:
    """Makes many updates per call. Torch's parameters and optimiser slots are views of the arrays that it changes."""

    def __init__(self, mutable: MutableState) -> None:
        self._mutable = mutable
        parameters = dict(mutable.network.named_parameters())
        rows_and_columns = [(1, *parameter.shape)[-2:] for parameter in parameters.values()]
        sizes = [rows * columns for rows, columns in rows_and_columns]
        begins = np.cumsum([0, *sizes])[:-1]
        self._layout = np.column_stack((begins, rows_and_columns)).astype(np.int64)
        self._weights, places = self._flat(parameters)
        for name, parameter in parameters.items():
            parameter.data = places[name].copy_(parameter.data)
        self._slots = []
        for slot in optimisers.SLOTS[mutable.optimiser.kind]:
            flat, places = self._flat(parameters)
            mutable.optimiser.keep_in(slot, places)
            self._slots.append(flat)
        self._longest = 0

    def train(self, settings: Settings, lengths: Lengths, rates: Doubles) -> RawMeasurements:
        """Make one update per window; see `Autograd.train`."""
        mutable = self._mutable
        self._make_room(int(lengths.max()))
        network = self._network()
        text = mutable.streams.ahead(int(lengths.sum()) + 1)
        count = len(self._layout)
        losses, norms, factors = np.zeros((3, len(lengths)))
        sums = Sums(losses, norms, factors, np.zeros(1, np.int64), np.zeros(count), np.zeros(1), np.zeros(count))

        made = train(network, self._room, _rule(settings), text, lengths, rates, mutable.optimiser.steps, sums)

        mutable.optimiser.steps += made
        mutable.streams.advance(int(lengths[:made].sum()))
        self._carry(network)
        broken = ""
        if made < len(lengths):
            broken = mutable.network.what_broke(float(sums.broken_loss[0]), sums.broken_norms.tolist())
        return RawMeasurements(
            parameter_norm_sums=sums.norms,
            stream_loss_sums=np.dot(sums.losses[:made], lengths[:made]).reshape(1),
            losses=sums.losses[:made].tolist(),
            gradient_norms=sums.gradient_norms[:made].tolist(),
            factors=sums.factors[:made].tolist(),
            clipped=int(sums.clipped[0]),
            broken=broken,
        )

    def _flat(self, parameters: Mapping[str, Tensor]) -> tuple[Floats, dict[str, Tensor]]:
        """One array of zeros for all parameters, and for each parameter its view of it in its own shape."""
        flat = torch.zeros(sum(parameter.numel() for parameter in parameters.values()))
        parts = torch.split(flat, [parameter.numel() for parameter in parameters.values()])
        places = {
            name: part.view(parameter.shape) for part, (name, parameter) in zip(parts, parameters.items(), strict=True)
        }
        return flat.numpy(), places

    def _network(self) -> Network:
        """The network's arrays, with the carried state before the first character."""
        carried = [tensor.numpy()[0, 0] for tensor in self._mutable.carried]
        per_layer = self._mutable.network.states_per_layer
        self._hidden[:, 0] = carried[::per_layer]
        if per_layer > 1:
            self._memory[:, 0] = carried[1::per_layer]
        first, *second = self._slots
        return Network(
            CELLS[self._mutable.network.cell],
            self._layout,
            self._weights,
            first,
            second[0] if second else np.zeros(0, np.float32),
            self._hidden,
            self._memory,
        )

    def _carry(self, network: Network) -> None:
        """Keep the state after the last update for the next call."""
        states = [network.hidden[:, 0], network.memory[:, 0]][: self._mutable.network.states_per_layer]
        carried = [state[layer].copy() for layer in range(len(self._hidden)) for state in states]
        self._mutable.carried = tuple(torch.from_numpy(state).view(1, 1, -1) for state in carried)

    def _make_room(self, longest: int) -> None:
        """Allocate room for windows of at least `longest` characters."""
        if longest <= self._longest:
            return
        self._longest = 1 << (longest - 1).bit_length()
        network = self._mutable.network
        entries, embedding = network.embedding.weight.shape
        layers, hidden, gates = len(network.rnn), network.hidden, int(self._layout[1, 1])
        longest, is_lstm, is_gru = self._longest, network.cell == "lstm", network.cell == "gru"
        self._hidden = _floats(layers, longest + 1, hidden)
        self._memory = _floats(layers, longest + 1, hidden if is_lstm else 0)
        self._room = Room(
            entries=np.zeros(longest, np.int64),
            places=np.zeros(longest, np.int64),
            seen=np.full(entries, -1, np.int64),
            embedded=_floats(longest, embedding),
            table=_floats(longest, gates),
            below=_floats(longest, embedding),
            from_input=_floats(layers, longest, gates),
            from_hidden=_floats(layers, longest if is_gru else 0, gates),
            above=_floats(2, longest, hidden),
            logits=_floats(longest, entries),
            gradient=_floats(len(self._weights)),
            one=np.ones(1, np.float32),
            one_hot=_floats(entries),
        )


def _floats(*shape: int) -> Floats:
    """Zeros that begin at a cache line, since torch allocates them."""
    return torch.zeros(shape).numpy()


def _rule(settings: Settings) -> Rule:
    beta1, beta2 = optimisers.BETAS
    fade = {"rmsprop": optimisers.ALPHA, "sgd": optimisers.MOMENTUM}.get(settings.optimizer, beta1)
    return Rule(
        last=settings.targets == LAST,
        clip=described.CLIP_OFF if settings.clip is None else CLIPPING[settings.clip_by],
        bound=settings.clip or 0.0,
        optimiser=OPTIMISERS[settings.optimizer],
        decay=settings.weight_decay,
        decoupled=settings.optimizer == "adamw",
        fade=fade,
        fade_square=beta2,
        epsilon=optimisers.EPSILON,
    )
