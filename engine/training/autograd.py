"""Updates of windows: any number of streams, any device, dropout; their passes by autograd or by compiled loops."""

from __future__ import annotations

import math

import numpy as np
import torch

from engine.errors import TextLostError
from engine.network.compute import Compute
from engine.settings import Settings
from engine.training.annealing import Doubles
from engine.training.clipping import clip, measure
from engine.training.measurements import RawMeasurements
from engine.training.mutable_state import MutableState
from engine.training.shards import Shards
from engine.training.state import Counters
from engine.training.streams import Lengths
from engine.training.window import Window


class Autograd:
    """Makes one update after the other.

    Args:
        mutable: what updates change.
        compute: how they are computed.
        counters: how the passes are made: over how many shards, and whether by compiled loops.

    Attributes:
        compute: how the next update is computed; its number of shards is that of the beginning.
    """

    def __init__(self, mutable: MutableState, compute: Compute, counters: Counters) -> None:
        self.compute = compute
        self._mutable = mutable
        self._shards = Shards(mutable.network, compute, counters)
        self._parameters = list(mutable.network.parameters())

    def train(self, settings: Settings, lengths: Lengths, rates: Doubles) -> RawMeasurements:
        """Make one update per window.

        Args:
            settings: the settings with the current value of every knob.
            lengths: (updates,) the length of each window in characters.
            rates: (updates,) the learning rate of each update.

        Returns:
            The measurements of the updates made. It ends before an update whose loss or gradient is not finite, and
            before a window that can no longer be read. That update changes nothing, so the next call reads the same
            window again.

        Raises:
            TextLostError: the first window can no longer be read; nothing has changed.
        """
        raw = RawMeasurements(np.zeros(len(self._parameters)), np.zeros(settings.streams))
        for length, rate in zip(lengths.tolist(), rates.tolist(), strict=True):
            try:
                self._update(settings, length, rate, raw)
            except TextLostError:
                if not raw.updates:
                    raise
                break
            if raw.broken:
                break
        return raw

    def _update(self, settings: Settings, length: int, rate: float, raw: RawMeasurements) -> None:
        mutable = self._mutable
        random_before = mutable.random.dropout.get_state() if settings.dropout else None
        inputs, targets = mutable.streams.window(length)
        masks = mutable.network.masks(length, settings.streams, settings.dropout, mutable.random.dropout)
        mutable.optimiser.forget_gradients()
        passed = self._shards.passes(Window(inputs, targets, mutable.carried, masks), settings, self.compute.threads)

        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        # The one sync point with a GPU: these numbers decide whether the step may be made.
        sizes = measure(gradients)
        numbers = torch.cat((sizes, passed.losses)).tolist()
        norms, total, of_streams = numbers[: len(gradients)], numbers[len(gradients)], numbers[len(gradients) + 1 :]
        loss_value = sum(of_streams) / len(of_streams)
        if not (math.isfinite(total) and math.isfinite(loss_value)):
            if random_before is not None:
                mutable.random.dropout.set_state(random_before)
            raw.broken = mutable.network.what_broke(loss_value, norms)
            return

        clipped, factor = clip(self._parameters, total, settings)
        mutable.optimiser.step(rate, settings.weight_decay)
        mutable.carried = passed.carried
        mutable.streams.advance(length)

        raw.parameter_norm_sums += norms
        raw.stream_loss_sums += [each * length for each in of_streams]
        raw.losses.append(loss_value)
        raw.gradient_norms.append(total)
        raw.factors.append(factor)
        raw.clipped += clipped
