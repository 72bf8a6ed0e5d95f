"""The rules of AutoTrainer with the parameters that they have by default.

Zhang, Zhai, Ma and Shen: "AUTOTRAINER: An Automatic DNN Training Problem Detection and Repair System", ICSE 2021
(https://doi.org/10.1109/ICSE43902.2021.00043). The parameters are those of its repository
(https://github.com/shiningrain/AUTOTRAINER, `default_param` in AutoTrainer/utils/utils.py), and so is the schedule of
the checks (AutoTrainer/utils/monitor.py). Its authors advise to tune the parameters to a task. A look stands for an
epoch here.

Three deviations, all in its favour. Each problem is checked for by itself, where the tool ends a training to repair the
first one. An oscillation counts also where the target accuracy is not reached, as in the repository's later version;
otherwise, with a target of 70 %, no character network could oscillate. The last look is always a check. The tool reads
the accuracy on training and test data; here there is only that on training data. Dying ReLUs are left out, as there are
no ReLUs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from tests.sick_runs.meanings import EXPLODING, NOT_LEARNING, UNSTEADY, VANISHING
from tests.sick_runs.steps import Alarm, Step

BETA_1 = 1e-3
BETA_2 = 1e-4
"""A gradient vanishes where the first layer's norm is smaller than β₁ times the last's, and smaller than β₂."""

BETA_3 = 70.0
"""A gradient explodes where the first layer's norm is larger than this many times the last's."""

ZETA = 0.03
ETA = 0.2
"""A loss oscillates where swings of the accuracy by ζ are as many as the share η of the epochs."""

DELTA = 0.01
"""A training converges slowly where the accuracy never rose by this much from epoch to epoch."""

THETA = 0.7
"""The target accuracy: where it is reached, gradients are not checked."""

JUDGED_FROM = 0.3
"""`judgment_point`: the share of the training after which accuracies are judged."""

CHECKED_EVERY = 3
"""`checktype` of `model_train`: "epoch_3"."""

HIGHEST_LOSS = 1e5
"""A loss of at least this size counts as not finite."""


def autotrainer(history: Sequence[Step]) -> list[Alarm]:
    """The alarms of the rules on a training, the earliest first."""
    alarms: list[Alarm] = []
    for rule, holds, causes in _RULES:
        update = next((seen[-1].update for seen in _checks(history) if holds(seen, len(history))), None)
        if update is not None:
            alarms.append(Alarm(rule, update, causes))
    return sorted(alarms, key=lambda alarm: alarm.update)


def explodes(seen: Sequence[Step], total: int) -> bool:
    """Gradient explosion: something is not finite; or the accuracy is not what it should be and gradients grew."""
    if any(not step.finite or step.loss >= HIGHEST_LOSS for step in seen):
        return True
    return _disappoints(seen, total) and any(_ratio(step) > BETA_3 for step in _checked(seen))


def vanishes(seen: Sequence[Step], total: int) -> bool:
    """Gradient vanishing: the accuracy is not what it should be and hardly any gradient came through."""
    return _disappoints(seen, total) and any(
        _ratio(step) < BETA_1 and step.gradient_norms[0] < BETA_2 for step in _checked(seen)
    )


def converges_slowly(seen: Sequence[Step], total: int) -> bool:
    """Slow convergence: from look to look the accuracy never rose by δ."""
    if len(seen) < 2 or not _judged(seen, total):
        return False
    return max(after.accuracy - before.accuracy for before, after in pairwise(seen)) < DELTA


def oscillates(seen: Sequence[Step], total: int) -> bool:
    """Oscillating loss: of the accuracy's maxima and minima, paired in their order, a share η of all looks are ζ apart.

    The paper speaks of the loss; what is looked at is the accuracy.
    """
    if not _judged(seen, total):
        return False
    accuracies = [step.accuracy for step in seen]
    inner = list(zip(accuracies, accuracies[1:], accuracies[2:], strict=False))
    highest = [here for before, here, after in inner if before <= here >= after]
    lowest = [here for before, here, after in inner if before >= here <= after]
    swings = sum(high - low >= ZETA for high, low in zip(highest, lowest, strict=False))
    return swings >= ETA * len(seen)


def _checks(history: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """The history as it is at each check."""
    for made in range(1, len(history) + 1):
        if made % CHECKED_EVERY == 1 or made == len(history):
            yield history[:made]


def _checked(seen: Sequence[Step]) -> list[Step]:
    """The looks at which the tool checks gradients."""
    return [step for step in (*seen[::CHECKED_EVERY], seen[-1]) if step.gradient_norms]


def _judged(seen: Sequence[Step], total: int) -> bool:
    return len(seen) >= JUDGED_FROM * total


def _disappoints(seen: Sequence[Step], total: int) -> bool:
    if not _judged(seen, total):
        return False
    return max(step.accuracy for step in seen) < THETA or converges_slowly(seen, total)


def _ratio(step: Step) -> float:
    """The first layer's gradient norm as a multiple of the last's."""
    first, last = step.gradient_norms[0], step.gradient_norms[-1]
    if last:
        return first / last
    return float("inf") if first else 0.0


_RULES: tuple[tuple[str, Callable[[Sequence[Step], int], bool], frozenset[str]], ...] = (
    ("explode", explodes, EXPLODING),
    ("vanish", vanishes, VANISHING),
    ("not_converge", converges_slowly, NOT_LEARNING),
    ("unstable", oscillates, UNSTEADY),
)
"""The rules by the names that the tool prints, in the order in which it checks them."""
