"""Looks at a training for the rules of other tools, and changes nothing of it.

    before = weights(trainer)
    measured = trainer.train()
    step = watch(trainer, measured, before, validation)

More updates may be made between two looks: only the last of them is enclosed by `weights` and `watch`, and the
measurements of all of them, joined, give the loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.training.measurements import Measurements
from engine.training.subject import Subject
from engine.training.trainer import Trainer
from engine.windows import ALL
from tests.sick_runs.activations import Activation, activations
from tests.sick_runs.sagemaker_debugger import EPSILON, INACTIVITY, SIGMOID, TANH
from tests.sick_runs.steps import Step

ACTIVATION_LENGTH = 32
ACTIVATION_LANES = 4
"""Characters whose activations are looked at."""

ACCURACY_LENGTH = 512
ACCURACY_LANES = 16
"""Characters on which the accuracy is measured."""


def weights(trainer: Trainer) -> dict[str, Tensor]:
    """Copies of the weight matrices, to be taken before the update that is watched."""
    return {name: matrix.detach().clone() for name, matrix in trainer.network.matrices().items()}


def watch(trainer: Trainer, measured: Measurements, before: Mapping[str, Tensor], validation: float | None) -> Step:
    """Everything that the rules may see after an update.

    Args:
        trainer: behind the update, which need not have succeeded.
        measured: of the updates since the look before.
        before: the weights before the last of them.
        validation: the last validation loss.
    """
    subject = trainer.subject()
    after = trainer.network.matrices()
    loss = measured.mean_loss if measured.length else math.nan
    gradients = _gradients(subject)
    sizes = [gradient.abs().mean().item() for gradient in gradients]
    tensors = [*gradients, *trainer.network.parameters()]
    return Step(
        update=trainer.counters.updates,
        loss=loss,
        validation=validation,
        accuracy=_accuracy(subject),
        gradients=tuple(sizes),
        gradient_norms=tuple(torch.linalg.vector_norm(gradient).item() for gradient in gradients),
        finite=not measured.broken
        and math.isfinite(loss)
        and all(bool(torch.isfinite(each).all()) for each in tensors),
        update_ratios=() if measured.broken else tuple(_ratio(before[name], after[name]) for name in after),
        saturated=_saturated(subject),
    )


def _gradients(subject: Subject) -> list[Tensor]:
    """The gradients of the loss over the next window, in float32 and without dropout: one for each weight matrix."""
    network, settings = subject.network, subject.settings
    stretch = subject.ahead(max(1, round(settings.bptt.mean)), len(subject.cursors))
    with torch.enable_grad():
        outputs, _ = network(stretch.inputs, stretch.before)
        if settings.targets == ALL:
            logits, expected = network.head(outputs).flatten(0, 1), stretch.targets.flatten()
        else:
            logits, expected = network.head(outputs[-1]), stretch.targets[-1]
        loss = functional.cross_entropy(logits, expected)
        return list(torch.autograd.grad(loss, list(network.matrices().values())))


@torch.no_grad()
def _accuracy(subject: Subject) -> float:
    """The share of characters predicted right, of stretches spread over the training split.

    The stretches are the same at every look, as they are in an epoch: with others, the accuracy would also vary with
    how hard the text is there. Each begins with an empty hidden state.
    """
    ids = subject.corpus.training
    length = min(ACCURACY_LENGTH, len(ids) - 1)
    begins = np.linspace(0, len(ids) - 1 - length, ACCURACY_LANES).astype(np.int64)
    read = torch.from_numpy(ids[begins + np.arange(length + 1)[:, None]].astype(np.int64)).to(subject.compute.device)
    outputs, _ = subject.network(read[:-1], subject.network.zero_state(ACCURACY_LANES))
    return float((subject.network.head(outputs).argmax(-1) == read[1:]).float().mean())


def _ratio(before: Tensor, after: Tensor) -> float:
    """The size of an update relative to the weights; the guide calls it the ratio of updates to weights."""
    change = (after.detach() - before).abs().mean()
    return float(change / (before.abs().mean() + EPSILON))


def _saturated(subject: Subject) -> tuple[float, ...]:
    """For each activation function of each layer the share of its units that are saturated on the text ahead."""
    stretch = subject.ahead(ACTIVATION_LENGTH, ACTIVATION_LANES)
    found, _ = activations(subject.network, stretch.inputs, stretch.before)
    return tuple(saturated_share(activation) for activation in found)


def saturated_share(activation: Activation) -> float:
    """The share of units that have hardly any input between the function's ends."""
    lowest, highest = TANH if activation.kind == "tanh" else SIGMOID
    active = ((activation.inputs > lowest) & (activation.inputs < highest)).flatten(0, 1).float().mean(0)
    return float((active < INACTIVITY).float().mean())
