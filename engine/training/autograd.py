"""Updates by torch's automatic differentiation: any number of streams, any device, dropout."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from engine.errors import TextLostError
from engine.network.compute import Compute
from engine.settings import Settings
from engine.training.annealing import Doubles
from engine.training.clipping import clip, measure
from engine.training.measurements import Measured
from engine.training.mutable_state import Parts
from engine.training.streams import Lengths
from engine.windows import ALL


class Autograd:
    """Makes one update after the other."""

    def __init__(self, parts: Parts, compute: Compute) -> None:
        self._parts = parts
        self._compute = compute
        self._parameters = list(parts.network.parameters())

    def train(self, settings: Settings, lengths: Lengths, rates: Doubles) -> Measured:
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
        measured = Measured(np.zeros(len(self._parameters)), np.zeros(settings.streams))
        for length, rate in zip(lengths.tolist(), rates.tolist(), strict=True):
            try:
                self._update(settings, length, rate, measured)
            except TextLostError:
                if not measured.updates:
                    raise
                break
            if measured.broken:
                break
        return measured

    def _update(self, settings: Settings, length: int, rate: float, measured: Measured) -> None:
        parts = self._parts
        random_before = parts.random.dropout.get_state() if settings.dropout else None
        inputs, targets = parts.streams.window(length)

        with self._compute.precision():
            outputs, carried = parts.network(inputs, parts.carried, settings.dropout, parts.random.dropout)
            if settings.targets == ALL:
                logits, expected = parts.network.head(outputs).flatten(0, 1), targets.flatten()
            else:
                logits, expected = parts.network.head(outputs[-1]), targets[-1]
            losses = functional.cross_entropy(logits, expected, reduction="none")
        by_stream = losses.view(-1, settings.streams).mean(0)
        loss = by_stream.mean()
        parts.optimiser.forget_gradients()
        loss.backward()  # type: ignore[no-untyped-call]

        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        # The one sync point with a GPU: these numbers decide whether the step may be made.
        sizes = measure(gradients)
        numbers = torch.cat((sizes, by_stream.detach())).tolist()
        norms, total, of_streams = numbers[: len(gradients)], numbers[len(gradients)], numbers[len(gradients) + 1 :]
        loss_value = sum(of_streams) / len(of_streams)
        if not (math.isfinite(total) and math.isfinite(loss_value)):
            if random_before is not None:
                parts.random.dropout.set_state(random_before)
            measured.broken = parts.network.what_broke(loss_value, norms)
            return

        clipped, factor = clip(self._parameters, total, settings)
        parts.optimiser.step(rate, settings.weight_decay)
        parts.carried = tuple(tensor.detach().float() for tensor in carried)
        parts.streams.advance(length)

        measured.norms += norms
        measured.by_stream += [each * length for each in of_streams]
        measured.lengths.append(length)
        measured.losses.append(loss_value)
        measured.whole_norms.append(total)
        measured.factors.append(factor)
        measured.clipped += clipped
        measured.rate = rate
