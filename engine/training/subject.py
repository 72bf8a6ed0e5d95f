"""The view of a training that instruments measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.network.compute import Compute
from engine.network.model import CarriedState, CharRNN
from engine.settings import Settings
from engine.text.corpus import Corpus, TextIds


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of text in several lanes side by side, and the recurrent state before it.

    Attributes:
        inputs: (time, lanes) int64.
        targets: (time, lanes) int64, the character after each input.
        before: the recurrent state before the first character, each tensor (1, lanes, hidden).
    """

    inputs: Tensor
    targets: Tensor
    before: CarriedState


@dataclass(frozen=True, slots=True)
class Subject:
    """A training between two updates. Its parts are the training's own objects: they may be read and not changed.

    Attributes:
        network: the network with its current parameters.
        settings: the settings with the current value of every knob.
        compute: the device and number type that the training computes with.
        corpus: the text.
        cursors: (streams,) int64, the place of each stream's next input in the training split.
        carried: the recurrent state of each stream.
        slots: the optimiser's tensors, by `PARAMETER:SLOT`.
        rate: the learning rate of the next update.
    """

    network: CharRNN
    settings: Settings
    compute: Compute
    corpus: Corpus
    cursors: NDArray[np.int64]
    carried: CarriedState
    slots: Mapping[str, Tensor]
    rate: float

    @torch.no_grad()
    def ahead(self, length: int, lanes: int) -> Stretch:
        """The text that the streams read next, with the state that they carry.

        Args:
            length: the number of characters per lane.
            lanes: the approximate number of lanes. Where there are more streams, evenly spaced ones are taken. Where
                there are fewer, several consecutive stretches of each stream become separate lanes.
        """
        ids, streams = self.corpus.training, len(self.cursors)
        chosen = np.arange(min(lanes, streams)) * streams // min(lanes, streams)
        before = tuple(state[:, chosen].clone() for state in self.carried)
        stretches: list[Stretch] = []
        for number in range(max(1, lanes // len(chosen))):
            inputs, targets = self._read(ids, self.cursors[chosen] + number * length, length)
            stretches.append(Stretch(inputs, targets, before))
            if number + 1 < lanes // len(chosen):
                _, before = self.network(inputs, before)
        return Stretch(
            torch.cat([each.inputs for each in stretches], dim=1),
            torch.cat([each.targets for each in stretches], dim=1),
            tuple(torch.cat(states, dim=1) for states in zip(*(each.before for each in stretches), strict=True)),
        )

    def _read(self, ids: TextIds, begins: NDArray[np.int64], length: int) -> tuple[Tensor, Tensor]:
        """The inputs and targets from some places of the split on, as a ring: two tensors, (length, places) int64."""
        places = (begins + np.arange(length + 1, dtype=np.int64)[:, None]) % len(ids)
        read = torch.from_numpy(ids[places].astype(np.int64)).to(self.compute.device)
        return read[:-1], read[1:]
