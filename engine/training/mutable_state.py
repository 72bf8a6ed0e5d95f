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
        network: its parameters, in place.
        optimiser: what it remembers, in place.
        streams: their cursors.
        carried: the recurrent state behind the last window, float32.
        random: the generator of dropout.
    """

    network: CharRNN
    optimiser: Optimiser
    streams: Streams
    carried: CarriedState
    random: Randomness
