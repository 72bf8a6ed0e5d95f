"""What two other tools may see of a training, and what they say about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One look at a training, behind an update.

    Attributes:
        update: how many updates were made.
        loss: the training loss, nats per character; best the mean over all updates since the look before, as a single
            window's is mostly noise.
        validation: the last validation loss, None where none was measured yet. A number that is exactly the look
            before's is taken for the same measurement.
        accuracy: share of training targets that are predicted right, of the same characters at every look.
        gradients: mean |gradient| of each weight matrix, from the input to the output.
        gradient_norms: L2 norm of the gradient of each.
        finite: whether all of weights, gradients and loss are.
        update_ratios: of each weight matrix mean |change| by the one update / (mean |weight| + ε); empty where that
            update was not made.
        saturated: for each activation function of each layer the share of its units that are saturated.
    """

    update: int
    loss: float
    validation: float | None
    accuracy: float
    gradients: tuple[float, ...]
    gradient_norms: tuple[float, ...]
    finite: bool
    update_ratios: tuple[float, ...]
    saturated: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A rule's first finding.

    Attributes:
        rule: by the name that its tool gives it.
        update: of the look at which it first held.
        causes: which of our causes its name can mean; any of them counts as right.
    """

    rule: str
    update: int
    causes: frozenset[str]
