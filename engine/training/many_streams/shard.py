"""The passes of a window for one shard of its streams."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.training.many_streams.head import Head
from engine.training.many_streams.layer import Layer, Weights
from engine.training.many_streams.weight import Weight
from engine.training.window import Passed, Window


class Shard:
    """Computes the gradients of its streams, in memory of its own.

    Args:
        weights: the parameters of each layer, from the lowest one up.
        head: the head's module.
        of_head: its weight.
        dtype: the number type of the products.
    """

    def __init__(self, weights: list[Weights], head: nn.Linear, of_head: Weight, dtype: torch.dtype) -> None:
        self._layers = [Layer(each, dtype) for each in weights]
        self._head = Head(head, of_head, dtype)
        self._dtype = dtype
        self._above = torch.empty(0, 0, 0)

    @torch.no_grad()
    def passes(self, window: Window, table: Tensor, places: Tensor, counted: int, share: float) -> Passed:
        """Make the passes over a window of the shard's streams.

        Args:
            window: the window.
            table: (n, G·H) what each distinct id adds to the sums of the lowest layer.
            places: (T, B) the row of each input in it.
            counted: the number of characters at the window's end that are targets.
            share: what the loss of each target counts for.
        """
        self._forward(window, table, places)
        inputs = self._outputs(len(self._layers), window)
        above = self._room_above(window.inputs.shape[0], window.inputs.shape[1], inputs.shape[1])
        above[: len(above) - counted] = 0
        rows = counted * window.inputs.shape[1]
        # The targets of a single stream would be a view with gaps, for which a compiled function has another form.
        targets = window.targets.flatten()[-rows:].contiguous()
        losses = self._head.passes(inputs[-rows:], targets, share, above.flatten(0, 1)[-rows:])
        self._backward(above, window)
        carried = tuple(each for layer in self._layers for each in layer.state())
        return Passed(losses.view(counted, -1).mean(0), carried)

    def gradients(self) -> list[Tensor]:
        """The gradient by the table's rows, then by the network's other parameters in their order."""
        first, *others = self._layers
        found = [first.by_row, first.by_weight_hh, first.by_bias_ih, first.by_bias_hh]
        for layer in others:
            found += (layer.by_weight_ih, layer.by_weight_hh, layer.by_bias_ih, layer.by_bias_hh)
        return [*found, self._head.by_weight, self._head.by_bias]

    def _forward(self, window: Window, table: Tensor, places: Tensor) -> None:
        per_layer = len(window.carried) // len(self._layers)
        for index, layer in enumerate(self._layers):
            layer.begin(len(window.inputs), window.carried[index * per_layer : (index + 1) * per_layer])
            if index:
                layer.read(self._outputs(index, window))
            else:
                layer.look_up(table, places)
            layer.forward()

    def _backward(self, above: Tensor, window: Window) -> None:
        for index in range(len(self._layers) - 1, -1, -1):
            layer = self._layers[index]
            if window.masks:
                above.mul_(window.masks[index])
            layer.backward(above)
            if index:
                layer.by_inputs(self._outputs(index, window), above.flatten(0, 1))

    def _outputs(self, count: int, window: Window) -> Tensor:
        """(T·B, H) what the lowest `count` layers give to the one above, or to the head, in the products' type."""
        room = self._layers[count - 1].room
        if window.masks:
            return (room.hidden[1:] * window.masks[count - 1]).flatten(0, 1).to(self._dtype)
        return room.rounded[1:].flatten(0, 1)

    def _room_above(self, times: int, streams: int, size: int) -> Tensor:
        """(T, B, H) memory for the gradient by the hidden states, kept from window to window."""
        if self._above.shape[1:] != (streams, size) or len(self._above) < times:
            self._above = torch.empty(times, streams, size)
        return self._above[:times]
