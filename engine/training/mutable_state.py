"""Everything that an update changes."""

from __future__ import annotations

from dataclasses import dataclass

from engine.network.model import CarriedState, CharRNN
from engine.training.optimisers import Optimiser
from engine.training.randomness import Randomness
from engine.training.streams import Streams


@dataclass(slots=True)
class MutableState:
    """Everything that an update changes, whichever way it is computed. A `State` holds copies of it.

    Attributes:
        network: the network; its parameters change in place.
        optimiser: the optimiser; its slots change in place.
        streams: the streams; their cursors advance.
        carried: the recurrent state after the last window, float32.
        random: the random generators; dropout draws from one of them.
    """

    network: CharRNN
    optimiser: Optimiser
    streams: Streams
    carried: CarriedState
    random: Randomness
