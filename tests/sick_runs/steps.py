"""The observations of a training for two other tools, and their alarms on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One look at a training, after an update.

    Attributes:
        update: how many updates were made.
        loss: the training loss in nats per character; best the mean over all updates since the previous look, since
            that of a single window is mostly noise.
        validation: the last validation loss, None where none was measured yet. A number equal to that of the previous
            look counts as the same measurement.
        accuracy: the share of training targets that are predicted correctly, on the same characters at every look.
        gradients: mean |gradient| of each weight matrix, from the input to the output.
        gradient_norms: L2 norm of the gradient of each.
        finite: whether all of weights, gradients and loss are.
        update_ratios: for each weight matrix, mean |change by the update| / (mean |weight| + ε); empty where that
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
        rule: the rule's name in its tool.
        update: the update of the look at which it first held.
        causes: our causes that its name can mean; any of them counts as right.
    """

    rule: str
    update: int
    causes: frozenset[str]
