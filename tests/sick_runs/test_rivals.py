"""Each rule of each rival on a history that its documentation describes, and on one just inside its thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.sick_runs.rivals import CAUSES, RIVALS, Step

SAGEMAKER, AUTOTRAINER = "SageMaker Debugger", "AutoTrainer"
LOOKS = 12


def healthy(looks: int = LOOKS) -> list[Step]:
    """A loss that falls, an accuracy that rises, gradients and updates of usual sizes."""
    return [
        Step(
            update=10 * look,
            loss=3 * 0.95**look,
            validation=3 * 0.95**look * 1.05,
            accuracy=0.2 + 0.03 * look,
            gradients=(1e-4, 1e-3, 1e-3, 1e-3),
            gradient_norms=(0.1, 0.5, 0.5, 0.5),
            finite=True,
            update_ratios=(1e-3, 1e-3, 1e-3, 1e-3),
            saturated=(0.0, 0.1),
        )
        for look in range(looks)
    ]


def changed(at: int, **values: Any) -> list[Step]:
    """The same history with other values at one look."""
    history = healthy()
    history[at] = replace(history[at], **values)
    return history


def with_losses(losses: Sequence[float], every: int = 10) -> list[Step]:
    """The same with these losses; the validation loss is never measured."""
    steps = zip(healthy(len(losses)), losses, strict=True)
    return [replace(step, loss=loss, validation=None, update=every * look) for look, (step, loss) in enumerate(steps)]


def with_accuracies(accuracies: Sequence[float], **values: Any) -> list[Step]:
    steps = zip(healthy(len(accuracies)), accuracies, strict=True)
    return [replace(step, accuracy=accuracy, **values) for step, accuracy in steps]


def said(rival: str, history: Sequence[Step]) -> dict[str, int]:
    """The rules that hold, and since which update."""
    return {alarm.rule: alarm.update for alarm in RIVALS[rival](history)}


@pytest.mark.parametrize("rival", list(RIVALS))
def test_nothing_is_said_of_a_healthy_training_nor_of_none(rival: str) -> None:
    assert said(rival, healthy()) == {}
    assert said(rival, []) == {}
    assert said(rival, healthy(1)) == {}


@pytest.mark.parametrize("rival", list(RIVALS))
def test_every_alarm_means_some_of_the_causes_and_the_earliest_comes_first(rival: str) -> None:
    history = [
        replace(
            step,
            accuracy=0.5,
            gradient_norms=(1e-6, 0.5),
            gradients=(1e-9,),
            saturated=(0.9,),
            update_ratios=(0.0, 20.0),
        )
        for step in with_losses([3.0] * LOOKS)
    ]
    history[5] = replace(history[5], finite=False, validation=9.0)
    alarms = RIVALS[rival](history)
    assert len(alarms) >= 3
    assert all(alarm.causes and alarm.causes <= CAUSES for alarm in alarms)
    assert [alarm.update for alarm in alarms] == sorted(alarm.update for alarm in alarms)
    assert len({alarm.rule for alarm in alarms}) == len(alarms)


@pytest.mark.parametrize(
    ("rule", "sick", "inside"),
    [
        ("VanishingGradient", {"gradients": (1e-4, 0.9e-7)}, {"gradients": (1e-4, 1.1e-7)}),
        ("ExplodingTensor", {"finite": False}, {"gradient_norms": (1e30,)}),
        ("SaturatedActivation", {"saturated": (0.0, 0.51)}, {"saturated": (0.5, 0.5)}),
        ("WeightUpdateRatio, large", {"update_ratios": (1e-3, 10.1)}, {"update_ratios": (1e-3, 9.9)}),
        ("WeightUpdateRatio, small", {"update_ratios": (1e-3, 0.9e-8)}, {"update_ratios": (1e-3, 1.1e-8)}),
        ("Overfit", {"loss": 2.0, "validation": 2.21}, {"loss": 2.0, "validation": 2.19}),
    ],
)
def test_sagemaker_debugger_on_one_look(rule: str, sick: dict[str, Any], inside: dict[str, Any]) -> None:
    assert said(SAGEMAKER, changed(7, **sick))[rule] == 70
    assert rule not in said(SAGEMAKER, changed(7, **inside))


@pytest.mark.parametrize(
    ("losses", "update"),
    [
        ([3.0, 2.9, 2.8985], 20),
        ([3.0, 2.9, 2.8965], None),
        ([3.0, 2.9, 2.9], 20),
        ([3.0, 2.9, 3.06], 20),
        ([3.0, 2.9, 3.03], None),
        ([3.0, 2.9, math.nan], None),
    ],
)
def test_a_loss_that_falls_by_less_than_a_thousandth_or_rises_by_a_twentieth(
    losses: list[float], update: int | None
) -> None:
    assert said(SAGEMAKER, with_losses(losses)).get("LossNotDecreasing") == update


def test_losses_are_compared_over_ten_steps_at_least() -> None:
    # Saved every three steps, as in the guide: what is compared is 0 with 12, and 12 with 24.
    flat_between = [3.0, 3.0, 3.0, 3.0, 2.9, 2.9, 2.9, 2.9, 2.8]
    assert said(SAGEMAKER, with_losses(flat_between, every=3)) == {}
    assert said(SAGEMAKER, with_losses([3.0] * 9, every=3)) == {"LossNotDecreasing": 12}


def test_a_validation_loss_that_is_not_measured_anew_is_not_compared_again() -> None:
    losses = [3.0 * 0.9**look for look in range(6)]
    history = [replace(step, validation=3.0) for step in with_losses(losses)]
    assert said(SAGEMAKER, history) == {}


def test_training_losses_are_averaged_between_two_validations() -> None:
    history = with_losses([3.0, 2.4, 2.0, 1.6])
    history[0] = replace(history[0], validation=3.0)
    history[3] = replace(history[3], validation=2.15)
    assert "Overfit" not in said(SAGEMAKER, history)
    history[3] = replace(history[3], validation=2.25)
    assert said(SAGEMAKER, history)["Overfit"] == 30


@pytest.mark.parametrize(
    ("rule", "sick", "inside"),
    [
        ("vanish", (0.9e-4, 0.5, 0.1), (1.1e-4, 0.5, 0.2)),
        ("vanish", (0.9e-4, 0.5, 0.1), (0.9e-4, 0.5, 0.08)),
        ("explode", (7.1, 0.5, 0.1), (6.9, 0.5, 0.1)),
        ("explode", (0.1, 0.0), (0.0, 0.0)),
    ],
)
def test_autotrainer_on_gradients(rule: str, sick: tuple[float, ...], inside: tuple[float, ...]) -> None:
    # A gradient is checked at every third look, and judged after a third of the training.
    assert said(AUTOTRAINER, changed(6, gradient_norms=sick)) == {rule: 60}
    assert said(AUTOTRAINER, changed(0, gradient_norms=sick)) == {rule: 30}
    assert said(AUTOTRAINER, changed(5, gradient_norms=sick)) == {}
    assert rule not in said(AUTOTRAINER, changed(6, gradient_norms=inside))


def test_gradients_do_not_matter_to_autotrainer_where_the_accuracy_is_reached() -> None:
    accuracies = [0.2 + 0.06 * look for look in range(LOOKS)]
    assert said(AUTOTRAINER, with_accuracies(accuracies, gradient_norms=(90.0, 1.0)))["explode"] == 30
    assert said(AUTOTRAINER, with_accuracies([0.5 + each for each in accuracies], gradient_norms=(90.0, 1.0))) == {}


@pytest.mark.parametrize("values", [{"finite": False}, {"loss": 1e5}])
def test_autotrainer_on_what_is_not_finite(values: dict[str, Any]) -> None:
    assert said(AUTOTRAINER, changed(1, **values)) == {"explode": 30}
    assert said(AUTOTRAINER, changed(LOOKS - 1, **values)) == {"explode": 10 * (LOOKS - 1)}
    assert said(AUTOTRAINER, changed(1, loss=0.9e5)) == {}


def test_autotrainer_on_slow_convergence() -> None:
    assert said(AUTOTRAINER, with_accuracies([0.2 + 0.009 * look for look in range(LOOKS)])) == {"not_converge": 30}
    assert said(AUTOTRAINER, with_accuracies([0.2 + 0.011 * look for look in range(LOOKS)])) == {}


def test_autotrainer_on_an_oscillating_loss() -> None:
    assert said(AUTOTRAINER, with_accuracies([0.5, 0.531] * 6)) == {"unstable": 30}
    assert said(AUTOTRAINER, with_accuracies([0.5, 0.529] * 6)) == {}
    # Swings that are large enough, but too few: one in seven, two in twelve.
    rising = [0.2 + 0.02 * look for look in range(4)]
    assert said(AUTOTRAINER, with_accuracies([*rising, 0.4, 0.3, 0.32, 0.34, 0.36, 0.5, 0.4, 0.42])) == {}
