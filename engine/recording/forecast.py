"""The expected course of a training's loss, with an interval: a power law with an offset, fitted to its past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.events import Point

Doubles = NDArray[np.float64]
Line = tuple[tuple[float, ...], tuple[float, ...]]
"""Characters trained on, and losses in nats per character."""

EXPONENTS = (1e-3, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0)
"""The exponents that are tried: 0.001 stands for a logarithm."""

REACH = 2.0
"""The past is fitted back to this part of the characters trained on: before it, other things were learnt."""

PARTS = 16
"""The number of equal parts, on a logarithmic axis, into which that past is divided."""

FEWEST_PARTS = 6
"""The fewest of these parts that must hold points."""

HIGHEST = 1e6
"""A loss beyond this is of a training that has diverged, and is left out."""

SAME_RATE = 1e-6
"""A rise of the learning rate by a smaller share is rounding."""

ALIKE = 3.0
"""Neighbouring parts of a text are alike: the fit's error is that of so many times fewer independent parts."""

STEADY = 0.3
"""A part's weight is 1 / (STEADY + mean number of updates of a part / its own number): some of a part's scatter is the
text's, which does not become less with more updates."""

HOLDS_80 = 1.7
"""The standard deviations on either side that hold 80 % of the ends, over 37 trainings of random networks on several
texts, each at 43, 50 and 60 % of its way. For a normal distribution it is 1.28: curves bend as no power law does."""

COURSE = 8
"""The number of places at which the course is given."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected course of the training loss, and the interval that holds it with a probability of 80 %."""

    course: Line
    lower: Line
    upper: Line

    @property
    def chars(self) -> float:
        """The characters trained on at its end."""
        return self.course[0][-1]

    @property
    def loss(self) -> float:
        """The loss that is expected there."""
        return self.course[1][-1]

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of the loss there."""
        return self.lower[1][-1], self.upper[1][-1]


def forecast(points: Sequence[Point], until: float, since: float = 0.0) -> Forecast | None:
    """The expected course of the training loss from the last point to `until` characters.

    L(n) = c + a·n^−b (Hestness et al. 2017), n characters after `since`, is fitted by least squares for each of
    `EXPONENTS`. Each of these curves counts by the probability of its residuals, as Domhan et al. (2015) weigh theirs.

    Args:
        points: the points, oldest first.
        until: characters trained on.
        since: characters trained on at the last change of a hyperparameter: what was before it does not count.

    Returns:
        None where the past is too short, or `until` lies in it.
    """
    past = _parts([point for point in points if point.chars > since], since)
    if past is None or until <= points[-1].chars:
        return None
    chars, losses, weights = past
    now = points[-1].chars - since
    ahead = np.geomspace(now, until - since, COURSE)
    fits = [_fitted(exponent, chars / now, losses, weights, ahead / now) for exponent in EXPONENTS]
    residuals = np.array([residual for residual, _, _ in fits])
    # In proportion to the likelihood of normal residuals whose variance is unknown.
    chance = (residuals / residuals.min()) ** (-len(chars) / ALIKE / 2)
    chance /= chance.sum()
    expected = np.array([each for _, each, _ in fits])
    mean = chance @ expected
    spread = HOLDS_80 * np.sqrt(chance @ (np.array([each for *_, each in fits]) + (expected - mean) ** 2))
    return Forecast(*(_line(ahead + since, losses) for losses in (mean, mean - spread, mean + spread)))


def _parts(points: Sequence[Point], since: float) -> tuple[Doubles, Doubles, Doubles] | None:
    """The mean characters after `since` and losses of the parts of the past, oldest first, and their weights."""
    last = points[-1].chars - since if points else 0
    points = _at_full_rate(points)
    there = [point for point in points if (point.chars - since) * REACH >= last and abs(point.loss) < HIGHEST]
    if len(there) < FEWEST_PARTS:
        return None
    chars = np.array([point.chars for point in there], np.float64) - since
    counts = np.array([point.updates for point in there], np.float64)
    part = np.minimum(PARTS - 1, (np.log(chars / chars[0]) / np.log(chars[-1] / chars[0]) * PARTS).astype(np.int64))
    updates = np.bincount(part, counts, PARTS)
    held = updates > 0
    if held.sum() < FEWEST_PARTS:
        return None
    losses = np.array([point.loss for point in there])
    places, means = (np.bincount(part, counts * each, PARTS)[held] / updates[held] for each in (chars, losses))
    return places, means, 1 / (STEADY + updates[held].mean() / updates[held])


def _at_full_rate(points: Sequence[Point]) -> Sequence[Point]:
    """The points since the learning rate last rose, as in a warm-up: a loss falls otherwise before that."""
    for place in range(len(points) - 1, 0, -1):
        if points[place].lr > points[place - 1].lr * (1 + SAME_RATE):
            return points[place:]
    return points


def _fitted(
    exponent: float, chars: Doubles, losses: Doubles, weights: Doubles, ahead: Doubles
) -> tuple[float, Doubles, Doubles]:
    """A curve of one exponent: its weighted mean squared residual, the losses ahead, and the variances of these."""
    design, beyond = (np.stack([np.ones_like(x), (x**-exponent - 1) / exponent], 1) for x in (chars, ahead))
    inverse = np.linalg.inv((design * weights[:, None]).T @ design + 1e-9 * np.eye(2))
    found = inverse @ (design * weights[:, None]).T @ losses
    residual = float(weights @ (losses - design @ found) ** 2 / weights.sum()) + 1e-8
    leverage = np.einsum("ni,ij,nj->n", beyond, inverse, beyond) * weights.sum() / len(chars) * ALIKE
    return residual, beyond @ found, residual * (1 + leverage)


def _line(chars: Doubles, losses: Doubles) -> Line:
    return tuple(chars.tolist()), tuple(losses.tolist())
