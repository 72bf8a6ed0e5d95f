"""The head over a window of several streams: the loss of each character, and the gradients."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.training.compiled import F, Floats, compiled
from engine.training.compiled.activations import exp
from engine.training.compiled.blas import product, transposed_product
from engine.training.compiled.brgemm import release
from engine.training.compiled.rounding import Operand, operand, round_to
from engine.training.many_streams.weight import Weight


class Head:
    """The head with the memory for the windows of one shard.

    Args:
        module: torch's module.
        weight: its weight, packed before each window.
        dtype: the number type of the products, float32 or bfloat16; all else is float32.

    Attributes:
        by_weight, by_bias: after `passes`, the gradients by the parameters.
    """

    def __init__(self, module: nn.Linear, weight: Weight, dtype: torch.dtype) -> None:
        self._weight, self._bias = weight, module.bias.detach()
        self.by_weight, self.by_bias = torch.empty_like(module.weight), torch.empty_like(module.bias)
        self._dtype = dtype
        self._logits = self._rounded = torch.empty(0, module.out_features)

    def passes(self, inputs: Tensor, targets: Tensor, share: float, by_inputs: Tensor) -> Tensor:
        """Compute the loss of each row, and the gradients of the sum of all times `share`.

        Args:
            inputs: (rows, H) in the number type of the products.
            targets: (rows,) int64.
            share: what each row's loss counts for.
            by_inputs: (rows, H) float32, written: the gradient by the inputs.

        Returns:
            (rows,) the losses in nats.
        """
        rows = len(inputs)
        if len(self._logits) < rows:
            self._logits = torch.empty(rows, len(self._bias))
            self._rounded = self._logits.to(self._dtype)
        losses = torch.empty(rows)
        _passes(
            operand(inputs),
            targets.numpy(),
            F(share),
            self._weight.ahead[rows],
            self._weight.back[rows],
            _floats(self._bias),
            _floats(self._logits[:rows]),
            operand(self._rounded[:rows]),
            _floats(losses),
            _floats(self.by_weight),
            _floats(self.by_bias),
            _floats(by_inputs),
        )
        return losses


@compiled
def _passes(
    inputs: Operand,
    targets: NDArray[np.int64],
    share: F,
    ahead: Operand,
    back: Operand,
    bias: Floats,
    logits: Floats,
    rounded: Operand,
    losses: Floats,
    by_weight: Floats,
    by_bias: Floats,
    by_inputs: Floats,
) -> None:
    """Compute the logits, compare them with the targets, and write the gradients: one call without the interpreter."""
    product(inputs, ahead, logits)
    release(ahead)
    _cross_entropy(logits, bias, targets, share, losses, by_bias)
    round_to(logits.reshape(logits.size), rounded.reshape(rounded.size))
    transposed_product(rounded, inputs, by_weight)
    product(rounded, back, by_inputs)
    release(back)


@compiled
def _cross_entropy(
    logits: Floats, bias: Floats, targets: NDArray[np.int64], share: F, losses: Floats, by_bias: Floats
) -> None:
    """Write the loss of each row in nats, and turn the logits without their bias, (rows, V), into the gradient."""
    for row in range(targets.size):
        of_row = logits[row]
        highest = F(-np.inf)
        for entry in range(bias.size):
            of_row[entry] += bias[entry]
            highest = max(highest, of_row[entry])
        for entry in range(bias.size):
            of_row[entry] -= highest
        losses[row] = -of_row[targets[row]]
    # Rows are short: one loop over all of their exponentials is quicker than one for each row.
    flat = logits.reshape(logits.size)
    for place in range(flat.size):
        flat[place] = exp(flat[place])
    by_bias[:] = F(0)
    for row in range(targets.size):
        of_row = logits[row]
        mass = F(0)
        for entry in range(bias.size):
            mass += of_row[entry]
        losses[row] += math.log(mass)
        scale = share / mass
        for entry in range(bias.size):
            of_row[entry] *= scale
        of_row[targets[row]] -= share
        for entry in range(bias.size):
            by_bias[entry] += of_row[entry]


def _floats(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.numpy())
