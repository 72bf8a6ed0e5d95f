"""The rules of Amazon SageMaker Debugger with the parameters that they have by default.

Written from Amazon SageMaker AI, Developer Guide, "List of Debugger built-in rules"
(https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html); the rules themselves are not published.
A rule ends where it first holds, so each is reported once. The rules that are left out watch things that a character
network does not have: ReLUs, images, trees, classes in balance, a second run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.sick_runs.meanings import EXPLODING, GAP, LARGE_STEPS, NOT_LEARNING, SATURATED, SMALL_STEPS, VANISHING
from tests.sick_runs.steps import Alarm, Step

VANISHED = 1e-7
"""VanishingGradient, `threshold`: default 0.0000001."""

NUM_STEPS = 10
DIFF_PERCENT = 0.1
INCREASE_THRESHOLD_PERCENT = 5.0
"""LossNotDecreasing, `num_steps`, `diff_percent` and `increase_threshold_percent`: defaults 10, 0.1 and 5."""

PATIENCE = 1
RATIO_THRESHOLD = 0.1
"""Overfit, `patience` and `ratio_threshold`: defaults 1 and 0.1."""

TANH = (-9.4999, 9.4999)
SIGMOID = (-23.0, 16.99999)
"""SaturatedActivation, `threshold_tanh_min`, `_max`, `threshold_sigmoid_min`, `_max`: the ends, of the *inputs* of the
functions, beyond which their derivative is below 0.0000001."""

INACTIVITY = 0.01
LAYER = 0.5
"""SaturatedActivation, `threshold_inactivity` and `threshold_layer`: defaults 1.0 and 50.0 percent."""

LARGE = 10.0
SMALL = 1e-8
EPSILON = 1e-9
"""WeightUpdateRatio, `large_threshold`, `small_threshold` and `epsilon`: defaults 10.0, 0.00000001 and 0.000000001."""


def sagemaker_debugger(history: Sequence[Step]) -> list[Alarm]:
    """The alarms of the rules on a training, the earliest first."""
    found = [(rule, holds(history), causes) for rule, holds, causes in _RULES]
    alarms = [Alarm(rule, update, causes) for rule, update, causes in found if update is not None]
    return sorted(alarms, key=lambda alarm: alarm.update)


def vanishing_gradient(history: Sequence[Step]) -> int | None:
    """VanishingGradient: the mean of the absolute values of a gradient drops below `threshold`."""
    return next((step.update for step in history if any(mean < VANISHED for mean in step.gradients)), None)


def exploding_tensor(history: Sequence[Step]) -> int | None:
    """ExplodingTensor: a tensor has a value that is infinite or, `only_nan` being False by default, not a number."""
    return next((step.update for step in history if not step.finite), None)


def loss_not_decreasing(history: Sequence[Step]) -> int | None:
    """LossNotDecreasing: after `num_steps` steps or more the loss is not `diff_percent` lower than it was.

    Each comparison is with the one before, as in the guide's example. Of `increase_threshold_percent` the guide says
    that it is what "loss is allowed to increase in case loss has been increasing": a loss that rose is accepted up to
    that, as otherwise the parameter could change nothing. This reading spares healthy trainings, whose losses are
    noisy.
    """
    before = history[0] if history else None
    for step in history:
        if before is None or step.update - before.update < NUM_STEPS:
            continue
        rise, percent = step.loss - before.loss, before.loss / 100
        if -DIFF_PERCENT * percent < rise <= 0 or rise > INCREASE_THRESHOLD_PERCENT * percent:
            return step.update
        before = step
    return None


def overfit(history: Sequence[Step]) -> int | None:
    """Overfit: (mean validation loss − mean training loss) / mean training loss exceeds `ratio_threshold`.

    It holds after `patience` such measurements in a row. The training losses are those since the measurement before.
    """
    exceeded = 0
    losses: list[float] = []
    measured: float | None = None
    for step in history:
        losses.append(step.loss)
        if step.validation is None or step.validation == measured:
            continue
        measured = step.validation
        training = sum(losses) / len(losses)
        exceeded = exceeded + 1 if measured - training > RATIO_THRESHOLD * training else 0
        losses = []
        if exceeded >= PATIENCE:
            return step.update
    return None


def saturated_activation(history: Sequence[Step]) -> int | None:
    """SaturatedActivation: more than `threshold_layer` percent of a layer's nodes are saturated.

    A node is saturated where less than `threshold_inactivity` percent of its inputs lie between the thresholds; this is
    counted where the step is made.
    """
    return next((step.update for step in history if any(share > LAYER for share in step.saturated)), None)


def large_update(history: Sequence[Step]) -> int | None:
    """WeightUpdateRatio: the ratio of an update to the weights is larger than `large_threshold`."""
    return next((step.update for step in history if any(ratio > LARGE for ratio in step.update_ratios)), None)


def small_update(history: Sequence[Step]) -> int | None:
    """WeightUpdateRatio: the ratio of an update to the weights is smaller than `small_threshold`."""
    return next((step.update for step in history if any(ratio < SMALL for ratio in step.update_ratios)), None)


_RULES: tuple[tuple[str, Callable[[Sequence[Step]], int | None], frozenset[str]], ...] = (
    ("ExplodingTensor", exploding_tensor, EXPLODING),
    ("VanishingGradient", vanishing_gradient, VANISHING),
    ("SaturatedActivation", saturated_activation, SATURATED),
    ("WeightUpdateRatio, large", large_update, LARGE_STEPS),
    ("WeightUpdateRatio, small", small_update, SMALL_STEPS),
    ("Overfit", overfit, GAP),
    ("LossNotDecreasing", loss_not_decreasing, NOT_LEARNING),
)
"""WeightUpdateRatio counts as two rules, since its two ends mean opposite causes."""
