"""The passes of a window of several streams by compiled loops, on the processor.

They give the same gradients as torch's automatic differentiation, to rounding, and take less time: the first layer's
product is made once for each distinct id, those by the weights once for the window, memory is kept, and the steps of a
window run without the interpreter. In bfloat16 the products of the recurrent layers take rounded numbers; their sums,
and all else, stay float32.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from engine.network.model import CharRNN
from engine.settings import Settings
from engine.training.many_streams.layer import Layer
from engine.training.window import Passed, Window
from engine.windows import ALL


class ManyStreams:
    """Makes the passes of one network.

    Args:
        network: the network, whose parameters get the gradients.
        dtype: the number type of the recurrent layers' products, float32 or bfloat16.
    """

    def __init__(self, network: CharRNN, dtype: torch.dtype) -> None:
        self._network = network
        self._dtype = dtype
        self._layers = [Layer(cast(nn.RNNBase, module), dtype) for module in network.rnn]

    @torch.no_grad()
    def passes(self, window: Window, settings: Settings) -> Passed:
        """The passes over a window of some streams: its part of the gradient of the mean loss over all."""
        ids, places = torch.unique(window.inputs, return_inverse=True)
        self._forward(ids, places, window)
        top = self._outputs(len(self._layers) - 1, window)
        rows, expected = (
            (top.flatten(0, 1), window.targets.flatten()) if settings.targets == ALL else (top[-1], window.targets[-1])
        )
        losses, by_logits = self._head(rows, expected, settings.streams)
        above = torch.zeros_like(top)
        torch.mm(by_logits, self._network.head.weight, out=above.flatten(0, 1)[-len(rows) :])
        self._backward(above, ids, places, window)
        carried = tuple(each for layer in self._layers for each in layer.state())
        return Passed(losses.view(-1, window.inputs.shape[1]).mean(0), carried)

    def _forward(self, ids: Tensor, places: Tensor, window: Window) -> None:
        per_layer = self._network.states_per_layer
        for index, layer in enumerate(self._layers):
            layer.begin(len(window.inputs), window.carried[index * per_layer : (index + 1) * per_layer])
            if index:
                layer.read(self._inputs(index, window))
            else:
                table = torch.addmm(layer.input_bias(), self._network.embedding.weight[ids], layer.weight_ih.t())
                torch.index_select(table, 0, places.flatten(), out=layer.room.sums.flatten(0, 1))
            layer.forward()

    def _outputs(self, index: int, window: Window) -> Tensor:
        """(time, streams, hidden) what a layer gives to the one above, or to the head."""
        outputs = self._layers[index].room.hidden[1:]
        return outputs * window.masks[index] if window.masks else outputs

    def _inputs(self, index: int, window: Window) -> Tensor:
        """(time · streams, hidden) the same in the number type of the products, for the layer of this index."""
        if window.masks:
            return self._outputs(index - 1, window).flatten(0, 1).to(self._dtype)
        return self._layers[index - 1].room.rounded[1:].flatten(0, 1)

    def _head(self, rows: Tensor, expected: Tensor, streams: int) -> tuple[Tensor, Tensor]:
        """The loss of each row, and the gradient by the logits; the head's parameters get theirs."""
        head = self._network.head
        by_logits = torch.log_softmax(torch.addmm(head.bias, rows, head.weight.t()), 1)
        losses = by_logits.gather(1, expected[:, None])[:, 0].neg()
        # Each stream's loss is a mean over its rows, of which all shards have as many.
        each = losses.numel() // self._layers[0].room.sums.shape[1] * streams
        by_logits.exp_().div_(each)
        by_logits.scatter_add_(1, expected[:, None], by_logits.new_full((len(expected), 1), -1 / each))
        head.weight.grad, head.bias.grad = by_logits.t() @ rows, by_logits.sum(0)
        return losses, by_logits

    def _backward(self, above: Tensor, ids: Tensor, places: Tensor, window: Window) -> None:
        for index in range(len(self._layers) - 1, -1, -1):
            layer = self._layers[index]
            if window.masks:
                above.mul_(window.masks[index])
            layer.backward(above)
            if index:
                layer.by_inputs(self._inputs(index, window), above.flatten(0, 1))
        embedding, first = self._network.embedding, self._layers[0]
        by_sums = first.room.sums.flatten(0, 1)
        by_id = by_sums.new_zeros(len(ids), by_sums.shape[1]).index_add_(0, places.flatten(), by_sums)
        first.weight_ih.grad = by_id.t() @ embedding.weight[ids]
        embedding.weight.grad = torch.zeros_like(embedding.weight).index_copy_(0, ids, by_id @ first.weight_ih)
