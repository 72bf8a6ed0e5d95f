"""Gathers the measurements of updates into points."""

from __future__ import annotations

from statistics import fmean, median

from engine.clock import Every
from engine.events import Point
from engine.training.annealing import Doubles
from engine.training.clipping import effect
from engine.training.measurements import Measurements

POINT_SECONDS = 0.2
"""The seconds between two points while training."""


class Collector:
    """Gathers the measurements of updates into points."""

    def __init__(self, optimizer: str) -> None:
        self._optimizer = optimizer
        self._gathered: list[Measurements] = []
        self._due = Every(POINT_SECONDS)

    @property
    def due(self) -> bool:
        """Whether it is time for the next point."""
        return self._due.due()

    def add(self, measured: Measurements) -> None:
        """Add the measurements of further updates to the current point."""
        if measured.updates:
            self._gathered.append(measured)

    def point(self, update: int, chars: int, seconds: float, places: Doubles) -> Point | None:
        """The point over the updates since the last one; None where there were none.

        Args:
            update: the last update, counted from the run's start.
            chars: characters trained on since the run's start.
            seconds: seconds of training in this process.
            places: (streams,) the place of each stream, as a share of the training split.
        """
        self._due.reset()
        if not self._gathered:
            return None
        taken, self._gathered = Measurements.joined(self._gathered), []
        worst = int(taken.stream_loss_sums.argmax())
        rate = float(taken.rates[-1])
        cut = taken.factors[taken.factors < 1].tolist()
        return Point(
            update=update,
            chars=chars,
            seconds=seconds,
            loss=taken.mean_loss,
            grad_norm=fmean(taken.gradient_norms.tolist()),
            grad_norm_max=float(taken.gradient_norms.max()),
            clipped=taken.clipped / taken.updates,
            norms=tuple((taken.matrix_norm_sums / taken.updates).tolist()),
            lr=rate,
            updates=taken.updates,
            loss_spread=taken.loss_spread,
            worst_loss=float(taken.stream_loss_sums[worst]) / taken.length,
            worst_place=float(places[worst]),
            clip_factor=median(cut) if cut else 1.0,
            rate_used=rate * effect(taken.gradient_norms, taken.factors, self._optimizer),
        )
